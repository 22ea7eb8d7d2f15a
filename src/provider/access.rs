//! A credential that is worked out while the program runs: where it is kept between who fetches it and who sends it.
//!
//! Requests never wait for one: they read what is there. Who fetches puts a new one over the old one before that ends, and
//! when all goes wrong the old one is used to its end; after that there is none, and a request is told so at once.

use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Uri};

use super::discretion::discreet;
use super::manner::BadSecret;
use crate::model::Time;

/// What lets a request in.
#[derive(Clone, Debug)]
pub enum Pass {
    /// A token, as the value of `authorization`. Marked as sensitive.
    Bearer(HeaderValue),
    /// Keys that sign.
    #[cfg(feature = "aws")]
    Aws(super::aws::Signer),
}

/// A request without its credential.
#[derive(Debug)]
pub struct Unsigned<'a> {
    /// How.
    pub method: &'a Method,
    /// Where to.
    pub uri: &'a Uri,
    /// All other headers; the credential comes to them.
    pub headers: &'a mut HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
    /// When it is, for what ends.
    pub now: Time,
    /// When it is by the wall clock, in seconds since 1970, for what names a date.
    pub unix_seconds: u64,
}

/// Why a request has no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// None has come yet, or the last one has ended.
    #[error("there is no valid credential for it at the moment")]
    NoPass,
    /// The request is one that can't be signed.
    #[error("the request can't be signed")]
    Unfit,
}

/// The pass of one provider. Written by the task that renews it, read by requests; a lock of a few lines on either side.
#[derive(Debug, Default)]
pub struct Access(RwLock<Option<(Pass, Time)>>);

// === impl Pass ===

impl Pass {
    /// A token that goes into `authorization` as a bearer.
    ///
    /// # Errors
    /// It can't stand in a header.
    pub fn bearer(token: &str) -> Result<Self, BadSecret> {
        let is_visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        match HeaderValue::try_from(format!("Bearer {token}")) {
            Ok(mut value) if is_visible => {
                value.set_sensitive(true);
                Ok(Self::Bearer(value))
            }
            Ok(_) | Err(_) => Err(BadSecret),
        }
    }
}

// === impl Access ===

impl Access {
    /// Puts `pass` in the place of what there was; it is used before `end`.
    pub fn put(&self, pass: Pass, end: Time) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((pass, end));
    }

    /// What there is at `now`.
    pub fn pass(&self, now: Time) -> Option<Pass> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (pass, _) = kept.as_ref().filter(|(_, end)| now < *end)?;
        Some(pass.clone())
    }

    /// `said` without what was sent of the pass that there is.
    pub fn discreet(&self, said: Bytes) -> Bytes {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref() {
            Some((Pass::Bearer(value), _)) => discreet(said, value),
            // Keys that sign do not travel.
            #[cfg(feature = "aws")]
            Some((Pass::Aws(signer), _)) => signer.discreet(said),
            None => said,
        }
    }

    /// Signs `request` with what there is.
    ///
    /// # Errors
    /// There is none, or it does not fit.
    pub fn sign(&self, request: &mut Unsigned<'_>) -> Result<(), NotSigned> {
        // Whatever stands there was not for this provider.
        request.headers.remove(header::AUTHORIZATION);
        match self.pass(request.now).ok_or(NotSigned::NoPass)? {
            Pass::Bearer(value) => {
                request.headers.insert(header::AUTHORIZATION, value);
            }
            #[cfg(feature = "aws")]
            Pass::Aws(signer) => signer.sign(request)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn signed(access: &Access, now: Time) -> Result<HeaderMap, NotSigned> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("other"));
        access.sign(&mut Unsigned {
            method: &Method::POST,
            uri: &Uri::from_static("http://host/"),
            headers: &mut headers,
            body: b"{}",
            now,
            unix_seconds: 0,
        })?;
        Ok(headers)
    }

    #[test]
    fn a_pass_is_used_to_its_end_and_not_beyond() {
        let access = Access::default();
        assert_eq!(signed(&access, at(1)), Err(NotSigned::NoPass), "none yet");
        access.put(Pass::bearer("first").unwrap(), at(10));
        assert_eq!(
            signed(&access, at(9)).unwrap()["authorization"],
            "Bearer first"
        );
        assert_eq!(signed(&access, at(10)), Err(NotSigned::NoPass), "its end");
        access.put(Pass::bearer("second").unwrap(), at(20));
        let headers = signed(&access, at(10)).unwrap();
        assert_eq!(headers["authorization"], "Bearer second");
        for printed in [format!("{access:?}"), format!("{headers:?}")] {
            assert!(!printed.contains("second"), "{printed}");
        }
    }

    #[test]
    fn a_token_that_cannot_stand_in_a_header_is_refused() {
        for token in ["", "two\r\nlines", "a b", "ümlaut"] {
            assert_eq!(Pass::bearer(token).err(), Some(BadSecret), "{token:?}");
        }
    }
}
