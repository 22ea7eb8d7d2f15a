//! Signature version 4: what a request to AWS carries in place of a bearer.
//!
//! Signed are the host, the type of the body, its hash, the date and all `x-amz…` headers, as AWS demands of these; what
//! else passes of the client's headers may be changed on the way without harm.
//!
//! Source, read 2026-11-24: <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::access::{NotSigned, Unsigned};
use super::discretion::without;

/// The name by which signatures know Bedrock.
const BEDROCK: &str = "bedrock";

/// Keys of AWS for one region. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Signer {
    keys: Credentials,
    region: String,
    service: &'static str,
}

// === impl Signer ===

impl Signer {
    /// Signs requests to Bedrock in `region`.
    pub const fn bedrock(keys: Credentials, region: String) -> Self {
        Self {
            keys,
            region,
            service: BEDROCK,
        }
    }

    /// `said` without the token of the session, the only one of its secrets that is sent.
    pub(super) fn discreet(&self, said: Bytes) -> Bytes {
        match self.keys.session_token() {
            Some(token) => without(said, token.as_bytes()),
            None => said,
        }
    }

    /// Puts the signature into the headers of `request`.
    pub(super) fn sign(&self, request: &mut Unsigned<'_>) -> Result<(), NotSigned> {
        let identity = self.keys.clone().into();
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(request.unix_seconds);
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(date)
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| NotSigned::Unfit)?;
        let uri = request.uri.to_string();
        let mut signed = Vec::new();
        for (name, value) in &*request.headers {
            if *name == CONTENT_TYPE || name.as_str().starts_with("x-amz") {
                let value = value.to_str().map_err(|_| NotSigned::Unfit)?;
                signed.push((name.as_str(), value));
            }
        }
        let body = SignableBody::Bytes(request.body);
        let method = request.method.as_str();
        let signable = SignableRequest::new(method, uri, signed.into_iter(), body)
            .map_err(|_| NotSigned::Unfit)?;
        let (added, _) = sign(signable, &params.into())
            .map_err(|_| NotSigned::Unfit)?
            .into_parts();
        for (name, value) in added.headers() {
            let name = HeaderName::try_from(name).map_err(|_| NotSigned::Unfit)?;
            let mut value = HeaderValue::try_from(value).map_err(|_| NotSigned::Unfit)?;
            value.set_sensitive(true);
            request.headers.insert(name, value);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
