//! Claims about the whole way from texts to a configuration.

use super::{Compiled, Layer, Lookup, Problem, compile};

mod accepted;
mod broken;
#[cfg(feature = "redis")]
mod cluster;
mod login;
mod merging;
mod prices;
mod secrets;
mod steering;
#[cfg(feature = "otel")]
mod telemetry;
mod torn;

/// Variables and files of a test.
#[derive(Default)]
struct World {
    variables: Vec<(&'static str, &'static str)>,
    files: Vec<(&'static str, &'static str)>,
}

impl Lookup for World {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        let found = self.variables.iter().find(|(key, _)| *key == name);
        Ok(found.map(|(_, value)| (*value).to_owned()))
    }

    fn secret_file(&self, path: &str) -> Result<String, String> {
        let found = self.files.iter().find(|(key, _)| *key == path);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| "there is no such file".to_owned())
    }
}

fn layer(name: &str, text: &str) -> Layer {
    Layer {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn compiled(texts: &[(&str, &str)], world: &World) -> Result<Compiled, Vec<Problem>> {
    let layers: Vec<Layer> = texts.iter().map(|(name, text)| layer(name, text)).collect();
    compile(&layers, world)
}

/// The configuration of one file without variables.
fn good(text: &str) -> Compiled {
    compiled(&[("a.toml", text)], &World::default())
        .unwrap_or_else(|problems| panic!("expected no problems, found {problems:#?}"))
}

/// The problems of one file without variables.
fn bad(text: &str) -> Vec<Problem> {
    compiled(&[("a.toml", text)], &World::default()).expect_err("the file is broken")
}

const SMALL: &str = "\
[providers.sim]
kind = \"simulated\"
[routes.chat]
targets.only = { use = \"sim/m\" }
";
