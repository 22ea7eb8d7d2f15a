//! A provider as it is called: its address, its manner, which of its credentials work.
//!
//! Made anew with each configuration; what is known of credentials and tokens goes over from the one before.

use std::sync::{Arc, OnceLock};

use http::uri::{InvalidUri, Uri};

use super::allowance::Allowance;
use super::keys::Keys;
use super::upstream::RateGroup;
use crate::config::{self, Endpoint};
use crate::dialect::Front;
use crate::provider::manner::{BadSecret, Manner, PathAsk, Speech};

/// A provider with the address it is reached at.
#[derive(Debug)]
pub struct Provider {
    /// As configured.
    pub config: Arc<config::Provider>,
    /// Where its API is; for a simulated one the loopback socket it got.
    pub base: Endpoint,
    /// How it is called.
    pub manner: Manner,
    /// Whom it shares its rate limits with.
    pub group: Option<Arc<RateGroup>>,
    /// Which of its credentials work.
    pub keys: Keys,
    /// What may be spent there.
    pub budget: Option<Arc<Allowance>>,
    /// Addresses that nothing of a request stands in, as they were first asked for: of each front, as it came and said
    /// otherwise.
    uris: [[OnceLock<Uri>; 2]; Front::KNOWN.len()],
}

impl Provider {
    /// A provider at `base`; of `before` it takes over what is known of credentials that it still has.
    ///
    /// # Errors
    /// A credential that cannot stand in a header.
    pub fn new(
        config: Arc<config::Provider>,
        base: Endpoint,
        before: Option<&Self>,
    ) -> Result<Self, BadSecret> {
        let secrets: Vec<&str> = config.api_keys.iter().map(config::Secret::expose).collect();
        let manner = Manner::new(config.kind.interface(), &secrets)?;
        let mut manner = manner.with_headers(&config.headers)?;
        if config.login.is_some() {
            // A token stays good across reloads, but not for another login.
            let same = before.filter(|before| before.config.login == config.login);
            let access = same.and_then(|before| before.manner.access());
            manner = manner.with_access(access.cloned().unwrap_or_default());
        }
        let known = before.map(|before| (before.config.api_keys.as_slice(), &before.keys));
        let keys = Keys::new(&config.api_keys, known);
        Ok(Self {
            config,
            base,
            manner,
            keys,
            group: None,
            budget: None,
            uris: Default::default(),
        })
    }

    /// Where a request goes.
    ///
    /// # Errors
    /// What the request has of its own makes no address.
    pub fn uri(&self, ask: &PathAsk<'_>) -> Result<Uri, InvalidUri> {
        let front = Front::KNOWN.iter().position(|front| *front == ask.front);
        let front = front.filter(|_| self.manner.has_fixed_paths());
        let Some([native, other]) = front.and_then(|front| self.uris.get(front)) else {
            return self.manner.uri(&self.base, ask);
        };
        let known = match ask.speech {
            Speech::Native => native,
            Speech::Translated | Speech::Estimated => other,
        };
        if let Some(uri) = known.get() {
            return Ok(uri.clone());
        }
        let uri = self.manner.uri(&self.base, ask)?;
        Ok(known.get_or_init(|| uri).clone())
    }
}
