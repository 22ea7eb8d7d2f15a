//! `THREAT_MODEL.md` names tests that are there.

use std::fs;
use std::path::Path;

use super::source::package;

/// All text of Rust below `folder`, and the names of its files and folders.
fn read(folder: &Path, text: &mut String, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        if path.is_dir() {
            read(&path, text, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *text += &fs::read_to_string(&path).unwrap();
        }
    }
}

/// What stands between backticks in the last cell of each row.
fn cited(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let shown = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit(" | ").next());
    let texts = shown.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    texts.map(str::to_owned).collect()
}

#[test]
fn each_test_that_the_threat_model_names_is_there() {
    let page = fs::read_to_string(package().join("THREAT_MODEL.md")).unwrap();
    let (mut text, mut names) = (String::new(), Vec::new());
    for folder in ["src", "tests/it", "scripts"] {
        read(&package().join(folder), &mut text, &mut names);
    }
    let cited = cited(&page);
    let missing: Vec<&String> = cited
        .iter()
        .filter(|name| {
            let last = name.rsplit([':', ' ', '/']).next().unwrap_or_default();
            let is_function = text.contains(&format!("fn {last}("));
            let is_file = names.iter().any(|name| name == last);
            // A tool, or a step of a script that is there.
            let is_step = ["cargo deny", "scripts/deploy crates"].contains(&name.as_str());
            !is_function && !is_file && !is_step
        })
        .collect();
    assert!(missing.is_empty(), "named and not there: {missing:#?}");
    assert!(cited.len() > 30, "rows are read: {}", cited.len());
}
