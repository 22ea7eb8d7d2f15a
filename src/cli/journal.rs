//! What commands about journals share: their options, reading the files, and choosing what to compare them with.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::progress::Reading;
use super::source::configured;
use super::{Failure, Format};
use crate::config::Strategy;
use crate::control::specs;
use crate::journal::{Heard, Other, Place, Replay, Report};

/// Longest line that is read. The memory of a thousand upstreams takes some 8 MB.
const LONGEST: u64 = 256 << 20;

/// What `replay` and `whatif` are told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A journal's folder, or one of its files
    journal: PathBuf,
    #[command(flatten)]
    other: OtherArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

impl Args {
    /// Who decides instead, and what to call it; `None` if nobody is named.
    pub(super) fn other(&self) -> Result<Option<(Other, String)>, Failure> {
        self.other.other()
    }

    /// Decides the whole journal again; `follow` is told what each line was. Gives what was found.
    pub(super) fn decide_again(
        &self,
        mut follow: impl FnMut(&Replay, &Heard),
    ) -> Result<Report, Failure> {
        let mut replay = Replay::new();
        read(&self.journal, &mut |place, text, is_whole| {
            let heard = replay.line(place, text, is_whole);
            follow(&replay, &heard);
            ControlFlow::Continue(())
        })?;
        Ok(replay.report())
    }
}

/// Hears a line: where it stands, its text, whether it had its end.
pub(super) type Hear<'a> = dyn FnMut(&Place, &[u8], bool) -> ControlFlow<()> + 'a;

/// Reads a file, or all files of a folder in the order of their names, line by line until `each` breaks; of large ones a
/// terminal shows how far it is.
pub(super) fn read(path: &Path, each: &mut Hear<'_>) -> Result<(), Failure> {
    let files = files(path)?;
    let sizes = files
        .iter()
        .map(|file| file.metadata().map_or(0, |it| it.len()));
    let mut reading = Reading::of(sizes.sum());
    for path in files {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let mut place = Place {
            file: name.to_string_lossy().into_owned(),
            line: 0,
        };
        let failed = |error| told(&path, &error);
        let mut file = BufReader::new(File::open(&path).map_err(failed)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = file.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            let read = read.map_err(failed)?;
            if read == 0 {
                break;
            }
            reading.add(read);
            place.line += 1;
            let (text, is_whole) = match line.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (line.as_slice(), false),
            };
            if each(&place, text, is_whole).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error| told(path, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|end| end == "ndjson") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::Told(format!(
            "{} has no files that end with .ndjson: is it the folder of [controller] journal?",
            path.display()
        )));
    }
    Ok(files)
}

fn told(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Told(format!("cannot read {}: {error}", path.display()))
}

/// A strategy on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum StrategyName {
    /// The configured shares
    Fixed,
    /// Shares that follow latency, cost and errors
    Adaptive,
}

/// Who decides instead.
#[derive(Clone, Debug, clap::Args)]
struct OtherArgs {
    /// Under this strategy instead, on all routes
    #[arg(long, value_enum, conflicts_with = "env")]
    strategy: Option<StrategyName>,
    /// Under this environment's configuration instead
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The folder with the configuration files of --env
    #[arg(long, value_name = "DIR", default_value = "config")]
    config: PathBuf,
}

impl OtherArgs {
    /// Who it is, and what to call it; `None` if nobody is named.
    fn other(&self) -> Result<Option<(Other, String)>, Failure> {
        if let Some(name) = self.strategy {
            let (strategy, word) = match name {
                StrategyName::Fixed => (Strategy::Fixed, "fixed"),
                StrategyName::Adaptive => (Strategy::Adaptive, "adaptive"),
            };
            return Ok(Some((Other::Strategy(strategy), word.to_owned())));
        }
        let Some(env) = &self.env else {
            return Ok(None);
        };
        let config = configured(&self.config, env)?;
        let upstreams = config.upstreams.iter();
        let prices = upstreams.map(|(name, upstream)| (name.clone(), upstream.price));
        let other = Other::Config {
            routes: specs(&config),
            prices: prices.collect(),
        };
        Ok(Some((other, env.clone())))
    }
}
