//! How many files may be open: as many as the system lets this process have, and no more clients than go with that.
//!
//! A shell's usual 1,024 are soon used up by connections, and a process without a descriptor left can neither accept nor
//! connect. So the soft limit is raised to the hard one, and where even that is too little for `server.max_connections`,
//! clients beyond it are turned away as they would be beyond the configured number, rather than left waiting.

use crate::config::Server;

/// For listeners, files, the books, the runtime, and clients that are being turned away.
const OTHERS: u64 = 320;
/// A client's connection and the one to a provider.
const EACH: u64 = 2;

/// Raises the limit; most connections of clients that it allows.
pub(super) fn most_connections(server: &Server) -> usize {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files is as it was");
            return usize::MAX;
        }
    };
    let most = allowed(limit);
    if most < server.max_connections {
        tracing::warn!(
            open_files = limit,
            connections = most,
            "the limit of open files is too low for server.max_connections; clients beyond are turned away"
        );
    }
    most
}

/// Clients that `limit` open files are enough for; a quarter of them where there are hardly any.
fn allowed(limit: u64) -> usize {
    let most = (limit.saturating_sub(OTHERS) / EACH).max(limit / 4).max(1);
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_room_for_their_calls_and_for_what_the_daemon_needs() {
        let cases = [
            (64, 16),
            (1_024, 352),
            (65_536, 32_608),
            (u64::MAX, usize::MAX / 2 - 160),
        ];
        for (limit, clients) in cases {
            assert_eq!(allowed(limit), clients, "of {limit} open files");
        }
    }
}
