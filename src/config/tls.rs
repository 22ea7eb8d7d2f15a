//! `[server.tls]`: with what the data plane shows itself to clients.

use std::sync::Arc;

use super::Secret;
use super::field::Field;
use super::interpolate::{Lookup, Unusable};
use super::tree::Value;

/// A certificate and its key, as they stand in their files. Whoever made it has looked that they belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain in PEM, the server's own certificate first.
    pub certificate: String,
    /// The key of the first certificate in PEM.
    pub key: Secret,
}

/// The certificate and key of `[server.tls]`.
pub(super) fn tls(field: &Field<'_>, lookup: &dyn Lookup) -> Option<Arc<Tls>> {
    let mut section = field.section()?;
    let both = (section.field("certificate"), section.field("key"));
    section.finish(&["client_ca", "min_version", "ciphers"]);
    let (Some(certificate), Some(key)) = both else {
        field.conflict(
            "expected `certificate` and `key`, found one of them or none",
            "write certificate = { file = \"tls.crt\" } and key = { file = \"tls.key\" }",
        );
        return None;
    };
    let texts = (content(&certificate, lookup), content(&key, lookup));
    let (Some(chain), Some(secret)) = texts else {
        return None;
    };
    key.sink.keep_secret(&secret);
    match lookup.identity(&chain, &secret) {
        Ok(()) => Some(Arc::new(Tls {
            certificate: chain,
            key: Secret::new(secret),
        })),
        Err(Unusable::Certificate(why)) => {
            certificate.problem(why, "");
            None
        }
        Err(Unusable::Key(why)) => {
            key.problem(why, "");
            None
        }
    }
}

/// What stands in the file of `{ file = "…" }`. A text in its place may be the key itself, so that nothing repeats it.
fn content(field: &Field<'_>, lookup: &dyn Lookup) -> Option<String> {
    let mut file = None;
    if matches!(field.node.value, Value::Table(_)) {
        let mut section = field.section()?;
        file = section.field("file");
        section.finish(&["command", "vault", "env"]);
    }
    let Some(file) = file else {
        field.problem(
            "expected { file = \"…\" }",
            "name the file in PEM: { file = \"tls.pem\" }, relative to this folder",
        );
        return None;
    };
    match lookup.secret_file(file.str()?) {
        Ok(content) => Some(content),
        Err(why) => {
            file.problem(format!("can't read it: {why}"), "");
            None
        }
    }
}
