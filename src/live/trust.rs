//! Whom we believe over TLS: the authorities that this machine trusts, read when somebody is first called by `https`.
//!
//! Problem: a system's list of authorities takes some 20 million instructions to read and parse, which is more than all the
//! rest of a start together, and where all targets are reached by plain HTTP nobody needs it. Choice: it is read once for
//! the whole process, by whoever needs it first, and a start with `https` targets has it read beside its own work. How it
//! fails: a machine that has no such list refuses each call by `https`, and the next one looks again.

use std::sync::{Arc, OnceLock};

use hyper_rustls::ConfigBuilderExt as _;
use rustls::ClientConfig;

/// What was read; sessions that can be taken up again are shared by all who call.
static TRUSTED: OnceLock<ClientConfig> = OnceLock::new();

/// How to speak TLS with whoever is called. Reads files the first time, so it is for a thread that may wait.
///
/// # Errors
/// This machine has no certificates to check others by.
pub fn trusted() -> Result<ClientConfig, rustls::Error> {
    if let Some(known) = TRUSTED.get() {
        return Ok(known.clone());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let read = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .try_with_platform_verifier()?
        .with_no_client_auth();
    Ok(TRUSTED.get_or_init(|| read).clone())
}
