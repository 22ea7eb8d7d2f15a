//! Configuration files, environment variables and files with credentials: the one place that reads them.
//!
//! An environment is `base.toml`, which may be missing, with `NAME.toml` over it, which may not. Everything that can be
//! wrong with a file (absent, a folder, too large, not UTF-8, not readable) is told as a [`Problem`] like what is wrong
//! inside it, so that start-up, reload and `check` have one list to show.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::config::{Compiled, Layer, Lookup, Problem, Unusable, compile as compile_layers};

/// Largest configuration file that is read. A thousand routes of ten targets are under one.
const LARGEST: u64 = 4 << 20;
/// Largest file that is taken for a credential.
const LARGEST_SECRET: u64 = 64 << 10;
/// The file that all environments share.
const BASE: &str = "base";

/// What came of reading an environment.
#[derive(Debug)]
pub struct Reading {
    /// The configuration, or everything that is wrong with it.
    pub result: Result<Compiled, Vec<Problem>>,
    /// Files and folders whose change may change the result, sorted: the configuration's and the credentials', where links
    /// lead included, also when the result is an error; some may not exist yet. Watch the folders: a watch on a file ends when an editor replaces
    /// it.
    pub watch: Vec<PathBuf>,
}

/// Whether a listener can show itself with a certificate and key in PEM; see [`Lookup::identity`]. It comes from whoever
/// would show it: what speaks TLS is no part of reading files.
pub type Identify = fn(certificate: &str, key: &str) -> Result<(), Unusable>;

/// Reads and compiles the environment `env` in the folder `dir`.
///
/// # Errors
/// Everything that is wrong, sorted by file and line.
pub fn compile(dir: &Path, env: &str, identify: Identify) -> Result<Compiled, Vec<Problem>> {
    read(dir, env, identify).result
}

/// The same, and what to watch.
pub fn read(dir: &Path, env: &str, identify: Identify) -> Reading {
    let disk = Disk {
        dir: dir.to_owned(),
        asked: RefCell::default(),
        identify,
    };
    let loaded = load(dir, env);
    let result = loaded.and_then(|layers| compile_layers(&layers, &disk));
    let mut watch = BTreeSet::new();
    let files = [BASE, env].map(|name| dir.join(format!("{name}.toml")));
    for path in files.into_iter().chain(disk.asked.into_inner()) {
        watch_path(&path, &mut watch);
    }
    watch.insert(dir.to_owned());
    Reading {
        result,
        watch: watch.into_iter().collect(),
    }
}

/// The layers of the environment `env` in the folder `dir`, lowest first.
///
/// # Errors
/// Each file that can't be read. If there is no such environment, its problem lists those there are.
pub fn load(dir: &Path, env: &str) -> Result<Vec<Layer>, Vec<Problem>> {
    if !is_name(env) || env == BASE {
        let message = format!("{env:?} is not the name of an environment");
        let problem = Problem::with_file(dir.display().to_string(), message);
        return Err(vec![problem.hint(existing(dir))]);
    }
    let mut layers = Vec::new();
    let mut problems = Vec::new();
    for name in [BASE, env] {
        let file = format!("{name}.toml");
        match text(&dir.join(&file), LARGEST) {
            Ok(text) => layers.push(Layer { name: file, text }),
            Err(FileError::Absent) if name == BASE => {}
            Err(FileError::Absent) => {
                let place = dir.join(&file).display().to_string();
                let problem = Problem::with_file(place, "there is no such file");
                problems.push(problem.hint(existing(dir)));
            }
            Err(error) => problems.push(Problem::with_file(file, error.to_string())),
        }
    }
    if problems.is_empty() {
        Ok(layers)
    } else {
        Err(problems)
    }
}

/// Whether `env` can name an environment: a file's name and never a path.
fn is_name(env: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !env.is_empty() && env.len() <= 100 && env.chars().all(fits)
}

/// The environments in `dir`, as a hint.
fn existing(dir: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return format!(
            "there is no folder {}; name the right one with --config",
            dir.display()
        );
    };
    let names: BTreeSet<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| name != BASE && is_name(name))
        .collect();
    if names.is_empty() {
        return format!("there is no environment in {}", dir.display());
    }
    let names: Vec<String> = names.into_iter().collect();
    format!("environments in {}: {}", dir.display(), names.join(", "))
}

/// Why a file has no text.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("there is no such file")]
    Absent,
    #[error("expected a file, found a folder or device")]
    NotAFile,
    #[error("expected at most {0} bytes, found more")]
    TooLarge(u64),
    #[error("expected UTF-8, found another byte at position {0}")]
    NotUtf8(usize),
    #[error("can't read it: {0}")]
    Io(#[from] std::io::Error),
}

/// The text of a regular file of at most `largest` bytes. A pipe or device is refused before it is opened: reading one
/// could wait for ever.
fn text(path: &Path, largest: u64) -> Result<String, FileError> {
    let kind = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => FileError::Absent,
        _ => FileError::Io(error),
    })?;
    if !kind.is_file() {
        return Err(FileError::NotAFile);
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(largest + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(FileError::TooLarge(largest));
    }
    String::from_utf8(bytes).map_err(|error| FileError::NotUtf8(error.utf8_error().valid_up_to()))
}

/// Adds `path`, its folder, and those that its links lead through: a mounted volume swaps a link above the file.
fn watch_path(path: &Path, watch: &mut BTreeSet<PathBuf>) {
    let mut places = vec![path.to_owned()];
    places.extend(path.canonicalize());
    for place in places {
        if let Some(folder) = place
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            watch.insert(folder.to_owned());
        }
        watch.insert(place);
    }
}

/// Variables of this process and files of this machine, with note of which files were asked for.
struct Disk {
    dir: PathBuf,
    asked: RefCell<Vec<PathBuf>>,
    identify: Identify,
}

impl Lookup for Disk {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err("has a value that is not UTF-8".to_owned())
            }
        }
    }

    fn identity(&self, certificate: &str, key: &str) -> Result<(), Unusable> {
        (self.identify)(certificate, key)
    }

    /// A relative path starts at the configuration's folder.
    fn secret_file(&self, path: &str) -> Result<String, String> {
        if path.is_empty() || path.contains('\0') {
            return Err("expected a path".to_owned());
        }
        let path = self.dir.join(path);
        self.asked.borrow_mut().push(path.clone());
        text(&path, LARGEST_SECRET).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
