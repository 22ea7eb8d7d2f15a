//! The writer of the journal: one thread that owns its files.
//!
//! A file begins with what is in force and what is remembered, so any file can be read alone, and deleting the oldest is
//! all that bounds them take. What bounds them is bytes: each start begins a file, and if files were counted a daemon that
//! cannot stay up would push out the history that says why. That needs the controller: the writer asks for a heading and goes on in the old file until it
//! comes. Where the disk is full or away, lines are lost and counted, traffic goes on, and every ten seconds a new file is
//! tried.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::config;
use crate::journal::{Line, LostLine, TickLine, clock_time, text, tick_text};
use crate::live::{Clock, Entry, Heading, Journal, Lost};
use crate::model::{Price, Time};

/// A file is this part of what all may take: the oldest history goes in pieces of that size.
const FILES: u64 = 16;
/// Most files, so that a daemon that starts every second does not fill a folder with next to nothing. Beyond them those with
/// least in them go first, since they are the starts that came to nothing.
const MOST_FILES: usize = 1_000;
/// How long lines about requests wait for a tick to wake the writer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long after a failure a new file is tried.
const RETRY: Duration = Duration::from_secs(10);
/// What the names of files begin and end with; only such files are ever deleted.
const NAME: (&str, &str) = ("journal-", ".ndjson");

/// Starts the writer. It ends when `journal` is closed and everything is written.
///
/// # Errors
/// The system gives no thread.
pub fn write_journal(
    journal: Arc<Journal>,
    settings: &config::Journal,
    clock: Clock,
) -> io::Result<JoinHandle<()>> {
    let mut writer = Writer {
        journal,
        dir: settings.dir.clone(),
        file_size: settings.size / FILES,
        clock,
        file: None,
        prices: Vec::new(),
        retry_at: Time::ZERO,
        is_failing: false,
        wants_new: false,
        why: "the queue was full",
    };
    Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())
}

/// The thread's state. It owns the open file.
struct Writer {
    journal: Arc<Journal>,
    dir: PathBuf,
    file_size: u64,
    clock: Clock,
    file: Option<Open>,
    /// The prices of the last heading.
    prices: Vec<Option<Price>>,
    retry_at: Time,
    /// Whether it was said that writing fails.
    is_failing: bool,
    /// Whether the next heading begins a file.
    wants_new: bool,
    /// Why lines were lost, in words.
    why: &'static str,
}

/// A file that is being written.
struct Open {
    file: BufWriter<File>,
    path: PathBuf,
    bytes: u64,
    /// Whether its heading has reached the disk, so that it can be read.
    is_headed: bool,
}

impl Writer {
    fn run(&mut self) {
        while let Some(entries) = self.journal.take(PATIENCE) {
            for entry in entries {
                self.entry(entry);
            }
            let flushed = self.file.as_mut().map(|open| open.file.flush());
            if let Some(Err(error)) = flushed {
                self.failed(&error);
            }
            self.ask_for_more();
        }
        self.journal.ended();
    }

    /// Asks for a heading where a new file is due.
    fn ask_for_more(&mut self) {
        let is_large = |open: &Open| open.bytes >= self.file_size;
        match &self.file {
            Some(open) if is_large(open) && !self.wants_new => {
                self.wants_new = true;
                self.journal.ask_heading();
            }
            None if self.clock.now() >= self.retry_at => self.journal.ask_heading(),
            Some(_) | None => {}
        }
    }

    fn entry(&mut self, entry: Entry) {
        match entry {
            Entry::Heading(heading) => self.heading(*heading),
            Entry::Tick(tick) => {
                let line = TickLine::of(tick.n, tick.input, tick.stepped.as_ref());
                let text = self.file.is_some().then(|| tick_text(&line, &self.prices));
                self.line(text, Lost { ticks: 1, draws: 0 });
            }
            Entry::Draw(draw) => {
                let line = Line::Draw(draw);
                let text = self.file.is_some().then(|| text(&line));
                self.line(text, Lost { ticks: 0, draws: 1 });
            }
        }
    }

    /// Writes one line, or counts it as `lost`.
    fn line(&mut self, text: Option<serde_json::Result<String>>, lost: Lost) {
        let written = match (text, &mut self.file) {
            (Some(Ok(text)), Some(open)) => open.line(&text),
            (Some(Err(error)), _) => Err(io::Error::other(error)),
            (None, _) | (_, None) => {
                self.journal.not_written(lost);
                return;
            }
        };
        match written {
            Ok(bytes) => self.journal.wrote(bytes),
            Err(error) => {
                self.journal.not_written(lost);
                self.failed(&error);
            }
        }
    }

    fn heading(&mut self, heading: Heading) {
        if let Err(error) = self.write_heading(heading) {
            self.failed(&error);
        }
    }

    fn write_heading(&mut self, heading: Heading) -> io::Result<()> {
        let now = self.clock.now();
        if self.file.is_none() && now < self.retry_at {
            return Ok(());
        }
        let is_new = self.file.is_none() || self.wants_new;
        if is_new {
            if let Some(mut old) = self.file.take() {
                old.file.flush()?;
            }
            let open = Open::create(&self.dir, heading.config.unix_us)?;
            let path = open.path.clone();
            self.file = Some(open);
            self.wants_new = false;
            sweep(&self.dir, &path, self.file_size.saturating_mul(FILES - 1))?;
        }
        self.prices = heading.config.prices();
        let lost = self.journal.losses();
        let told = Line::Lost(LostLine {
            at: now,
            ticks: lost.ticks,
            draws: lost.draws,
            why: self.why.to_owned(),
        });
        let lines = [
            Some(Line::Config(Box::new(heading.config))),
            (lost != Lost::default()).then_some(told),
            Some(Line::Checkpoint(Box::new(heading.checkpoint))),
        ];
        for line in lines.into_iter().flatten() {
            let text = text(&line).map_err(io::Error::other)?;
            if let Some(open) = &mut self.file {
                self.journal.wrote(open.line(&text)?);
            }
        }
        if let Some(open) = &mut self.file {
            open.file.flush()?;
            open.is_headed = true;
            if self.is_failing {
                tracing::info!(file = %open.path.display(), "the journal is written again");
            }
        }
        self.why = "the queue was full";
        self.is_failing = false;
        self.journal.goes(false);
        Ok(())
    }

    /// Gives the file up; said once until it goes again. A file without a heading says nothing, and on a full disk there is
    /// one more every ten seconds: kept, they would push out all that can be read.
    fn failed(&mut self, error: &io::Error) {
        if let Some(Open { file, path, .. }) = self.file.take_if(|open| !open.is_headed) {
            drop(file);
            // It may be away like its folder.
            drop(fs::remove_file(path));
        }
        self.file = None;
        self.wants_new = false;
        self.why = "the file could not be written";
        self.retry_at = self.clock.now().after(RETRY);
        if !self.is_failing {
            tracing::error!(dir = %self.dir.display(), %error, "the journal cannot be written; traffic goes on without it");
        }
        self.is_failing = true;
        self.journal.goes(true);
    }
}

impl Open {
    /// A new file of this second since 1970; a number tells files of one second apart, and keeps their order.
    fn create(dir: &Path, unix_us: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let second = clock_time(unix_us);
        let second = second.split('.').next().unwrap_or_default();
        let second = second.replace(['-', ':'], "").replace(' ', "T");
        let stem = format!("{}{second}Z-", NAME.0);
        // After the last one that is there: a number that was swept would put the file before those that are older.
        let mut number = 0_u32;
        for (name, _) in files(dir)? {
            let digits = name
                .strip_prefix(&stem)
                .and_then(|it| it.strip_suffix(NAME.1));
            if let Some(taken) = digits.and_then(|digits| digits.parse::<u32>().ok()) {
                number = number.max(taken.saturating_add(1));
            }
        }
        let path = dir.join(format!("{stem}{number:04}{}", NAME.1));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)?;
        Ok(Self {
            file: BufWriter::new(file),
            path,
            bytes: 0,
            is_headed: false,
        })
    }

    /// Writes one line; gives its size.
    fn line(&mut self, text: &str) -> io::Result<u64> {
        self.file.write_all(text.as_bytes())?;
        self.file.write_all(b"\n")?;
        let bytes = text.len() as u64 + 1;
        self.bytes += bytes;
        Ok(bytes)
    }
}

/// The journal's files in a folder, each with its size, the oldest first.
fn files(dir: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if name.starts_with(NAME.0) && name.ends_with(NAME.1) {
            files.push((name, entry.metadata()?.len()));
        }
    }
    // The order of their names is that of their beginnings.
    files.sort();
    Ok(files)
}

/// Makes room for `new`, which was just begun: deletes the oldest ones until the others take at most `most` bytes.
fn sweep(dir: &Path, new: &Path, most: u64) -> io::Result<()> {
    let mut files = files(dir)?;
    files.retain(|(name, _)| new.file_name() != Some(name.as_ref()));
    for name in superfluous(&files, most) {
        fs::remove_file(dir.join(name))?;
    }
    Ok(())
}

/// Which of these files go, each with its size, the oldest first.
fn superfluous(files: &[(String, u64)], most: u64) -> Vec<&String> {
    let mut left: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let mut kept: Vec<&(String, u64)> = Vec::new();
    let mut gone = Vec::new();
    for file in files {
        if left > most {
            left -= file.1;
            gone.push(&file.0);
        } else {
            kept.push(file);
        }
    }
    let beyond = kept.len().saturating_sub(MOST_FILES);
    kept.sort_by_key(|(_, bytes)| *bytes);
    gone.extend(kept.into_iter().take(beyond).map(|(name, _)| name));
    gone
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
