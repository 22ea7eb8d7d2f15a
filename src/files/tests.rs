//! What is read from disk, and what is said where it can't be.

use std::fs;
use std::path::Path;

use super::*;

const SMALL: &str =
    "[providers.sim]\nkind = \"simulated\"\n[routes.chat]\ntargets.only = { use = \"sim/m\" }\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

/// Nobody listens here: any certificate will do.
const ANY: Identify = |_, _| Ok(());

fn compile(dir: &Path, env: &str) -> Result<Compiled, Vec<Problem>> {
    super::compile(dir, env, ANY)
}

fn read(dir: &Path, env: &str) -> Reading {
    super::read(dir, env, ANY)
}

fn told(dir: &Path, env: &str) -> String {
    let problems = compile(dir, env).expect_err("the folder is broken");
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn an_environment_lies_over_the_base_and_does_without_one() {
    let dir = folder(&[
        ("base.toml", SMALL.as_bytes()),
        ("dev.toml", b"mode = \"off\""),
        ("one.toml", SMALL.as_bytes()),
    ]);
    let config = compile(dir.path(), "dev").unwrap().config;
    assert_eq!(config.mode, crate::config::Mode::Off);
    fs::remove_file(dir.path().join("base.toml")).unwrap();
    assert!(compile(dir.path(), "one").is_ok(), "base.toml is optional");
}

#[test]
fn a_missing_environment_is_answered_with_those_there_are() {
    let dir = folder(&[
        ("base.toml", b""),
        ("dev.toml", b""),
        ("prod.toml", b""),
        ("notes.txt", b""),
    ]);
    let text = told(dir.path(), "live");
    assert!(text.contains("live.toml: there is no such file"), "{text}");
    assert!(
        text.ends_with(": dev, prod)"),
        "names of environments only: {text}"
    );
    for env in ["base", "", "../dev", "dev/x", "a b", "\0"] {
        assert!(
            told(dir.path(), env).contains("not the name of an environment"),
            "{env:?} is none"
        );
    }
    let nowhere = dir.path().join("nowhere");
    assert!(told(&nowhere, "dev").contains("there is no folder"));
}

#[test]
fn files_that_hold_no_text_are_told_all_at_once() {
    let dir = folder(&[("dev.toml", b"a = \"\xff\"")]);
    fs::create_dir(dir.path().join("base.toml")).unwrap();
    let text = told(dir.path(), "dev");
    assert!(
        text.contains("base.toml: expected a file, found a folder"),
        "{text}"
    );
    assert!(
        text.contains("dev.toml: expected UTF-8, found another byte at position 5"),
        "{text}"
    );
    let large = vec![b'#'; usize::try_from(LARGEST).unwrap() + 1];
    let dir = folder(&[("dev.toml", &large)]);
    assert!(told(dir.path(), "dev").contains("expected at most 4194304 bytes"));
}

#[test]
fn variables_and_credential_files_come_from_the_process_and_the_disk() {
    let text = "[providers.p]\nkind = \"openai\"\napi_key = { file = \"secret\" }\n\
        base_url = \"http://${CARGO_PKG_NAME}/v1\"\n[routes.c]\ntargets.x.use = \"p/m\"\n";
    let dir = folder(&[
        ("dev.toml", text.as_bytes()),
        ("secret", b"from-a-file\r\n"),
    ]);
    let config = compile(dir.path(), "dev").unwrap().config;
    let provider = config.providers.values().next().unwrap();
    assert_eq!(provider.api_keys[0].expose(), "from-a-file");
    let crate::config::ProviderKind::Api { base, .. } = &provider.kind else {
        panic!("kind openai was written");
    };
    assert_eq!(
        base.origin, "http://weighbridge",
        "cargo sets this variable for tests"
    );
    fs::remove_file(dir.path().join("secret")).unwrap();
    let reading = read(dir.path(), "dev");
    assert!(
        reading.result.is_err(),
        "a credential that is gone is a problem"
    );
    assert!(
        reading.watch.contains(&dir.path().join("secret")),
        "and watched, so that its return is seen"
    );
}

#[cfg(unix)]
#[test]
fn folders_behind_links_are_watched_too() {
    let dir = folder(&[]);
    let data = dir.path().join("..data-1");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("dev.toml"), SMALL).unwrap();
    let mounted = dir.path().join("config");
    fs::create_dir(&mounted).unwrap();
    std::os::unix::fs::symlink(data.join("dev.toml"), mounted.join("dev.toml")).unwrap();
    let reading = read(&mounted, "dev");
    assert!(reading.result.is_ok());
    let real = data.canonicalize().unwrap();
    for place in [&mounted, &real, &mounted.join("base.toml")] {
        assert!(
            reading.watch.contains(place),
            "{place:?} is not in {:?}",
            reading.watch
        );
    }
}

#[test]
fn the_shipped_development_environment_compiles() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let compiled = compile(&dir, "development").unwrap_or_else(|it| panic!("{it:#?}"));
    assert!(compiled.warnings.is_empty(), "{:#?}", compiled.warnings);
}
