use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::*;

const HEAD: &str = "[providers.sim]\nkind = \"simulated\"\n[routes.a]\ntargets.x.use = \"sim/m\"\n";
const REST: [&str; 2] = [
    "[routes.b]\ntargets.x.use = \"sim/m\"\n",
    "[routes.c]\ntargets.x.use = \"sim/m\"\n",
];

fn source(folder: &Path) -> Source {
    Source::Files {
        dir: folder.to_owned(),
        env: "live".to_owned(),
    }
}

fn append(folder: &Path, text: &str) {
    let mut file = OpenOptions::new();
    let mut file = file
        .append(true)
        .create(true)
        .open(folder.join("live.toml"))
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A clock by which no file was written long ago.
fn at_once() -> SystemTime {
    SystemTime::UNIX_EPOCH
}

#[test]
fn a_file_that_grows_is_read_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), HEAD);
    let mut rest = REST.into_iter();
    let mut pauses = 0;
    let pause = || {
        pauses += 1;
        if let Some(more) = rest.next() {
            append(folder.path(), more);
        }
    };
    let config = read_settled(&source(folder.path()), at_once, pause)
        .unwrap()
        .config;
    let routes: Vec<&str> = config
        .routes
        .keys()
        .map(crate::model::RouteName::as_str)
        .collect();
    assert_eq!(
        routes,
        ["a", "b", "c"],
        "each part of it would be a good file"
    );
    assert_eq!(pauses, 3, "two writes, and one quiet time after them");
}

#[test]
fn files_of_long_ago_are_read_at_once() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), HEAD);
    let written = std::fs::metadata(folder.path().join("live.toml")).unwrap();
    let later = written.modified().unwrap() + QUIET;
    let mut pauses = 0;
    let read = read_settled(&source(folder.path()), || later, || pauses += 1);
    assert!(read.is_ok(), "the file is good");
    assert_eq!(pauses, 0, "nobody is writing it");
}

#[test]
fn a_file_that_never_rests_is_refused_for_now() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), HEAD);
    let mut pauses = 0;
    let pause = || {
        pauses += 1;
        append(folder.path(), "# more\n");
    };
    let problems = read_settled(&source(folder.path()), at_once, pause).unwrap_err();
    assert!(
        problems[0].message.contains("being written"),
        "{problems:?}"
    );
    assert_eq!(pauses, MOST_READINGS, "bounded");
}
