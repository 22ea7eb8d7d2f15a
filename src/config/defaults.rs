//! What holds where a file says nothing.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Admin, Deadlines, Retry, Server};

impl Default for Server {
    /// Loopback only; bodies and answers of 32 MiB; half a minute to drain.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            allow_unauthenticated: false,
            require_key: None,
            max_body: 32 << 20,
            max_answer: 32 << 20,
            drain_grace: Duration::from_secs(30),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            max_connections: 10_000,
            max_requests: 10_000,
            max_buffered: 1 << 30,
            reuse_port: false,
            forward_headers: Vec::new(),
            state: None,
            tls: None,
        }
    }
}

impl Default for Admin {
    /// Loopback only.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9901)),
            allow_remote: false,
            token: None,
        }
    }
}

impl Default for Deadlines {
    /// Five seconds to connect, a minute to a streamed answer's header and first token, half a minute between tokens, ten
    /// minutes for a unary answer, an attempt and a request: what official clients wait.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            header_streamed: Duration::from_secs(60),
            header_unary: Duration::from_secs(600),
            first_token: Duration::from_secs(60),
            between_tokens: Duration::from_secs(30),
            attempt: Duration::from_secs(600),
            total: Duration::from_secs(600),
        }
    }
}

impl Default for Retry {
    /// Two more attempts after what another target may do better.
    fn default() -> Self {
        Self {
            count: 2,
            on_codes: vec![408, 429, 500, 502, 503, 504, 529],
        }
    }
}
