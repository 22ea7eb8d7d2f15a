//! What was spent before this process, or before a budget was written down, from the books.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::limit::Window;
use crate::live::{Allowance, Budgets, Client, Clients, Clock, Published, Scope, Snapshot};
use crate::model::{PicoUsd, Time};
use crate::store::{Books, Dimension, MOST_ROWS, Query, StoreError, UsageRow};

/// Has each budget begin with what the books have of its windows. Without books they begin with nothing, which is said.
///
/// Reads: milliseconds for a month of a few combinations, seconds for one of thousands.
fn seed_budgets(budgets: &Budgets, books: &Books, now: Time) {
    let fresh = |allowance: &&Arc<Allowance>| !allowance.take_seeding();
    let fresh: Vec<&Arc<Allowance>> = budgets.all().iter().filter(fresh).collect();
    if fresh.is_empty() {
        return;
    }
    seed_fresh(&fresh, books, now);
    for allowance in fresh {
        allowance.has_begun();
    }
}

fn seed_fresh(fresh: &[&Arc<Allowance>], books: &Books, now: Time) {
    if !books.are_kept() {
        tracing::warn!(
            budgets = fresh.len(),
            "budgets count from zero: no books are kept (server.state)"
        );
        return;
    }
    for window in Window::ALL {
        let of_window = fresh.iter().filter(|it| it.budget.limit(window).is_some());
        let of_window: Vec<&Allowance> = of_window.map(|it| &***it).collect();
        let kinds: BTreeSet<&str> = of_window.iter().map(|it| it.scope.kind()).collect();
        for kind in kinds {
            let of_kind = of_window.iter().filter(|it| it.scope.kind() == kind);
            let of_kind: Vec<&Allowance> = of_kind.copied().collect();
            if let Err(error) = seed_kind(&of_kind, window, books, now) {
                tracing::error!(
                    %error, window = window.label(), kind,
                    "budgets count from zero: the books cannot be read"
                );
            }
        }
    }
}

/// Between two looks for budgets that nobody has read the books for.
const LOOK: Duration = Duration::from_secs(2);

fn has_fresh(budgets: &Budgets) -> bool {
    budgets.all().iter().any(|it| !it.is_seeded())
}

/// Has each client key be told when it was used last, as far as the books go back.
fn seed_clients(clients: &Clients, books: &Books) {
    let fresh = |client: &&Arc<Client>| !client.take_seeding();
    let fresh: Vec<&Arc<Client>> = clients.all().filter(fresh).collect();
    let is_known = fresh.is_empty() && !clients.has_unseeded_gone();
    if is_known || !books.are_kept() {
        return;
    }
    match books.last_used() {
        Ok(used) => {
            let used: HashMap<String, Time> = used.into_iter().collect();
            for client in fresh {
                if let Some(at) = used.get(&*client.key.name) {
                    client.was_used_before(*at);
                }
            }
            clients.seed_gone(|name| used.get(name).copied());
        }
        Err(error) => {
            tracing::warn!(%error, "when keys were used last is not known: the books cannot be read");
        }
    }
}

/// Has budgets and client keys begin with what the books have of them. Reads, as [`seed_budgets`] does.
pub fn seed(snapshot: &Snapshot, books: &Books, now: Time) {
    seed_budgets(&snapshot.budgets, books, now);
    seed_clients(&snapshot.clients, books);
}

/// Those of one kind, in one window, with one look into the books.
fn seed_kind(
    allowances: &[&Allowance],
    window: Window,
    books: &Books,
    now: Time,
) -> Result<(), StoreError> {
    let Some(first) = allowances.first() else {
        return Ok(());
    };
    let usage = books.usage(&Query {
        by: dimensions(&first.scope),
        since: window.begins(now),
        until: now,
        only: Vec::new(),
        most: MOST_ROWS,
    })?;
    for allowance in allowances {
        if let Some(spent) = spent(&allowance.scope, &usage.rows) {
            allowance.seed(window, now, spent);
        }
    }
    Ok(())
}

/// What tells those of a kind apart in the books.
fn dimensions(scope: &Scope) -> Vec<Dimension> {
    match scope {
        Scope::Provider(_) => vec![Dimension::Provider],
        Scope::Target(..) => vec![Dimension::Route, Dimension::Target],
        Scope::Route(_) => vec![Dimension::Route],
        Scope::Key(_) => vec![Dimension::Key],
    }
}

/// What `scope` spent, by rows that are split by its dimensions.
fn spent(scope: &Scope, rows: &[UsageRow]) -> Option<PicoUsd> {
    let names: Vec<&str> = match scope {
        Scope::Provider(name) => vec![name.as_str()],
        Scope::Target(route, target) => vec![route.as_str(), target.as_str()],
        Scope::Route(name) => vec![name.as_str()],
        Scope::Key(name) => vec![name],
    };
    let row = rows.iter().find(|row| row.of.iter().eq(names.iter()))?;
    Some(row.sums.cost)
}

/// The same for budgets that a reload brings, until `stop` turns true.
pub async fn keep_seeding(
    published: Published,
    books: Books,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let mut generations = published.generations();
    loop {
        // Keys that another replica made bring budgets without a new generation.
        let (is_over, is_due) = tokio::select! {
            changed = generations.changed() => (changed.is_err(), true),
            () = tokio::time::sleep(LOOK) => (false, has_fresh(&published.read().budgets)),
            _ = stop.wait_for(|stop| *stop) => (true, false),
        };
        if is_over {
            return;
        }
        if !is_due {
            continue;
        }
        let (snapshot, books) = (published.read(), books.clone());
        let seeding = move || seed(&snapshot, &books, clock.now());
        if tokio::task::spawn_blocking(seeding).await.is_err() {
            tracing::error!("budgets count from zero: reading the books went wrong");
        }
    }
}

#[cfg(test)]
#[path = "seeding_tests.rs"]
mod tests;
