//! The container image's build sees only what `Dockerfile.dockerignore` lets through: that must be all that the program
//! takes in when it is compiled, or the image does not build while everything else does.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// What takes a file in.
const INCLUDES: [&str; 2] = ["include_str!(\"", "include_bytes!(\""];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder` that are not tests alone.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" && name != "node_modules" {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !name.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// `path` without `..`, below the repository's root.
fn resolved(path: &Path) -> PathBuf {
    let mut parts = Vec::new();
    for part in path.components() {
        if part == Component::ParentDir {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    let whole: PathBuf = parts.into_iter().collect();
    whole.strip_prefix(root()).unwrap().to_owned()
}

/// The files that `source` takes in.
fn included(source: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(source).unwrap();
    let mut found = Vec::new();
    for opening in INCLUDES {
        for rest in text.split(opening).skip(1) {
            let (path, _) = rest.split_once('"').unwrap();
            found.push(resolved(&source.parent().unwrap().join(path)));
        }
    }
    found
}

#[test]
fn the_image_is_built_from_all_that_the_program_takes_in() {
    let allowed = fs::read_to_string(root().join("deploy/Dockerfile.dockerignore")).unwrap();
    let allowed: Vec<&str> = allowed
        .lines()
        .filter_map(|it| it.strip_prefix('!'))
        .collect();
    let is_allowed = |path: &Path| allowed.iter().any(|allowed| path.starts_with(allowed));
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 100, "the sources were found: {}", files.len());
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let script = manifest["package"]
        .get("build")
        .and_then(toml::Value::as_str);
    let mut needed: Vec<PathBuf> = files.iter().flat_map(|file| included(file)).collect();
    needed.extend(["Cargo.toml", "Cargo.lock", "src/main.rs"].map(PathBuf::from));
    needed.extend(script.map(PathBuf::from));
    needed.extend(["config/scenarios/schema.json", "tests/it/main.rs"].map(PathBuf::from));
    for path in needed {
        assert!(is_allowed(&path), "{} is let through", path.display());
    }
}
