//! The address of a Redis or Valkey: one server, servers behind sentinels, or a cluster.
//!
//! Read by hand rather than by a library of URLs, since people put passwords into it by `${NAME}`, and those have every
//! character: whatever stands before the last `@` is user and password. No error repeats the text.

use std::fmt;

use super::Secret;

/// Most servers that one address may name: enough for any set of sentinels, and a bound on what a start tries in turn.
const MOST_NODES: usize = 32;

/// The address of a Redis or Valkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    /// What stands at the addresses.
    pub kind: RedisKind,
    /// Whether it is spoken to by TLS.
    pub tls: bool,
    /// Hosts and ports, at least one; the only one of a single server.
    pub nodes: Vec<(String, u16)>,
    /// The ACL user, where one is named.
    pub user: Option<String>,
    /// The password, where there is one.
    pub password: Option<Secret>,
    /// The number of the database; 0 for a cluster, which has no other.
    pub database: u32,
}

/// What stands at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisKind {
    /// The server itself.
    Single,
    /// Sentinels, which know where the servers of this name are.
    Sentinel(String),
    /// Some servers of a cluster.
    Cluster,
}

/// Why a text is no such address. No variant repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// Another scheme, or none.
    #[error(
        "expected an address that begins with redis://, rediss://, redis-sentinel:// or redis-cluster:// (with a second s \
         before the hyphen for TLS)"
    )]
    Scheme,
    /// A host is missing or has characters that no host has.
    #[error("expected a host, perhaps with a port from 1 to 65535")]
    Host,
    /// Several hosts for one server, or too many.
    #[error(
        "expected one host: several are for redis-sentinel:// and redis-cluster://, {MOST_NODES} at most"
    )]
    Hosts,
    /// A user without a password.
    #[error("expected user:password@ or :password@ before the host")]
    User,
    /// No name of what the sentinels watch.
    #[error(
        "expected the name that the sentinels know the servers by, as in redis-sentinel://host/NAME"
    )]
    Master,
    /// The part behind the hosts.
    #[error(
        "expected at most the number of a database behind the host, as in redis://host/0; a cluster has none"
    )]
    Database,
}

impl RedisUrl {
    /// Reads `text`.
    pub fn new(text: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(RedisUrlError::Scheme)?;
        let (tls, of) = match scheme {
            "redis" => (false, ""),
            "rediss" => (true, ""),
            "redis-sentinel" => (false, "sentinel"),
            "rediss-sentinel" => (true, "sentinel"),
            "redis-cluster" => (false, "cluster"),
            "rediss-cluster" => (true, "cluster"),
            _ => return Err(RedisUrlError::Scheme),
        };
        let (login, place) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(login, place)| (Some(login), place));
        let (user, password) = login.map_or(Ok((None, None)), credentials)?;
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let usual = if of == "sentinel" { 26_379 } else { 6_379 };
        let nodes = hosts
            .split(',')
            .take(MOST_NODES + 1)
            .map(|host| node(host, usual))
            .collect::<Result<Vec<_>, _>>()?;
        if nodes.len() > MOST_NODES || (of.is_empty() && nodes.len() > 1) {
            return Err(RedisUrlError::Hosts);
        }
        let (kind, database) = kind(of, path)?;
        Ok(Self {
            kind,
            tls,
            nodes,
            user,
            password,
            database,
        })
    }
}

/// What the part behind the hosts says.
fn kind(of: &str, path: &str) -> Result<(RedisKind, u32), RedisUrlError> {
    let number = |text: &str| match text {
        "" => Ok(0),
        digits if digits.len() <= 4 => digits.parse().map_err(|_| RedisUrlError::Database),
        _ => Err(RedisUrlError::Database),
    };
    match of {
        "sentinel" => {
            let (name, database) = path.split_once('/').unwrap_or((path, ""));
            let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if name.is_empty() || !name.chars().all(fits) {
                return Err(RedisUrlError::Master);
            }
            Ok((RedisKind::Sentinel(name.to_owned()), number(database)?))
        }
        "cluster" if path.is_empty() => Ok((RedisKind::Cluster, 0)),
        "cluster" => Err(RedisUrlError::Database),
        _ => Ok((RedisKind::Single, number(path)?)),
    }
}

/// User and password of what stands before the `@`.
fn credentials(text: &str) -> Result<(Option<String>, Option<Secret>), RedisUrlError> {
    let (user, password) = text.split_once(':').ok_or(RedisUrlError::User)?;
    if password.is_empty() {
        return Err(RedisUrlError::User);
    }
    let user = (!user.is_empty()).then(|| unescaped(user));
    Ok((user, Some(Secret::new(unescaped(password)))))
}

fn node(text: &str, usual: u16) -> Result<(String, u16), RedisUrlError> {
    // An IPv6 address has colons of its own and stands in brackets.
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(RedisUrlError::Host)?;
            let is_address = host.parse::<std::net::Ipv6Addr>().is_ok();
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or(RedisUrlError::Host)?),
            };
            if !is_address {
                return Err(RedisUrlError::Host);
            }
            (host, port)
        }
        None => text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || host.len() > 253 || !host.chars().all(fits) {
        return Err(RedisUrlError::Host);
    }
    let port = match port {
        None => usual,
        Some(port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err(RedisUrlError::Host),
        },
    };
    Ok((host.to_owned(), port))
}

/// `text` with `%41` read as `A`; a `%` before anything but two hexadecimal digits is itself.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| byte == b'%').and_then(|two| {
            let digits = std::str::from_utf8(two).ok()?;
            let all_hex = two.iter().all(u8::is_ascii_hexdigit);
            all_hex.then(|| u8::from_str_radix(digits, 16).ok())?
        });
        if let Some(code) = code {
            bytes.push(code);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Without user and password, for logs and messages.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.tls { "s" } else { "" };
        let (kind, behind) = match &self.kind {
            RedisKind::Single => ("", format!("/{}", self.database)),
            RedisKind::Sentinel(name) => ("-sentinel", format!("/{name}/{}", self.database)),
            RedisKind::Cluster => ("-cluster", String::new()),
        };
        let shown = |(host, port): &(String, u16)| {
            if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            }
        };
        let nodes: Vec<String> = self.nodes.iter().map(shown).collect();
        write!(f, "redis{s}{kind}://{}{behind}", nodes.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_stands_there_and_how_it_is_entered() {
        for (text, shown, user, password) in [
            ("redis://redis", "redis://redis:6379/0", None, None),
            ("rediss://h:7000/3", "rediss://h:7000/3", None, None),
            ("redis://[::1]:7000", "redis://[::1]:7000/0", None, None),
            ("redis://:p%40ss@h", "redis://h:6379/0", None, Some("p@ss")),
            (
                "redis://u:a/b@c?d#e:%f@h/1",
                "redis://h:6379/1",
                Some("u"),
                Some("a/b@c?d#e:%f"),
            ),
            (
                "redis-sentinel://u:p@a,b:7/main/2",
                "redis-sentinel://a:26379,b:7/main/2",
                Some("u"),
                Some("p"),
            ),
            (
                "rediss-cluster://a,b",
                "rediss-cluster://a:6379,b:6379",
                None,
                None,
            ),
        ] {
            let url = RedisUrl::new(text).unwrap();
            assert_eq!(url.to_string(), shown, "of {text}");
            assert_eq!(url.user.as_deref(), user, "of {text}");
            assert_eq!(
                url.password.as_ref().map(Secret::expose),
                password,
                "of {text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for (text, error) in [
            ("", RedisUrlError::Scheme),
            ("redis:6379", RedisUrlError::Scheme),
            ("http://redis", RedisUrlError::Scheme),
            ("redis://", RedisUrlError::Host),
            ("redis://h:0", RedisUrlError::Host),
            ("redis://h:99999", RedisUrlError::Host),
            ("redis://h:", RedisUrlError::Host),
            ("redis://[::1", RedisUrlError::Host),
            ("redis://[h]:1", RedisUrlError::Host),
            ("redis://a b", RedisUrlError::Host),
            ("redis://a,b", RedisUrlError::Hosts),
            ("redis://u@h", RedisUrlError::User),
            ("redis://u:@h", RedisUrlError::User),
            ("redis://h/x", RedisUrlError::Database),
            ("redis://h/0?a=b", RedisUrlError::Database),
            ("redis-cluster://h/1", RedisUrlError::Database),
            ("redis-sentinel://h", RedisUrlError::Master),
            ("redis-sentinel://h/a b", RedisUrlError::Master),
        ] {
            assert_eq!(RedisUrl::new(text), Err(error), "of {text:?}");
        }
        let planted = RedisUrl::new("redis://planted-user:planted-password@h").unwrap();
        assert!(!format!("{planted} {planted:?}").contains("planted-password"));
    }
}
