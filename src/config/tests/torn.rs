//! Files that are cut, spliced or noise: a configuration or problems, never a panic.

use proptest::prelude::*;

use super::{World, compiled};

const SAMPLE: &str = concat!(
    include_str!("../../../config/base.toml"),
    include_str!("../../../config/development.toml")
);
const PRODUCTION: &str = include_str!("../../../config/production.toml");

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 192,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    }
}

/// Compiles; whatever comes of it has something to say.
fn stands(base: &str, over: &str) -> Result<(), TestCaseError> {
    match compiled(
        &[("base.toml", base), ("over.toml", over)],
        &World::default(),
    ) {
        Ok(compiled) => prop_assert!(
            !compiled.config.routes.is_empty(),
            "an empty table is never applied"
        ),
        Err(problems) => {
            prop_assert!(!problems.is_empty(), "a refusal says why");
            for problem in problems {
                prop_assert!(
                    !problem.message.is_empty(),
                    "a problem has words: {problem:?}"
                );
            }
        }
    }
    Ok(())
}

/// The text up to a character's border at or before `at`.
fn cut(text: &str, at: usize) -> &str {
    let end = (0..=at.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_file_cut_anywhere_is_a_configuration_or_problems(at in 0..SAMPLE.len(), over in 0..PRODUCTION.len()) {
        stands(cut(SAMPLE, at), cut(PRODUCTION, over))?;
    }

    #[test]
    fn a_file_with_a_changed_byte_is_a_configuration_or_problems(at in 0..SAMPLE.len(), with in "[ -~\n\t]{0,3}") {
        let head = cut(SAMPLE, at);
        let tail: String = SAMPLE.get(head.len()..).unwrap_or_default().chars().skip(1).collect();
        stands(&format!("{head}{with}{tail}"), "")?;
    }

    #[test]
    fn values_of_the_wrong_kind_are_a_configuration_or_problems(line in 0..SAMPLE.lines().count(), value in "(5|-1|1e400|nan|true|\"\"|\"x\"|\"\\$\\{\"|\\[\\]|\\[\\[5\\]\\]|\\{\\}|\\{ a = 1 \\}|2026-01-01)") {
        let lines = SAMPLE.lines().enumerate().map(|(index, text)| match text.split_once(" = ") {
            Some((key, _)) if index == line => format!("{key} = {value}\n"),
            Some(_) | None => format!("{text}\n"),
        });
        stands(&lines.collect::<String>(), "")?;
    }
}

#[test]
fn deep_nesting_is_refused_without_a_crash() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("x = {}{}", open.repeat(20_000), close.repeat(20_000));
        assert!(
            compiled(&[("a.toml", &text)], &World::default()).is_err(),
            "{open} nests too deeply"
        );
    }
    let dotted = format!("{}x = 1", "a.".repeat(20_000));
    assert!(
        compiled(&[("a.toml", &dotted)], &World::default()).is_err(),
        "so do dotted keys"
    );
}
