//! Looking a model up by a name that may be spelled a little differently.

use super::{Entry, KINDS};

/// Regions in front of the models of Bedrock's inference profiles.
/// Source: the names in the data that the list is made of, 2026-11-23.
const REGIONS: &[&str] = &[
    "us", "eu", "apac", "global", "jp", "au", "ca", "us-gov", "in",
];

/// In front of the long names of Fireworks' own models.
const FIREWORKS: &str = "accounts/fireworks/models/";

/// Entries that can be looked up: the embedded ones, or what was read from newer data.
#[derive(Debug, Default)]
pub struct List {
    /// Sorted by kind and model.
    entries: Vec<Entry>,
    /// Places in `entries`, sorted by kind, stem and model.
    by_stem: Vec<usize>,
}

// === impl List ===

impl List {
    /// A list of these entries.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| (a.kind, &a.model).cmp(&(b.kind, &b.model)));
        let mut by_stem: Vec<usize> = (0..entries.len()).collect();
        by_stem.sort_by_key(|index| {
            let entry = entries.get(*index);
            entry.map(|entry| (entry.kind, stem(&entry.model), &entry.model))
        });
        Self { entries, by_stem }
    }

    /// All entries, sorted by kind and model.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of `model` at a provider of this kind; names are taken as [`super::find()`] takes them.
    pub fn find(&self, kind: &str, model: &str) -> Option<&Entry> {
        let kind = KINDS.iter().find(|known| **known == kind)?;
        let bare = bare(kind, model);
        self.exact(kind, model)
            .or_else(|| self.exact(kind, bare))
            .or_else(|| self.alike(kind, bare))
            .or_else(|| {
                // Fireworks' own models have a short and a long name, and the list does not always have both.
                let long = format!("{FIREWORKS}{bare}");
                (*kind == "fireworks").then(|| self.exact(kind, &long))?
            })
            .or_else(|| {
                let elsewhere = without_region(kind, bare)?;
                self.exact(kind, elsewhere)
                    .or_else(|| self.alike(kind, elsewhere))
            })
    }

    fn exact(&self, kind: &str, model: &str) -> Option<&Entry> {
        let place = self
            .entries
            .binary_search_by(|entry| (entry.kind, entry.model.as_str()).cmp(&(kind, model)));
        self.entries.get(place.ok()?)
    }

    /// The entry that differs in its date or version: the one without any, else the newest.
    fn alike(&self, kind: &str, model: &str) -> Option<&Entry> {
        let wanted = stem(model);
        if wanted.is_empty() {
            return None;
        }
        let key = |index: &usize| {
            let entry = self.entries.get(*index);
            entry.map(|entry| (entry.kind, stem(&entry.model)))
        };
        let first = self
            .by_stem
            .partition_point(|index| key(index) < Some((kind, wanted)));
        let same = || {
            self.by_stem
                .iter()
                .skip(first)
                .take_while(|index| key(index) == Some((kind, wanted)))
                .filter_map(|index| self.entries.get(*index))
        };
        same()
            .find(|entry| entry.model == wanted)
            .or_else(|| same().last())
    }
}

/// A name without what some addresses of the same model have in front or behind.
fn bare<'a>(kind: &str, model: &'a str) -> &'a str {
    let last = |model: &'a str| model.rsplit('/').next().unwrap_or(model);
    match kind {
        "gemini" => model.strip_prefix("models/").unwrap_or(model),
        // `publishers/google/models/gemini-…`, `google/gemini-…`; the list has other owners' models with their owner.
        "vertex" => {
            let model = model
                .split_once("publishers/")
                .map_or(model, |(_, rest)| rest);
            let model = match model.split_once("/models/") {
                Some((_, rest)) => rest,
                None => model,
            };
            ["google/", "anthropic/"]
                .iter()
                .find_map(|owner| model.strip_prefix(owner))
                .unwrap_or(model)
        }
        // `arn:aws:bedrock:…:inference-profile/us.anthropic.…`, also with the slash in percent.
        "bedrock" if model.starts_with("arn:") => {
            let name = last(model);
            name.split_once("%2F").map_or(name, |(_, name)| name)
        }
        "fireworks" => model.strip_prefix(FIREWORKS).unwrap_or(model),
        "openrouter" => match model.rsplit_once(':') {
            // The same model, chosen among its providers in another way; `:free` is another price.
            Some((name, "nitro" | "floor" | "online" | "exacto" | "thinking")) => name,
            _ => model,
        },
        _ => model,
    }
}

fn without_region<'a>(kind: &str, model: &'a str) -> Option<&'a str> {
    let (region, rest) = model.split_once('.')?;
    (kind == "bedrock" && REGIONS.contains(&region)).then_some(rest)
}

/// A name without the date and the version at its end.
pub(super) fn stem(model: &str) -> &str {
    let mut stem = model;
    for ending in ["-latest", "@latest", "@default"] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    // From the end: `:0`, `-v1`, `-001` or `@001`, then the date.
    for (mark, digits) in [
        (":", 1),
        ("-v", 1),
        ("-00", 1),
        ("@00", 1),
        ("@", 8),
        ("-", 8),
    ] {
        stem = without_number(stem, mark, digits);
    }
    without_date(stem)
}

/// `name` without `mark` and so many digits at its end.
fn without_number<'a>(name: &'a str, mark: &str, digits: usize) -> &'a str {
    let cut = name
        .len()
        .checked_sub(digits)
        .and_then(|at| name.split_at_checked(at));
    let rest = cut.and_then(|(head, number)| {
        let all = number.bytes().all(|byte| byte.is_ascii_digit());
        head.strip_suffix(mark).filter(|_| all)
    });
    rest.filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// `name` without `-2024-08-06` at its end.
fn without_date(name: &str) -> &str {
    let Some(at) = name.len().checked_sub(11) else {
        return name;
    };
    let Some((head, date)) = name.split_at_checked(at) else {
        return name;
    };
    let fits = date.bytes().enumerate().all(|(index, byte)| match index {
        0 | 5 | 8 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if fits && !head.is_empty() { head } else { name }
}
