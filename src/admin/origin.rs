//! Whether a request may come from where it says.
//!
//! Problem: a web page that an operator visits can send requests to the operator's own loopback. It can't read the answer,
//! but a reload would happen; and with a name that first resolves to its own server and then to 127.0.0.1 (DNS rebinding)
//! it is "the same origin" to the browser, and can read as well. Choice, for all requests: unless others are allowed, this
//! listener answers to addresses and to `localhost`, which nobody can make lead elsewhere; a rebound page's requests bear
//! its own name. For requests that change something: browsers say where such a request comes from in `Origin`; programs say
//! nothing. What says an origin must be this listener itself, by address or as `localhost`: a page under any name, rebound
//! or not, has that name in its origin. Where a token is asked for, which no browser sends by itself, the name may be any,
//! so that the dashboard works behind one. How it fails: it does not keep out programs on the operator's machine, which could
//! as well change the files.

use std::net::IpAddr;

use http::Request;
use http::header::{HOST, HeaderMap, ORIGIN};
use http::uri::Authority;

/// What keeps other sites' pages out beside their origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// A token, which no browser sends by itself: a page of this listener may have any name.
    Token,
    /// Nothing: only an address or `localhost` is surely this listener's own name.
    Nothing,
}

/// Whether `headers` come from a program, or from a page of this listener itself.
pub(super) fn is_own(headers: &HeaderMap, guard: Guard) -> bool {
    if headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
    {
        return false;
    }
    let mut origins = headers.get_all(ORIGIN).iter();
    let (origin, host) = match (origins.next(), origins.next(), headers.get(HOST)) {
        (None, _, _) => return true,
        (Some(origin), None, Some(host)) => (origin.to_str(), host.to_str()),
        (Some(_), _, _) => return false,
    };
    let (Ok(origin), Ok(host)) = (origin, host) else {
        return false;
    };
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    authority == Some(host) && (guard == Guard::Token || is_address(host))
}

/// Whether `request` names its listener by an address or as `localhost`. A program that gives no name at all is none of
/// a browser's.
pub(super) fn is_named_by_address<B>(request: &Request<B>) -> bool {
    let line = request.uri().authority().map(Authority::as_str);
    let hosts = request.headers().get_all(HOST).iter();
    let mut names = hosts.map(|host| host.to_str().ok()).chain(line.map(Some));
    names.all(|name| name.is_some_and(is_address))
}

/// Whether an authority is an IP address or `localhost`, with or without a port.
fn is_address(authority: &str) -> bool {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    };
    let inner = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || inner.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        is_own(&headers, Guard::Nothing)
    }

    #[test]
    fn programs_and_own_pages_are_let_in() {
        assert!(own(&[("host", "127.0.0.1:9901")]), "curl says no origin");
        for host in ["127.0.0.1:9901", "localhost:9901", "[::1]:9901", "10.0.0.7"] {
            let origin = format!("http://{host}");
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            assert!(is_own(&headers, Guard::Nothing), "a page of {host} itself");
        }
    }

    #[test]
    fn a_page_of_this_listener_may_have_a_name_where_a_token_is_asked_for() {
        let page = |origin: &str, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            headers.insert(ORIGIN, origin.parse().unwrap());
            headers
        };
        let own = page("https://weighbridge.example", "weighbridge.example");
        assert!(is_own(&own, Guard::Token) && !is_own(&own, Guard::Nothing));
        let other = page("https://evil.example", "weighbridge.example");
        assert!(!is_own(&other, Guard::Token), "another site's");
    }

    #[test]
    fn other_pages_are_kept_out() {
        for (origin, host) in [
            ("http://evil.example", "127.0.0.1:9901"),
            ("http://evil.example:9901", "evil.example:9901"),
            ("http://127.0.0.1:3000", "127.0.0.1:9901"),
            ("null", "127.0.0.1:9901"),
            (
                "http://localhost.evil.example:9901",
                "localhost.evil.example:9901",
            ),
        ] {
            assert!(
                !own(&[("origin", origin), ("host", host)]),
                "{origin} at {host}"
            );
        }
        let site = [("host", "127.0.0.1:9901"), ("sec-fetch-site", "cross-site")];
        assert!(!own(&site), "the browser says that it crosses sites");
        let two = [
            ("host", "127.0.0.1:9901"),
            ("origin", "http://127.0.0.1:9901"),
            ("origin", "http://evil.example"),
        ];
        assert!(!own(&two), "two origins are none");
    }
}
