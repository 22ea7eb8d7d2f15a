//! Connections beyond `server.max_connections`: told so, and closed.
//!
//! Left in the kernel's queue a client would wait without knowing for what, until it gives up. A refusal costs a write. It
//! is written before the request is read, so the connection stays half open for a moment: closed at once, what the client
//! has sent meanwhile would have the kernel throw the refusal away. Of those that are being told there is a bound as well;
//! beyond it connections are closed without a word.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::room::{Refusals, WAIT};
use crate::dialect::Front;
use crate::dialect::any::write_error;
use crate::model::Time;
use crate::wire::{Code, ErrorBody};

/// Most connections that are being told. Each takes a descriptor, so halved, more are closed without a word; doubled, as
/// many more descriptors go to who gets nothing.
const TOLD: usize = 256;
/// How long one of them stays at most.
const PATIENCE: Duration = Duration::from_secs(1);
/// What one of them may send meanwhile; more than a usual request.
const READ: usize = 256 * 1024;

/// Turns connections away.
#[derive(Debug)]
pub(super) struct Away {
    places: Arc<Semaphore>,
    answer: Arc<[u8]>,
    refusals: Refusals,
}

impl Away {
    /// Nobody was turned away yet.
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(TOLD)),
            answer: answer().into(),
            refusals: Refusals::default(),
        }
    }

    /// Turns `stream` away; what is returned is to be driven, if anything is.
    pub(super) fn turn(
        &self,
        stream: TcpStream,
        now: Time,
        is_encrypted: bool,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        if let Some(connections) = self.refusals.count(now) {
            tracing::warn!(
                connections,
                "clients were turned away: server.max_connections are open"
            );
        }
        // Whoever waits for a handshake could not read it.
        if is_encrypted {
            return None;
        }
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let answer = Arc::clone(&self.answer);
        Some(async move {
            tell(stream, &answer).await;
            drop(place);
        })
    }
}

/// Writes `answer` to a client whose request nobody reads, and closes.
pub(super) async fn tell(mut stream: TcpStream, answer: &[u8]) {
    let telling = async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        let (mut bytes, mut read) = ([0; 4096], 0);
        while read < READ {
            match stream.read(&mut bytes).await? {
                0 => break,
                more => read += more,
            }
        }
        std::io::Result::Ok(())
    };
    // Whatever became of it, there is nobody else to tell.
    drop(timeout(PATIENCE, telling).await);
}

fn answer() -> Vec<u8> {
    let message = "this gateway has as many connections as it may (server.max_connections); try again in a moment";
    let error = ErrorBody::new(Code::Overloaded, message);
    let retry_after = format!("retry-after: {}\r\n", WAIT.as_secs());
    written("503 Service Unavailable", &retry_after, &error)
}

/// An answer as HTTP/1.1 has it, after which the connection ends; `headers` are whole lines.
pub(super) fn written(status: &str, headers: &str, error: &ErrorBody) -> Vec<u8> {
    let body = write_error(Front::Other, error);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}connection: close\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}
