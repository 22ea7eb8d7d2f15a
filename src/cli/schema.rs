//! `weighbridge schema`: the JSON schema of a file, for editors.

use std::io::Write;

use super::Failure;

/// What `schema` is told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Of a scenario for `simulate`
    #[arg(long, required = true)]
    scenario: bool,
}

/// The schema of scenarios.
const SCENARIO: &str = include_str!("../../config/scenarios/schema.json");

/// Prints the schema.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    if args.scenario {
        out.write_all(SCENARIO.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::law::Law;

    fn schema() -> Value {
        let mut out = Vec::new();
        run(&Args { scenario: true }, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    fn from_toml(text: &str) -> Value {
        serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
    }

    #[test]
    fn every_scenario_that_comes_along_fits_the_schema() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        for suite in ["base", "extra", "long"] {
            let folder = format!("{}/config/scenarios/{suite}", env!("CARGO_MANIFEST_DIR"));
            for file in std::fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                let scenario = from_toml(&std::fs::read_to_string(&path).unwrap());
                let problem = schema.validate(&scenario).err().map(|e| e.to_string());
                assert_eq!(problem, None, "{} fits", path.display());
            }
        }
    }

    #[test]
    fn the_schema_knows_every_key_of_a_law_and_no_others() {
        let schema = schema();
        let known = &schema["$defs"]["target"]["properties"];
        let law = serde_json::to_value(Law::default()).unwrap();
        let keys: Vec<&String> = law.as_object().unwrap().keys().collect();
        for key in &keys {
            assert!(known.get(key.as_str()).is_some(), "{key} is a key of a law");
        }
        let others = known
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !keys.contains(key));
        let others: Vec<&str> = others.map(String::as_str).collect();
        assert_eq!(
            others,
            ["weight", "tier", "model", "hang_header"],
            "beside those of a law"
        );
    }

    #[test]
    fn what_the_program_refuses_the_schema_refuses() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let world = |key: &str, value: Value| {
            let mut world = json!({
                "name": "a", "seconds": 9, "load": { "rps": 1 }, "target": { "a": { "weight": 1 } },
            });
            *world.pointer_mut(key).unwrap() = value;
            world
        };
        assert!(
            schema.is_valid(&world("/seconds", json!(9))),
            "the world itself is one"
        );
        assert!(
            schema.is_valid(&world("/load", json!({ "trace": "a.csv" }))),
            "a trace stands in for a rate"
        );
        for (key, value) in [
            ("/seconds", json!(0)),
            ("/load", json!({ "rps": 1, "rpm": 1 })),
            ("/load", json!({})),
            ("/target", json!({})),
            ("/target/a", json!({})),
            ("/target/a", json!({ "weight": 1, "wait": 1 })),
            ("/target/a", json!({ "weight": -1 })),
        ] {
            assert!(
                !schema.is_valid(&world(key, value.clone())),
                "{key} = {value}"
            );
        }
    }
}
