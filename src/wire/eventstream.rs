//! Amazon's binary event stream, split into messages while it passes.
//!
//! A message is: its length and its headers' length (big-endian, 4 bytes each), a CRC-32 of these eight bytes, the headers,
//! the payload, and a CRC-32 of everything before. A header is the length of its name, the name, a type and a value.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html> and
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>, 2026-11-23.
//!
//! A wrong sum ends the stream: after it nothing says where the next message begins.

/// Largest message: 16 MiB, the format's own bound.
const MAX_MESSAGE: usize = 16 << 20;
/// Lengths and their sum.
const PRELUDE: usize = 12;
/// The sum at the end.
const SUM: usize = 4;

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `:message-type`: `event`, `exception` or `error`.
    pub kind: String,
    /// `:event-type`, `:exception-type` or `:error-code`.
    pub name: String,
    /// `:error-message`; empty if there is none.
    pub words: String,
    /// The payload, JSON in all that we read.
    pub payload: Vec<u8>,
}

/// Why a stream cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A sum does not match: bytes were changed or lost on the way.
    #[error("expected the checksum {expected:08x} of a message, found {found:08x}")]
    Sum {
        /// As calculated.
        expected: u32,
        /// As it stands there.
        found: u32,
    },
    /// Lengths that no message has.
    #[error(
        "expected a message of at most {MAX_MESSAGE} bytes, found lengths {total} and {headers}"
    )]
    Lengths {
        /// Of the message.
        total: usize,
        /// Of its headers.
        headers: usize,
    },
    /// Headers that cannot be read.
    #[error("expected the headers of a message, found something else at byte {0}")]
    Headers(usize),
}

/// Splits a stream into messages, in any chunking. Keeps at most one message.
#[derive(Clone, Debug, Default)]
pub struct Splitter {
    held: Vec<u8>,
    broken: bool,
}

impl Splitter {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next `chunk` and hands each message that is complete to `sink`. Linear in the chunk.
    ///
    /// # Errors
    /// The stream is broken; nothing is read after it.
    pub fn push(&mut self, chunk: &[u8], mut sink: impl FnMut(Message)) -> Result<(), Broken> {
        if self.broken {
            return Ok(());
        }
        let result = self.split(chunk, &mut sink);
        self.broken = result.is_err();
        result
    }

    /// Whether a message has begun and not ended.
    pub fn is_inside(&self) -> bool {
        !self.held.is_empty() && !self.broken
    }

    fn split(&mut self, chunk: &[u8], sink: &mut impl FnMut(Message)) -> Result<(), Broken> {
        let mut rest = chunk;
        loop {
            let wanted = self.wanted()?;
            let part = rest.get(..wanted.min(rest.len())).unwrap_or_default();
            self.held.extend_from_slice(part);
            rest = rest.get(part.len()..).unwrap_or_default();
            if part.len() < wanted {
                return Ok(());
            }
            if self.held.len() > PRELUDE {
                sink(read(&self.held)?);
                self.held.clear();
            }
        }
    }

    /// How many bytes are missing to the end of the prelude, or of the message.
    fn wanted(&self) -> Result<usize, Broken> {
        if self.held.len() < PRELUDE {
            return Ok(PRELUDE - self.held.len());
        }
        let (total, _) = lengths(&self.held)?;
        Ok(total - self.held.len())
    }
}

/// The lengths of a message and of its headers, checked with their sum.
fn lengths(bytes: &[u8]) -> Result<(usize, usize), Broken> {
    let total = number(bytes, 0) as usize;
    let headers = number(bytes, 4) as usize;
    check(bytes.get(..8).unwrap_or_default(), number(bytes, 8))?;
    let fits = total <= MAX_MESSAGE && headers <= total && PRELUDE + headers + SUM <= total;
    if fits {
        Ok((total, headers))
    } else {
        Err(Broken::Lengths { total, headers })
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_be_bytes(four.unwrap_or_default())
}

fn check(bytes: &[u8], found: u32) -> Result<(), Broken> {
    let expected = crc32fast::hash(bytes);
    if expected == found {
        Ok(())
    } else {
        Err(Broken::Sum { expected, found })
    }
}

/// Reads a whole message.
fn read(bytes: &[u8]) -> Result<Message, Broken> {
    let (total, headers) = lengths(bytes)?;
    let end = total - SUM;
    check(bytes.get(..end).unwrap_or_default(), number(bytes, end))?;
    let mut message = Message {
        payload: bytes
            .get(PRELUDE + headers..end)
            .unwrap_or_default()
            .to_vec(),
        ..Message::default()
    };
    let mut rest = bytes.get(PRELUDE..PRELUDE + headers).unwrap_or_default();
    while !rest.is_empty() {
        let at = PRELUDE + headers - rest.len();
        let (name, value, tail) = header(rest).ok_or(Broken::Headers(at))?;
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b":message-type" => message.kind = text(),
            b":event-type" | b":exception-type" | b":error-code" => message.name = text(),
            b":error-message" => message.words = text(),
            _ => {}
        }
        rest = tail;
    }
    Ok(message)
}

/// The first header of `bytes`: its name, its value if that is bytes or text, and what follows it.
fn header(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (kind, rest) = rest.split_first()?;
    let length = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => {
            let (length, rest) = rest.split_at_checked(2)?;
            let length = u16::from_be_bytes(length.try_into().ok()?);
            let (value, tail) = rest.split_at_checked(usize::from(length))?;
            return Some((name, value, tail));
        }
        9 => 16,
        _ => return None,
    };
    let (_, tail) = rest.split_at_checked(length)?;
    Some((name, &[], tail))
}

/// Writes a message with text headers, as a server does.
pub fn write(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        head.extend_from_slice(&length.to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let total = PRELUDE + head.len() + payload.len() + SUM;
    let long = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(&long(total));
    out.extend_from_slice(&long(head.len()));
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

#[cfg(test)]
#[path = "eventstream_tests.rs"]
mod tests;
