//! The configuration: nothing panics, no planted credential is told, and what compiles once compiles again to the same.

use weighbridge::config::{Layer, Lookup, Origins, compile};

/// What no text may have in it.
const PLANTED: [&str; 2] = ["sk-PLANTED0123456789", "correct-horse-battery"];

/// Every variable whose name tells a credential and every file holds one; all other variables a word, or nothing.
struct World;

impl Lookup for World {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        let value = match name {
            "PLANTED_API_KEY" => PLANTED[0],
            "PLANTED_SECRET" => PLANTED[1],
            "WORD" => "word",
            "BROKEN" => return Err("it is not UTF-8".to_owned()),
            _ => return Ok(None),
        };
        Ok(Some(value.to_owned()))
    }

    fn secret_file(&self, path: &str) -> Result<String, String> {
        match path {
            "missing" => Err("there is no such file".to_owned()),
            "two-lines" => Ok(format!("{}\n{}", PLANTED[0], PLANTED[1])),
            _ => Ok(PLANTED[1].to_owned()),
        }
    }
}

fn tells_nothing(text: &str, what: &str) {
    for planted in PLANTED {
        assert!(!text.contains(planted), "{what} tells a credential: {text}");
    }
}

/// What the target claims. Layers are apart by a line of dashes.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // What is written where no credential belongs is none.
    if text.contains("PLANTED0") || text.contains("correct-horse") {
        return;
    }
    let layer = |(n, text): (usize, &str)| Layer {
        name: format!("{n}.toml"),
        text: text.to_owned(),
    };
    let layers: Vec<Layer> = text
        .split("\n---\n")
        .take(3)
        .enumerate()
        .map(layer)
        .collect();
    let first = match compile(&layers, &World) {
        Ok(first) => first,
        Err(problems) => {
            assert!(!problems.is_empty(), "a refusal has a reason");
            for problem in problems {
                tells_nothing(&format!("{problem} {problem:?}"), "a problem");
            }
            return;
        }
    };
    tells_nothing(&format!("{:?}", first.warnings), "a warning");
    tells_nothing(&format!("{:?}", first.config), "the Debug form");
    tells_nothing(&first.shown.to_toml(Origins::Printed), "the shown form");
    tells_nothing(&first.shown.to_json().to_string(), "the shown JSON");
    let again = compile(&layers, &World).map(|again| again.config.digest);
    assert_eq!(again, Ok(first.config.digest), "compiled again");
}
