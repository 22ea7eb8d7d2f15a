//! What outlives the process: the journal and the books, each with a thread that writes it.

use std::sync::Arc;
use std::time::Duration;

use super::run::AppError;
use crate::config::Config;
use crate::control;
use crate::live::{Clock, Journal};
use crate::store::{Books, Resumed};
use crate::telemetry::Metrics;

/// How long each may take to write what is left.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The books with their writer, if any are to be kept, and what to go on from.
fn books(config: &Config, metrics: &Metrics) -> Result<(Books, Resumed), AppError> {
    let Some(folder) = &config.server.state else {
        return Ok((Books::none(), Resumed::default()));
    };
    let what = "the books' thread";
    let opened = Books::open(folder, config.store.clone());
    let opened = opened.map_err(|source| AppError::System { what, source })?;
    metrics.watch_books(opened.0.clone());
    Ok(opened)
}

/// What outlives the process, each with its writer, and what to go on from.
pub(super) fn kept(
    config: &Config,
    metrics: &Metrics,
    clock: Clock,
) -> Result<(Option<Arc<Journal>>, Books, Resumed), AppError> {
    let journal = journal(config, metrics, clock)?;
    let (books, resumed) = books(config, metrics)?;
    Ok((journal, books, resumed))
}

/// Has written what is left.
pub(super) fn finish(journal: Option<&Journal>, books: &Books) {
    if journal.is_some_and(|journal| !journal.close(LAST_WORDS)) {
        tracing::warn!("the journal could not be finished");
    }
    if !books.close(LAST_WORDS) {
        tracing::warn!("the books could not be finished");
    }
}

/// A journal with its writer, if one is to be kept.
fn journal(
    config: &Config,
    metrics: &Metrics,
    clock: Clock,
) -> Result<Option<Arc<Journal>>, AppError> {
    let Some(settings) = &config.controller.journal else {
        return Ok(None);
    };
    let journal = Arc::new(Journal::new());
    metrics.watch_journal(Arc::clone(&journal));
    let writing = control::write_journal(Arc::clone(&journal), settings, clock);
    let what = "the journal's thread";
    let kept = writing.map_err(|source| AppError::System { what, source });
    kept.map(|_| Some(journal))
}
