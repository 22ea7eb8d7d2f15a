//! The address of an API.

use http::Uri;

/// The address of an API: a checked base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme and authority, for example `https://api.openai.com`.
    pub origin: String,
    /// Path without a slash at its end, for example `/v1`; may be empty.
    pub path: String,
}

/// Why a text is not the address of an API. No variant repeats it: addresses can hold credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an absolute http or https address.
    #[error("expected an address that begins with http:// or https:// and a host")]
    Shape,
    /// `user:password@`.
    #[error("expected an address without user and password")]
    UserInfo,
    /// `?…` or `#…`.
    #[error("expected an address without `?` and `#`")]
    Query,
}

impl Endpoint {
    /// Checks `text`: scheme http or https, a host, perhaps a port and a path; nothing else.
    pub fn new(text: &str) -> Result<Self, EndpointError> {
        if text.contains(['?', '#']) {
            return Err(EndpointError::Query);
        }
        let uri: Uri = text.parse().map_err(|_| EndpointError::Shape)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(EndpointError::Shape);
        };
        if authority.as_str().contains('@') {
            return Err(EndpointError::UserInfo);
        }
        // A port that is written must be one: the parser takes `host:` and `host:99999` for addresses.
        let written = authority.as_str().len() > authority.host().len();
        let port_fits = !written || authority.port_u16().is_some_and(|port| port > 0);
        if !matches!(scheme, "http" | "https") || authority.host().is_empty() || !port_fits {
            return Err(EndpointError::Shape);
        }
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_scheme_host_and_path_and_nothing_else() {
        let cases = [
            (
                "https://api.openai.com/v1",
                Ok(("https://api.openai.com", "/v1")),
            ),
            (
                "https://api.openai.com/v1/",
                Ok(("https://api.openai.com", "/v1")),
            ),
            ("http://127.0.0.1:8000", Ok(("http://127.0.0.1:8000", ""))),
            ("http://[::1]:8000/x", Ok(("http://[::1]:8000", "/x"))),
            ("https://u:p@host/v1", Err(EndpointError::UserInfo)),
            ("https://host/v1?key=1", Err(EndpointError::Query)),
            ("https://host/v1#top", Err(EndpointError::Query)),
            ("ftp://host/", Err(EndpointError::Shape)),
            ("host/v1", Err(EndpointError::Shape)),
            ("host", Err(EndpointError::Shape)),
            ("/v1", Err(EndpointError::Shape)),
            ("https://", Err(EndpointError::Shape)),
            ("https://host:99999/v1", Err(EndpointError::Shape)),
            ("https://host:/v1", Err(EndpointError::Shape)),
            ("https://ho st/v1", Err(EndpointError::Shape)),
            ("", Err(EndpointError::Shape)),
        ];
        for (text, expected) in cases {
            let found = Endpoint::new(text);
            let parts = found
                .as_ref()
                .map(|it| (it.origin.as_str(), it.path.as_str()));
            assert_eq!(parts.map_err(|error| *error), expected, "of {text:?}");
        }
    }
}
