//! Names that nobody has, and those that may have been meant.

/// Names this alike are worth a hint (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;
/// So many names are all told where none is alike.
const FEW: usize = 20;
/// Longest part of a name that is repeated, in characters.
const LONGEST: usize = 100;

/// The names of `known` that are most like `name`, three at most, the likest first.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let likeness = |known: &&'a str| (strsim::jaro_winkler(name, known), *known);
    let alike = known.iter().map(likeness);
    let mut alike: Vec<(f64, &str)> = alike.filter(|(likeness, _)| *likeness > ALIKE).collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    alike.into_iter().take(3).map(|(_, name)| name).collect()
}

/// That no `what` is called `name`, with those of `known` that may have been meant.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(LONGEST).collect();
    let nearest = nearest(name, known);
    let hint = match (nearest.as_slice(), known) {
        ([], []) => "there is none".to_owned(),
        ([], [only]) => format!("there is {only}"),
        ([], few) if few.len() <= FEW => format!("there are {}", few.join(", ")),
        ([], many) => format!("there are {}, and none is like it", many.len()),
        (nearest, _) => format!("did you mean {}?", nearest.join(" or ")),
    };
    format!("no {what} is called {shown:?}; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_the_near_ones_else_with_all_if_they_are_few() {
        let many: Vec<String> = (0..30).map(|n| format!("route-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (name, known, expected) in [
            ("nix", &[][..], "no route is called \"nix\"; there is none"),
            (
                "nix",
                &["chat"],
                "no route is called \"nix\"; there is chat",
            ),
            (
                "nix",
                &["chat", "sum"],
                "no route is called \"nix\"; there are chat, sum",
            ),
            (
                "caht",
                &["chat", "sum"],
                "no route is called \"caht\"; did you mean chat?",
            ),
            (
                "nix",
                &many,
                "no route is called \"nix\"; there are 30, and none is like it",
            ),
        ] {
            assert_eq!(unknown("route", name, known), expected);
        }
    }
}
