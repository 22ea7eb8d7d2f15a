//! A network that is broken for one of several replicas.

use std::time::Duration;

use serde::Deserialize;

use super::Scenario;
use crate::law::{self, ErrorKind, Fate, Hang};
use crate::model::Time;

/// How soon a connection is refused.
const REFUSED: Duration = Duration::from_millis(20);

/// A replica from which targets cannot be reached.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Which replica, from 0.
    pub replica: u32,
    /// Which target; without, none can be reached.
    #[serde(default)]
    pub target: Option<String>,
    /// From when, in seconds.
    #[serde(deserialize_with = "law::non_negative")]
    pub from: f64,
    /// Until when.
    #[serde(deserialize_with = "law::non_negative")]
    pub to: f64,
    /// Whether packets are swallowed, so that requests hang; else connections are refused at once.
    #[serde(default)]
    pub hangs: bool,
}

impl Scenario {
    /// What becomes of a request of `replica` to `target` if it does not get there.
    pub(in crate::sim) fn severed(&self, replica: usize, target: usize, now: Time) -> Option<Fate> {
        let network = self.network.as_ref()?;
        let name = self.targets.keys().nth(target)?;
        let span = network.from..network.to;
        let is_cut = usize::try_from(network.replica) == Ok(replica)
            && network.target.as_ref().is_none_or(|it| it == name)
            && span.contains(&now.as_secs_f64());
        is_cut.then(|| {
            if network.hangs {
                return Fate::Hang(Hang::Header);
            }
            Fate::Error {
                kind: ErrorKind::Server,
                status: None,
                after: REFUSED,
                retry_after: None,
            }
        })
    }
}
