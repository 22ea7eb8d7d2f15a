//! Parameters of a request, checked against what its operation takes.

use std::collections::BTreeMap;

use super::operations::Parameter;

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number from the one to the other.
    Whole(u64, u64),
    /// `true` or `false`.
    Flag,
    /// Any text of at most 200 characters.
    Text,
}

/// Checked parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(BTreeMap<&'static str, String>);

/// Most characters of a text.
const LONGEST: usize = 200;

impl Query {
    /// The parameters in `text`, the part of an address after its `?`.
    pub(super) fn read(text: &str, known: &'static [Parameter]) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let Some(parameter) = known.iter().find(|it| it.name == name) else {
                let names: Vec<&str> = known.iter().map(|it| it.name).collect();
                let there = match names.as_slice() {
                    [] => "takes none".to_owned(),
                    names => format!("takes {}", names.join(", ")),
                };
                let name: String = name.chars().take(LONGEST).collect();
                return Err(format!("expected no parameter {name:?}: this {there}"));
            };
            check(parameter, &value)?;
            if values.insert(parameter.name, value.into_owned()).is_some() {
                return Err(format!("expected {} once, found it twice", parameter.name));
            }
        }
        Ok(Self(values))
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A whole number.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// A flag; false if it is not there.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }
}

fn check(parameter: &Parameter, value: &str) -> Result<(), String> {
    let (expected, fits) = match parameter.kind {
        Kind::Whole(least, most) => {
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let number = value.parse::<u64>().ok().filter(|_| digits);
            let expected = format!("a whole number from {least} to {most}");
            (
                expected,
                number.is_some_and(|it| (least..=most).contains(&it)),
            )
        }
        Kind::Flag => (
            "true or false".to_owned(),
            matches!(value, "true" | "false"),
        ),
        Kind::Text => {
            let length = value.chars().count();
            let expected = format!("a text of 1 to {LONGEST} characters");
            (expected, (1..=LONGEST).contains(&length))
        }
    };
    if fits {
        return Ok(());
    }
    let found: String = value.chars().take(LONGEST).collect();
    Err(format!(
        "{}: expected {expected}, found {found:?}",
        parameter.name
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: [Parameter; 3] = [
        Parameter {
            name: "limit",
            kind: Kind::Whole(1, 10),
            about: "",
        },
        Parameter {
            name: "failed",
            kind: Kind::Flag,
            about: "",
        },
        Parameter {
            name: "route",
            kind: Kind::Text,
            about: "",
        },
    ];

    #[test]
    fn what_fits_is_read() {
        let query = Query::read("limit=7&failed=true&route=a%2Fb+c", &KNOWN).unwrap();
        assert_eq!(query.whole("limit"), Some(7));
        assert!(query.flag("failed"));
        assert_eq!(query.text("route"), Some("a/b c"));
        assert_eq!(Query::read("", &KNOWN), Ok(Query::default()));
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_was_expected() {
        for (text, part) in [
            ("limit=0", "from 1 to 10"),
            ("limit=+7", "found \"+7\""),
            ("limit=", "found \"\""),
            ("failed=yes", "true or false"),
            ("route=", "1 to 200"),
            ("limit=1&limit=2", "twice"),
            ("limits=1", "takes limit, failed, route"),
        ] {
            let error = Query::read(&text.replace('+', "%2B"), &KNOWN).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let error = Query::read("a=1", &[]).unwrap_err();
        assert!(error.contains("takes none"), "{error}");
    }
}
