//! A key gets a new secret while the daemon runs, and the one before is accepted for a while beside it.

use std::sync::Arc;

use super::controller::Controller;
use super::key_ring::{Fresh, KeyError};
use crate::config::{ClientKey, Families, Issue, Made, Refused, Replaced, Rotation, deed};
use crate::live::{digest_of_client, new_key};
use crate::model::{Time, minute_of};

/// Most secrets of one key that are accepted beside the current one: each is one more that may leak, and nobody who rotates
/// by hand notices.
const MOST_BESIDE: usize = 8;
/// Most secrets of one key that are over and still told of: the latest. A script that rotates in a circle without a grace is
/// not stopped, and its chain, which each publication walks, grows no further. Halved, a client that missed a month of
/// daily rotations is unknown instead of told since when its key is replaced; doubled, a key may take some kilobytes more.
const MOST_OVER: usize = 32;

/// The key that is to get a new secret.
struct Subject {
    /// What its current secret is told by.
    current: [u8; 32],
    key: Arc<ClientKey>,
    /// How it was made, if it was made here.
    made: Option<Made>,
}

impl Controller {
    pub(super) fn rotate_key(
        &mut self,
        name: &str,
        rotation: &Rotation,
        now: u64,
    ) -> Result<Fresh, KeyError> {
        self.can_keep_keys()?;
        let reason = rotation.reason.as_deref().unwrap_or("none given");
        let deed = deed(rotation.by.as_deref(), reason, now)?;
        let until = rotation.ends(now)?;
        let Subject { current, key, made } = self.to_rotate(name, now)?;
        let (secret, digest) = new_key().ok_or(KeyError::NoLuck)?;
        let made = match made {
            Some(made) => {
                let key = made.rights.key(name, digest);
                let key = key.ok_or_else(|| Refused::conflict("its budget cannot be kept"))?;
                Some(Made {
                    key: Arc::new(key),
                    ..made
                })
            }
            None => None,
        };
        let issue = Arc::new(Issue {
            name: Arc::clone(&key.name),
            made,
            rotated: Some(deed.clone()),
            replaced: None,
            revoked: None,
        });
        let mut before = self.keys.issued.known_as(&current, name);
        let (by, reason, grace) = (&deed.by, &deed.reason, until - now);
        tracing::warn!(
            key = name,
            by,
            reason,
            grace_seconds = grace,
            "a client key has a new secret"
        );
        before.replaced = Some(Replaced {
            deed: deed.clone(),
            until,
            by: digest,
        });
        let changed = vec![(current, Arc::new(before)), (digest, Arc::clone(&issue))];
        self.keys.put_all(changed);
        self.shorten(&digest, name, now);
        self.keys.thin(now);
        self.put_keys_in_force();
        Ok(Fresh {
            secret,
            digest,
            issue,
        })
    }

    /// Lets go of what ended longest ago in the chain whose last secret this is, where that is too much.
    ///
    /// The first of a chain stays, and the one that the files have: files that name a secret that nobody knows would have
    /// it accepted without an end. So does one that was revoked, whichever file brings it back.
    fn shorten(&mut self, current: &[u8; 32], name: &str, now: u64) {
        let of_files = self.files.keys.get(name).map(|key| digest_of_client(key));
        let issued = &self.keys.issued;
        let mut before = Families::of(issued).before(current);
        before.pop();
        let over = before.into_iter().filter(|secret| {
            let issue = issued.all.get(secret);
            let is_over = issue.is_some_and(|it| it.revoked.is_none() && !it.is_beside(now));
            is_over && Some(*secret) != of_files
        });
        let gone: Vec<[u8; 32]> = over.skip(MOST_OVER).collect();
        for secret in gone {
            self.keys.let_go(&secret);
        }
    }

    /// The key of this name, if it may get a new secret.
    fn to_rotate(&self, name: &str, now: u64) -> Result<Subject, KeyError> {
        let issued = &self.keys.issued;
        let families = Families::of(issued);
        let subject = if let Some(key) = self.files.keys.get(name) {
            let current = families.current(&digest_of_client(key));
            let key = Arc::clone(key);
            // Rights are the files' to say, also of what was made here and then written into them.
            Some(Subject {
                current,
                key,
                made: None,
            })
        } else {
            issued.named(name).and_then(|(digest, issue)| {
                let made = issue.made.clone()?;
                let key = Arc::clone(&made.key);
                Some(Subject {
                    current: *digest,
                    key,
                    made: Some(made),
                })
            })
        };
        let is_revoked = |subject: &Subject| issued.is_revoked(&subject.current);
        let Some(subject) = subject.filter(|subject| !is_revoked(subject)) else {
            return Err(match self.revoked(name) {
                Some(_) => Refused::conflict(format!(
                    "{name:?} is revoked, and a new secret would let it in again: restore it first, or make another key"
                ))
                .into(),
                None => self.unknown_key(name),
            });
        };
        if let Some(expires) = subject.key.expires
            && expires <= Time::from_micros(now.saturating_mul(1_000_000))
        {
            let message = format!(
                "{name:?} was accepted until {}, and so would its new secret be: make another key",
                minute_of(expires)
            );
            return Err(Refused::conflict(message).into());
        }
        let beside = families
            .before(&subject.current)
            .into_iter()
            .filter(|secret| {
                let issue = issued.all.get(secret);
                issue.is_some_and(|issue| issue.is_beside(now))
            });
        if beside.count() >= MOST_BESIDE {
            let message = format!(
                "{MOST_BESIDE} older secrets of {name:?} are accepted still: wait until some have ended, or revoke it and make \
                 another key"
            );
            return Err(Refused::conflict(message).into());
        }
        Ok(subject)
    }
}
