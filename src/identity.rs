//! A certificate with its key, as a listener shows itself to clients.
//!
//! The one place that reads them from PEM: a file is refused by the same code that would have used it.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};

use crate::config::Unusable;

/// HTTP versions that are offered to clients, best first.
const VERSIONS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A chain of certificates with the key of its first one.
#[derive(Clone, Debug)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads the chain and the key from PEM.
    ///
    /// # Errors
    /// Which of the two is unusable and why; nothing of the key is repeated.
    pub fn new(certificate: &str, key: &str) -> Result<Self, Unusable> {
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
        let chain = chain
            .map_err(|error| Unusable::Certificate(format!("expected PEM, found: {error}")))?;
        if chain.is_empty() {
            let what = "expected certificates between lines like `-----BEGIN CERTIFICATE-----`, found none";
            return Err(Unusable::Certificate(what.to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| no_key(key))?;
        match CertifiedKey::from_der(chain, key, &default_provider()) {
            Ok(pair) => Ok(Self(Arc::new(pair))),
            Err(Error::InconsistentKeys(_)) => {
                let what = "expected the key of the certificate, found that of another one";
                Err(Unusable::Key(what.to_owned()))
            }
            Err(Error::InvalidCertificate(error)) => Err(Unusable::Certificate(format!(
                "the certificate can't be read: {error}"
            ))),
            Err(error) => Err(Unusable::Key(format!("can't be used: {error}"))),
        }
    }

    /// Whether the two can be used.
    ///
    /// # Errors
    /// As [`Identity::new`].
    pub fn check(certificate: &str, key: &str) -> Result<(), Unusable> {
        Self::new(certificate, key).map(drop)
    }

    /// How a listener with this identity speaks: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, no certificate asked of clients.
    pub(crate) fn server_config(&self) -> ServerConfig {
        let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(Arc::clone(&self.0)));
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider supports the default protocol versions")
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = VERSIONS.map(<[u8]>::to_vec).to_vec();
        config
    }
}

fn no_key(text: &str) -> Unusable {
    let what = if text.contains("ENCRYPTED") {
        "expected a key that is not encrypted; `openssl pkey -in KEY -out PLAIN` takes the passphrase off"
    } else {
        "expected a key between lines like `-----BEGIN PRIVATE KEY-----`, found none"
    };
    Unusable::Key(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_certificate_and_its_key_are_taken() {
        let (certificate, key) = made();
        assert!(Identity::new(&certificate, &key).is_ok());
        let chain = format!("# first\n{certificate}{}", made().0);
        assert!(Identity::new(&chain, &key).is_ok(), "a chain as well");
    }

    #[test]
    fn what_is_wrong_is_told_of_the_right_one_and_without_the_key() {
        let ((certificate, key), (_, other)) = (made(), made());
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let half = certificate.get(..certificate.len() / 2).unwrap();
        let cases = [
            (certificate.as_str(), other.as_str(), true, "another one"),
            (&certificate, "", true, "BEGIN PRIVATE KEY"),
            (&certificate, &encrypted, true, "not encrypted"),
            (&certificate, &certificate, true, "BEGIN PRIVATE KEY"),
            ("", &key, false, "found none"),
            (half, &key, false, "expected PEM"),
            (&key, &key, false, "found none"),
        ];
        for (certificate, key, is_key, expected) in cases {
            let unusable = Identity::new(certificate, key).unwrap_err();
            assert_eq!(matches!(unusable, Unusable::Key(_)), is_key, "{unusable}");
            assert!(unusable.to_string().contains(expected), "{unusable}");
            for line in key.lines().filter(|line| line.len() > 40) {
                assert!(!unusable.to_string().contains(line), "{unusable}");
            }
        }
    }
}
