//! Which scenarios: those that come with the program, files, folders.

use std::path::{Path, PathBuf};

use super::super::Failure;
use super::{Args, Environment, SuiteName, traces};
use crate::law::Number;
use crate::sim::{SUITES, Scenario, Suite};

/// Scenarios that are summed up together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) scenarios: Vec<Scenario>,
}

/// All scenarios that are asked for, or the routes of an environment, changed as the command line says.
pub(super) fn groups(
    args: &Args,
    environment: Option<&Environment>,
) -> Result<Vec<Group>, Failure> {
    let mut groups = match environment {
        Some(environment) => vec![environment.group.clone()],
        None => suites(args)?,
    };
    let mut given = Vec::new();
    for name in &args.scenario {
        if Path::new(name).is_dir() {
            groups.push(folder(Path::new(name))?);
        } else {
            given.push(one(name)?);
        }
    }
    if !given.is_empty() {
        groups.push(Group {
            name: "given".to_owned(),
            scenarios: given,
        });
    }
    let groups = groups.into_iter();
    let mut groups = groups
        .map(|group| changed(group, args.changes()))
        .collect::<Result<Vec<Group>, Failure>>()?;
    if let Some(path) = &args.trace {
        let trace = traces::read(path)?;
        for scenario in groups.iter_mut().flat_map(|group| &mut group.scenarios) {
            scenario.follow(trace.clone());
        }
    }
    Ok(groups)
}

fn suites(args: &Args) -> Result<Vec<Group>, Failure> {
    let wanted: &[&str] = match args.suite {
        None if !args.scenario.is_empty() => &[],
        None | Some(SuiteName::Base) => &["base"],
        Some(SuiteName::Extra) => &["extra"],
        Some(SuiteName::All) => &["base", "extra"],
    };
    wanted.iter().map(|name| suite(name)).collect()
}

/// A suite by its name.
pub(super) fn suite(name: &str) -> Result<Group, Failure> {
    let texts = SUITES.iter().find(|suite| suite.name == name);
    let scenarios = texts.map_or_else(|| Ok(Vec::new()), Suite::scenarios);
    let told = |error| Failure::Told(format!("a scenario of the suite {name}: {error}"));
    Ok(Group {
        name: name.to_owned(),
        scenarios: scenarios.map_err(told)?,
    })
}

/// A scenario by the name it has in a suite, or a file.
fn one(name: &str) -> Result<Scenario, Failure> {
    if Path::new(name).is_file() {
        return file(Path::new(name));
    }
    if let Some(read) = Suite::scenario(name) {
        return read.map_err(|error| Failure::Told(format!("the scenario {name}: {error}")));
    }
    let near = Suite::names()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.6);
    let hint = near.map_or_else(String::new, |(_, known)| {
        format!("; did you mean {known:?}?")
    });
    Err(Failure::Told(format!(
        "expected a scenario's name, a file or a folder, found {name:?}{hint}"
    )))
}

fn file(path: &Path) -> Result<Scenario, Failure> {
    let place = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Told(format!("cannot read the scenario {place}: {error}")))?;
    let mut scenario =
        Scenario::read(&text).map_err(|error| Failure::Told(format!("{place}: {error}")))?;
    // A file is named as seen from the one that names it.
    if let Some(trace) = &scenario.load.trace {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let trace = traces::read(&folder.join(trace))?;
        scenario.follow(trace);
    }
    Ok(scenario)
}

/// All scenarios of a folder, in the order of their files' names.
fn folder(path: &Path) -> Result<Group, Failure> {
    let place = path.display();
    let told = |error: std::io::Error| Failure::Told(format!("cannot read {place}: {error}"));
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Failure::Told(format!(
            "expected scenarios (*.toml) in {place}, found none"
        )));
    }
    paths.sort();
    let name = path
        .file_name()
        .map_or_else(|| "given".into(), std::ffi::OsStr::to_string_lossy);
    Ok(Group {
        name: name.into_owned(),
        scenarios: paths
            .iter()
            .map(|path| file(path))
            .collect::<Result<_, _>>()?,
    })
}

/// What is said in place of scenarios.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes {
    /// Part of the requests that are streamed.
    pub(super) streamed: Option<f64>,
    pub(super) replicas: Option<u32>,
    /// Whether replicas tell each other what they measure.
    pub(super) shared: Option<bool>,
}

/// With another part streamed, and other replicas, where they are given.
pub(super) fn changed(mut group: Group, changes: Changes) -> Result<Group, Failure> {
    let Changes {
        streamed,
        replicas,
        shared,
    } = changes;
    for scenario in &mut group.scenarios {
        if let Some(streamed) = streamed {
            let part = Number::constant(streamed).ok();
            let part = part.filter(|_| (0.0..=1.0).contains(&streamed));
            scenario.load.streamed = part.ok_or_else(|| {
                Failure::Told(format!(
                    "--streamed: expected a part from 0 to 1, found {streamed}"
                ))
            })?;
        }
        if let Some(replicas) = replicas {
            scenario.replicas = replicas;
        }
        if let Some(shared) = shared {
            scenario.shared = shared;
        }
    }
    Ok(group)
}
