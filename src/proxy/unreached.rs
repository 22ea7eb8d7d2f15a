//! Why a target could not be connected to, in words for whoever has to mend it.
//!
//! Problem: what a library says of a handshake names what it met on the wire ("received corrupt message"), not what is
//! wrong. Choice: the few causes that have one usual reason are told by that, everything else in the library's words.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

use super::upstream::{innermost, io_cause};

/// What the system's resolver says, whatever the reason; the standard library has no kind for it.
const NOT_FOUND: &str = "failed to lookup address information";

/// Why no connection stands, as what follows "connecting failed: ".
pub(super) fn why(error: &(dyn StdError + 'static)) -> String {
    let said = innermost(error);
    let io = io_cause(error).map(unwrapped);
    let inner = io.and_then(io::Error::get_ref);
    match inner.and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(problem)) => certificate(problem, said),
        Some(rustls::Error::InvalidMessage(_)) => {
            "what answers there does not speak TLS (does base_url want http://, or another port?)"
                .into()
        }
        Some(rustls::Error::AlertReceived(_)) => format!("it ended the TLS handshake: {said}"),
        Some(_) => format!("the TLS handshake failed: {said}"),
        // What tokio-rustls says of an end in the handshake; a connection without TLS has nothing to read yet.
        None if io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof) => {
            "it hung up in the TLS handshake".into()
        }
        None => match said.strip_prefix(NOT_FOUND) {
            Some(reason) => format!("its name has no address{reason}"),
            None => said,
        },
    }
}

/// The error of the system or of TLS that others were wrapped around.
fn unwrapped(error: &io::Error) -> &io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    inner.map_or(error, unwrapped)
}

/// `said` has the names that a certificate is for, and is left out where it has nothing but numbers.
fn certificate(problem: &CertificateError, said: String) -> String {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, Revoked, UnknownIssuer,
    };
    match problem {
        Expired | ExpiredContext { .. } => "its certificate has expired".into(),
        NotValidYet | NotValidYetContext { .. } => {
            "its certificate is not valid yet (is this machine's clock right?)".into()
        }
        Revoked => "its certificate was revoked".into(),
        UnknownIssuer | BadSignature => {
            "its certificate is by an authority that this machine does not trust".into()
        }
        NotValidForName | NotValidForNameContext { .. } => {
            format!("its certificate is for another name: {said}")
        }
        _ => said,
    }
}
