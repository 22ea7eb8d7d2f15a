//! The rules of the sources: who may import whom, what the pure part may not touch, how long a function may be.
//!
//! The table of layers in ARCHITECTURE.md is the rule itself, not a description of it: an import goes strictly downwards in
//! it, so there is no circle, and one that it does not list is refused here with its line.

use std::collections::BTreeMap;

use super::source::{Function, Named, Source, package, sources};

/// A function must fit a screen.
const LONGEST: usize = 70;
/// Crates that do I/O, tell the time or draw luck: nothing for the pure part.
const CRATES: [&str; 9] = [
    "tokio", "hyper", "reqwest", "notify", "tracing", "rand", "arc_swap", "clap", "rusqlite",
];
/// What the pure part leaves to its callers, as the ends of paths.
const CALLS: [[&str; 2]; 2] = [["Instant", "now"], ["SystemTime", "now"]];
/// Modules of the standard library that only `files` may use.
const FILES_ONLY: [&str; 3] = ["fs", "env", "process"];
/// Addresses are data, sockets are not.
const SOCKETS: [&str; 3] = ["TcpListener", "TcpStream", "UdpSocket"];
/// Macros that print.
const PRINTING: [&str; 4] = ["println!", "eprintln!", "print!", "eprint!"];

/// A row of the table.
#[derive(Debug)]
struct Layer {
    number: u32,
    imports: Vec<String>,
}

/// The table of ARCHITECTURE.md by module.
fn table() -> BTreeMap<String, Layer> {
    let text = std::fs::read_to_string(package().join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = text
        .split_once("<!-- layers -->")
        .expect("the table begins with its mark");
    let (table, _) = rest
        .split_once("<!-- /layers -->")
        .expect("the table ends with its mark");
    let rows = table.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, module, imports, _purpose] = cells.as_slice() else {
            return None;
        };
        let imports = imports.split(',').map(|name| name.trim().replace('`', ""));
        let layer = Layer {
            number: number.parse().ok()?,
            imports: imports
                .filter(|name| !name.is_empty() && name != "–")
                .collect(),
        };
        Some((module.replace('`', ""), layer))
    });
    rows.collect()
}

/// Modules at the top, and whether they are there without the `daemon` feature, as `lib.rs` has them.
fn modules() -> BTreeMap<String, bool> {
    let text = std::fs::read_to_string(package().join("src/lib.rs")).unwrap();
    let (mut modules, mut pure) = (BTreeMap::new(), true);
    for line in text.lines() {
        let module = line.strip_prefix("pub mod ");
        if let Some(name) = module.and_then(|rest| rest.strip_suffix(';')) {
            modules.insert(name.to_owned(), pure);
        }
        pure = line != "#[cfg(feature = \"daemon\")]";
    }
    modules
}

/// The files that belong to a module: all but `lib.rs` and `main.rs`.
fn of_modules() -> Vec<Source> {
    let mut sources = sources();
    sources.retain(|source| source.path != "lib.rs" && source.path != "main.rs");
    assert!(sources.len() > 50, "the sources are where they should be");
    sources
}

/// The module at the top that `named` leads to, if it leads out of the file's own.
fn import(source: &Source, named: &Named) -> Option<String> {
    let module = source.module();
    let ups = named.segments.iter().take_while(|s| *s == "super").count();
    let target = match named.segments.first()?.as_str() {
        "crate" => named.segments.get(1)?,
        "super" if ups >= module.len() => named.segments.get(ups)?,
        _ => return None,
    };
    (target != module.first()?).then(|| target.clone())
}

fn fail_on(problems: &[String], rule: &str) {
    assert!(problems.is_empty(), "{rule}:\n{}", problems.join("\n"));
}

#[test]
fn the_table_goes_downwards_and_names_every_module() {
    let (table, modules) = (table(), modules());
    let listed: Vec<&String> = table.keys().collect();
    let there: Vec<&String> = modules.keys().collect();
    assert_eq!(listed, there, "the table has the modules of lib.rs");
    for (name, layer) in &table {
        for import in &layer.imports {
            let below = table.get(import).unwrap_or_else(|| {
                panic!("{name} may import {import}, which is no module");
            });
            assert!(
                below.number < layer.number,
                "{name} (layer {}) may import {import} (layer {}): not downwards",
                layer.number,
                below.number
            );
            assert!(
                !modules[name] || modules[import],
                "{name} is pure and {import} is not"
            );
        }
    }
}

#[test]
fn imports_are_those_of_the_table() {
    let table = table();
    let mut problems = Vec::new();
    for source in of_modules() {
        let module = source.module()[0].clone();
        let allowed = &table[&module].imports;
        for named in source.paths() {
            if let Some(target) = import(&source, &named)
                && table.contains_key(&target)
                && !allowed.contains(&target)
            {
                problems.push(format!(
                    "src/{}:{}: {} (`{module}` may import: {})",
                    source.path,
                    named.line,
                    named.segments.join("::"),
                    allowed.join(", ")
                ));
            }
        }
    }
    fail_on(
        &problems,
        "imports that the table in ARCHITECTURE.md does not list",
    );
}

#[test]
fn the_pure_part_does_no_io_and_tells_no_time() {
    let modules = modules();
    let mut problems = Vec::new();
    for source in of_modules() {
        let module = source.module()[0].clone();
        if !modules[&module] {
            continue;
        }
        for named in source.paths() {
            if is_impure(&module, &named.segments) {
                let path = named.segments.join("::");
                problems.push(format!("src/{}:{}: {path}", source.path, named.line));
            }
        }
        for (number, line) in source.lines() {
            if PRINTING.iter().any(|print| line.contains(print)) {
                problems.push(format!("src/{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    fail_on(&problems, "not for a module without the `daemon` feature");
}

fn is_impure(module: &str, segments: &[String]) -> bool {
    let first = segments[0].as_str();
    let ends = |call: &[&str; 2]| segments.ends_with(&call.map(str::to_owned));
    CRATES.contains(&first)
        || segments.iter().any(|name| SOCKETS.contains(&name.as_str()))
        || CALLS.iter().any(ends)
        || (first == "std" && FILES_ONLY.contains(&segments[1].as_str()) && module != "files")
}

#[test]
fn functions_fit_a_screen() {
    let mut all: Vec<(String, Function)> = Vec::new();
    for source in sources() {
        let functions = source.functions().into_iter();
        all.extend(functions.map(|function| (source.path.clone(), function)));
    }
    assert!(all.len() > 300, "functions are found: {}", all.len());
    all.sort_by_key(|(_, function)| std::cmp::Reverse(function.lines));
    for (path, function) in all.iter().take(10) {
        let Function { name, line, lines } = function;
        println!("{lines:>3} lines  src/{path}:{line} {name}");
    }
    let (path, longest) = &all[0];
    assert!(
        longest.lines <= LONGEST,
        "{} in src/{path} has {} lines; {LONGEST} at most",
        longest.name,
        longest.lines
    );
}

#[test]
fn nothing_is_unwrapped_or_unsafe() {
    let mut problems = Vec::new();
    for source in sources() {
        for (number, line) in source.lines() {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if line.contains(".unwrap()") || words.any(|word| word == "unsafe") {
                problems.push(format!("src/{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    fail_on(&problems, "outside tests");
}

#[test]
fn a_forbidden_import_would_be_seen() {
    let text = "use super::super::proxy::Proxy;\nfn f() { crate::live::Clock::start(); }";
    let source = Source::new("balance/gate.rs".to_owned(), text);
    let found: Vec<String> = source
        .paths()
        .iter()
        .filter_map(|named| import(&source, named))
        .collect();
    assert_eq!(
        found,
        ["proxy", "live"],
        "both ways of naming a module at the top"
    );
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    for impure in ["std::time::Instant::now", "std::fs::File", "tokio::spawn"] {
        assert!(is_impure("config", &path(impure)), "{impure}");
    }
    assert!(!is_impure("files", &path("std::fs::File")), "its purpose");
}
