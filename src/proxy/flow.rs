//! A stream between target and client: watched where it passes as it came, written anew where it is translated. Either way
//! it is fed the target's bytes and gives the client's.

use std::sync::Arc;

use bytes::Bytes;

use crate::dialect::any::{Reader, Writer};
use crate::dialect::neutral::{Delta, Piece};
use crate::dialect::{Front, any};
use crate::live::Provider;
use crate::model::Outcome;
use crate::wire::seal::{Origin, Shape, StreamSealer};
use crate::wire::{ErrorBody, Seen, StreamReader, Usual, Watched, WholeEvents};

/// A stream on its way.
#[derive(Debug)]
pub(super) struct Flow {
    way: Way,
    /// Marks state with its origin, where that may matter.
    sealer: Option<StreamSealer>,
}

/// How a stream passes.
#[derive(Debug)]
enum Way {
    /// The bytes pass.
    Native(Box<Passage>),
    /// The target's pieces are said again in the client's dialect.
    Translated(Box<Translation>),
}

/// A stream that passes.
#[derive(Debug)]
struct Passage {
    reader: StreamReader,
    /// Holds back what has not ended, and token counts that the client did not ask for. `None` where it is not known how
    /// the stream is framed.
    events: Option<WholeEvents>,
    /// What the client called.
    front: Front,
    /// Whether it is framed as text, so that an event can be written into it.
    is_text: bool,
    /// Whose credentials an error must not tell.
    provider: Arc<Provider>,
    usual: Usual,
    /// Whether nothing is held anywhere, so that what is usual can pass.
    is_between: bool,
}

/// A stream that is translated.
#[derive(Debug)]
struct Translation {
    reader: Reader,
    writer: Writer,
    seen: Seen,
    pieces: Vec<Piece>,
}

// === impl Flow ===

impl Flow {
    /// A stream of `provider` for a client of `front` that passes as it comes; `hide_usage` if its token counts are not for
    /// the client.
    pub(super) fn native(
        front: Front,
        watched: Watched,
        hide_usage: bool,
        provider: Arc<Provider>,
    ) -> Self {
        let way = Way::Native(Box::new(Passage {
            reader: StreamReader::of(watched),
            events: (watched != Watched::Any).then(|| WholeEvents::new(hide_usage)),
            front,
            is_text: true,
            provider,
            usual: Usual::default(),
            is_between: false,
        }));
        Self { way, sealer: None }
    }

    /// The same where it passes unread and is no stream of events (Amazon's frames, Google's list): nothing can be told in
    /// it, and every chunk is content.
    pub(super) fn in_frames(mut self) -> Self {
        if let Way::Native(passage) = &mut self.way {
            passage.is_text = false;
            passage.reader = StreamReader::unframed();
        }
        self
    }

    /// The same where it passes unread and says that it is a stream of events: they pass whole, so that nothing that is
    /// looked for in one is missed because it came in two pieces.
    pub(super) fn in_events(mut self) -> Self {
        if let Way::Native(passage) = &mut self.way {
            passage
                .events
                .get_or_insert_with(|| WholeEvents::new(false));
        }
        self
    }

    /// Whether it is a stream of events.
    pub(super) fn is_text(&self) -> bool {
        match &self.way {
            Way::Native(passage) => passage.is_text,
            Way::Translated(_) => true,
        }
    }

    /// A stream that is read by one and written by the other.
    pub(super) fn translated(reader: Reader, writer: Writer) -> Self {
        let way = Way::Translated(Box::new(Translation {
            reader,
            writer,
            seen: Seen::default(),
            pieces: Vec::new(),
        }));
        Self { way, sealer: None }
    }

    /// The same with state marked as `seal`'s.
    pub(super) fn sealing(self, seal: Option<(Origin, Shape)>) -> Self {
        let sealer = seal.map(|(origin, shape)| StreamSealer::new(origin, shape));
        Self { sealer, ..self }
    }

    /// What has been seen so far.
    pub(super) fn seen(&self) -> &Seen {
        match &self.way {
            Way::Native(passage) => passage.reader.seen(),
            Way::Translated(translation) => &translation.seen,
        }
    }

    /// Whether a content policy let nothing be said.
    pub(super) fn is_refused(&self) -> bool {
        let seen = self.seen();
        seen.refused && !seen.first_content
    }

    /// Takes the target's next bytes; gives the client's, which may be none.
    pub(super) fn push(&mut self, chunk: &Bytes) -> Bytes {
        if let Way::Native(passage) = &mut self.way
            && passage.took_as_usual(chunk)
        {
            return chunk.clone();
        }
        let said = self.way.push(chunk);
        let said = match &mut self.sealer {
            Some(sealer) => sealer.push(&said),
            None => said,
        };
        let passed = said.len() == chunk.len();
        if let Way::Native(passage) = &mut self.way {
            let holds = self.sealer.as_ref().is_some_and(|it| !it.is_between());
            passage.looked_at(chunk, passed && !holds);
        }
        said
    }

    /// The target has sent everything: what is left for the client.
    pub(super) fn finish(&mut self) -> Bytes {
        let said = self.way.finish();
        match &mut self.sealer {
            Some(sealer) => {
                let first = sealer.push(&said);
                let rest = sealer.finish();
                if rest.is_empty() {
                    first
                } else {
                    [first, rest].concat().into()
                }
            }
            None => said,
        }
    }

    /// `error` as the last event of the client's stream; `None` where nothing can be written into it.
    pub(super) fn error(&mut self, error: &ErrorBody) -> Option<Bytes> {
        self.way.error(error)
    }
}

// === impl Way ===

impl Way {
    fn push(&mut self, chunk: &Bytes) -> Bytes {
        match self {
            Self::Native(passage) => passage.push(chunk),
            Self::Translated(translation) => {
                let Translation { reader, pieces, .. } = &mut **translation;
                reader.push(chunk, pieces);
                translation.say()
            }
        }
    }

    fn finish(&mut self) -> Bytes {
        match self {
            Self::Native(passage) => passage.finish(),
            Self::Translated(translation) => {
                let Translation { reader, pieces, .. } = &mut **translation;
                reader.finish(pieces);
                translation.say()
            }
        }
    }

    fn error(&mut self, error: &ErrorBody) -> Option<Bytes> {
        match self {
            Self::Native(passage) => passage.is_text.then(|| {
                let events = passage.reader.seen().events;
                any::error_event(passage.front, error, events).into()
            }),
            Self::Translated(translation) => {
                let mut out = Vec::new();
                translation.writer.error(error, &mut out);
                Some(out.into())
            }
        }
    }
}

// === impl Passage ===

impl Passage {
    /// Whether `chunk` is events of which one was looked at before; if so they are counted.
    fn took_as_usual(&mut self, chunk: &[u8]) -> bool {
        let seen = self.reader.seen();
        if !self.is_between || seen.done || seen.error.is_some() {
            return false;
        }
        let events = self.usual.count(chunk);
        self.reader.count_plain(events);
        events > 0
    }

    /// `chunk` was looked at; `passed` if it went out as it came.
    fn looked_at(&mut self, chunk: &[u8], passed: bool) {
        let holds = self.events.as_ref().is_some_and(|it| !it.is_between());
        self.is_between = passed && !holds && self.reader.was_plain();
        if self.is_between {
            self.usual.keep(chunk);
        }
    }

    fn push(&mut self, chunk: &Bytes) -> Bytes {
        self.reader.push(chunk);
        let said = match &mut self.events {
            Some(events) => events.push(chunk),
            None => chunk.clone(),
        };
        self.discreet(said)
    }

    /// What is left. A piece of an event that the provider never ended says nothing that a client could read.
    fn finish(&mut self) -> Bytes {
        self.reader.finish();
        let rest = self.events.as_mut().map(WholeEvents::finish);
        let rest = rest.unwrap_or_default();
        match self.reader.seen().outcome() {
            Some(Outcome::Ok) => rest,
            Some(_) => Bytes::new(),
            // Its error, which a client hears only with its blank line.
            None if rest.is_empty() => rest,
            None => self.discreet([&rest, &b"\n\n"[..]].concat().into()),
        }
    }

    /// An error in a stream may quote the credential that it was asked with.
    fn discreet(&self, said: Bytes) -> Bytes {
        match self.reader.seen().error {
            Some(_) => self.provider.manner.discreet(said),
            None => said,
        }
    }
}

// === impl Translation ===

impl Translation {
    /// Writes what was read.
    fn say(&mut self) -> Bytes {
        let mut out = Vec::new();
        for piece in self.pieces.drain(..) {
            note(&mut self.seen, &piece);
            self.writer.piece(&piece, &mut out);
        }
        out.into()
    }
}

fn note(seen: &mut Seen, piece: &Piece) {
    match piece {
        Piece::Start { usage, .. } => seen.usage = usage.or(seen.usage),
        Piece::Usage(usage) => seen.usage = Some(*usage),
        Piece::Delta { delta, .. } if is_content(delta) => {
            seen.first_content = true;
            seen.content_events = seen.content_events.saturating_add(1);
        }
        // A call is content by its name: some have no arguments.
        Piece::Begin { kind, .. } => {
            use crate::dialect::neutral::Block;
            seen.first_content |= matches!(kind, Block::ToolCall { .. } | Block::Other(..));
        }
        Piece::Delta { .. } | Piece::End { .. } => {}
        Piece::Finish { finish, .. } => {
            seen.refused = finish.is_refusal() && (seen.refused || !seen.finished);
            seen.finished = true;
        }
        Piece::Error(error) => seen.error = seen.error.take().or_else(|| Some(error.clone())),
        Piece::Done => {
            seen.done = true;
            seen.finished = true;
        }
    }
}

fn is_content(delta: &Delta) -> bool {
    match delta {
        Delta::Text(text) | Delta::Arguments(text) | Delta::TextWithLogprobs(text, _) => {
            !text.is_empty()
        }
        Delta::Signature(_) | Delta::Sealed(_) | Delta::Annotations(_) => true,
    }
}
