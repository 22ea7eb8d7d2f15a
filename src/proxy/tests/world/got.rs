//! What is asked of a world, and what comes back.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// A chat with `body`, on a connection of its own.
pub(in crate::proxy::tests) fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The body of a chat.
pub(in crate::proxy::tests) fn ask(stream: bool) -> String {
    format!(
        "{{\"model\":\"chat\",\"stream\":{stream},\"messages\":[{{\"role\":\"user\",\"content\":\"hi\"}}]}}"
    )
}

/// What came back.
#[derive(Debug)]
pub(in crate::proxy::tests) struct Got {
    pub(in crate::proxy::tests) status: u16,
    pub(in crate::proxy::tests) head: String,
    pub(in crate::proxy::tests) body: String,
    /// Whether the body had its end.
    pub(in crate::proxy::tests) whole: bool,
}

impl Got {
    pub(in crate::proxy::tests) async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let reading =
            async { while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {} };
        timeout(PATIENCE, reading)
            .await
            .expect("an answer must end");
        let end = memchr::memmem::find(&bytes, b"\r\n\r\n").unwrap_or(bytes.len());
        let (head, rest) = bytes.split_at(end);
        let head = std::str::from_utf8(head).unwrap().to_lowercase();
        let rest = rest.get(4..).unwrap_or_default();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let (body, whole) = if head.contains("transfer-encoding: chunked") {
            unchunked(rest)
        } else {
            (rest.to_vec(), true)
        };
        let body = String::from_utf8(body).unwrap();
        Self {
            status: status.unwrap_or(0),
            head,
            body,
            whole,
        }
    }

    pub(in crate::proxy::tests) fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The error's code.
    pub(in crate::proxy::tests) fn code(&self) -> String {
        self.error("code")
    }

    /// A field of the error.
    pub(in crate::proxy::tests) fn error(&self, field: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["error"][field].as_str().unwrap_or_default().to_owned()
    }
}

fn unchunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = memchr::memmem::find(rest, b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, true);
        }
        let Some((piece, tail)) = rest[end + 2..].split_at_checked(size) else {
            break;
        };
        body.extend_from_slice(piece);
        rest = tail.strip_prefix(b"\r\n").unwrap_or(tail);
    }
    (body, false)
}
