//! A configuration that was read is put in force, whole or not at all, and it is said what that changed.

use std::sync::Arc;

use super::assemble::next_snapshot;
use super::command::{Applied, Apply, Outcome, ReloadError, Why};
use super::controller::Controller;
use crate::config::{Compiled, Config, Problem, ProviderKind, diff};
use crate::live::Change;
use crate::model::ProviderName;

impl Controller {
    /// Applies a configuration and tells the log and whoever asked.
    pub(super) fn answer(&mut self, apply: Apply) {
        let why = apply.why;
        let before = self.publisher.read().generation;
        let outcome = self.apply(*apply.compiled);
        match &outcome {
            // By the generation: a change without words of its own is one all the same.
            Ok(applied) if applied.config_generation == before => {
                if why == Why::Changed {
                    tracing::debug!(%why, "configuration read, nothing changed");
                } else {
                    tracing::info!(%why, "configuration read, nothing changed");
                }
            }
            Ok(applied) => {
                let generation = applied.config_generation;
                tracing::info!(generation, %why, changes = ?applied.changes, "configuration applied");
                if !applied.needs_restart.is_empty() {
                    let keys = applied.needs_restart.join(", ");
                    tracing::warn!(
                        keys,
                        "these take effect with the next start, the old values hold until then"
                    );
                }
            }
            Err(error) => tracing::error!(%why, %error, "configuration not applied"),
        }
        // Nobody may be waiting any more; the configuration is in force all the same.
        drop(apply.reply.send(outcome));
    }

    /// Puts it in force; tells what that changed, or why it could not be.
    pub(super) fn apply(&mut self, compiled: Compiled) -> Outcome {
        let Compiled {
            config,
            warnings,
            shown,
        } = compiled;
        let old = self.publisher.read();
        let files = Arc::new(config);
        let needs_restart = diff(&self.started, &files).needs_restart;
        if self.board.refusal().is_some() {
            tracing::info!("the configuration is good again");
        }
        if files.digest == self.files.digest {
            self.board.accepted();
            // The same values may stand in other lines now.
            self.board.shows(shown);
            return Ok(Applied {
                config_generation: old.generation,
                changes: Vec::new(),
                needs_restart,
            });
        }
        for warning in &warnings {
            tracing::warn!(%warning, "configuration");
        }
        let difference = diff(&self.files, &files);
        let mut difference = difference.scrubbed(self.board.shown().as_deref(), &shown);
        if difference.is_empty() {
            // The digest says so; not every value has words of its own.
            difference.changes.push("other values changed".to_owned());
        }
        let (config, standing) = self.effective(&files);
        let mut next = match next_snapshot(&old, config, self.phase, self.simulate.as_mut()) {
            Ok(next) => next,
            Err(error) => {
                let message = format!("a simulated provider could not be started: {error}");
                let problems = vec![Problem::with_file("the configuration", message)];
                self.board.refused(self.clock.now(), problems.clone());
                return Err(ReloadError::Refused(problems));
            }
        };
        self.files = files;
        self.warn_of_covered();
        self.board.steered(standing);
        self.line_up(&next);
        self.memory.probe_again(&self.plan, |upstream| {
            is_renewed(&old.config, &next.config, upstream.provider())
        });
        self.put_tables(&mut next);
        let generation = next.generation;
        self.simulate.keep_only(&next.config);
        self.publisher.publish(next);
        self.board.accepted();
        self.board.shows(shown);
        self.board.waits_for_restart(needs_restart.clone());
        self.board.changed(Change {
            at: self.clock.now(),
            lines: difference.changes.clone(),
        });
        Ok(Applied {
            config_generation: generation,
            changes: difference.changes,
            needs_restart,
        })
    }
}

/// Whether a provider that both know has another key or is called in another way.
fn is_renewed(old: &Config, new: &Config, provider: &ProviderName) -> bool {
    let (Some(was), Some(is)) = (old.providers.get(provider), new.providers.get(provider)) else {
        return false;
    };
    let base = |kind: &ProviderKind| match kind {
        ProviderKind::Api { base, .. } => Some(base.clone()),
        ProviderKind::Simulated { .. } => None,
    };
    was.api_keys != is.api_keys
        || was.headers != is.headers
        || base(&was.kind) != base(&is.kind)
        || was.kind.interface() != is.kind.interface()
}
