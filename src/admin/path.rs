//! Paths: which resource is meant.

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// Whether the process works.
    Health,
    /// Whether it wants traffic.
    Ready,
    /// The metrics.
    Metrics,
    /// All routes.
    Routes,
    /// One of them.
    Route(String),
    /// The configuration in force.
    Config,
    /// Reading the files again.
    Reload,
    /// What there is.
    Index,
}

impl Resource {
    /// What `path` names, if anything. A slash at its end changes nothing.
    pub(super) fn at(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        Some(match path {
            "/api" | "/api/v1" => Self::Index,
            "/healthz" | "/livez" | "/health" | "/health/liveliness" | "/health/liveness" => {
                Self::Health
            }
            "/readyz" | "/health/readiness" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/api/v1/routes" => Self::Routes,
            "/api/v1/config" => Self::Config,
            "/api/v1/reload" => Self::Reload,
            path => {
                let name = path.strip_prefix("/api/v1/routes/")?;
                Self::Route(decoded(name)?)
            }
        })
    }

    /// The methods it takes.
    pub(super) fn allowed(&self) -> &'static str {
        match self {
            Self::Health
            | Self::Ready
            | Self::Metrics
            | Self::Routes
            | Self::Route(_)
            | Self::Config
            | Self::Index => "GET, HEAD",
            Self::Reload => "POST",
        }
    }
}

/// A segment with its `%XX` in place; `None` if it has a slash, or anything else than UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'/' => return None,
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_may_be_percent_encoded() {
        let chat = Resource::Route("chat:fast@eu".to_owned());
        for path in [
            "/api/v1/routes/chat:fast@eu",
            "/api/v1/routes/chat%3Afast%40eu/",
        ] {
            assert_eq!(Resource::at(path), Some(chat.clone()), "{path}");
        }
    }

    #[test]
    fn broken_paths_name_nothing() {
        for path in [
            "/api/v1/routes/a/b",
            "/api/v1/routes/%zz",
            "/api/v1/routes/%f",
            "/api/v1/routes/%ff",
            "/api/v2",
            "/healthz/x",
        ] {
            assert_eq!(Resource::at(path), None, "{path}");
        }
    }
}
