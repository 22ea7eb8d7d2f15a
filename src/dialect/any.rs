//! One door to all dialects: what a client speaks, what a target speaks, and the functions of each by its name.

use super::embeddings::{self, EmbedRequest};
use super::neutral::{Answer, Dialect, Misread, NotRead, Piece, Request, Unfit, Written};
use super::{Front, chat, cohere, completions, converse, elsewhere, gemini, messages, responses};
use crate::model::Tokens;
use crate::wire::ErrorBody;

/// The dialect of a client that converses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's legacy completions.
    Completions,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
}

/// A request that can be said in other words.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// For an answer.
    Conversation(Client, Box<Request>),
    /// For vectors.
    Embeddings(EmbedRequest),
}

/// A whole answer as the client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it cost in tokens, if reported.
    pub usage: Option<Tokens>,
    /// Whether a content policy let nothing be said.
    pub is_refused: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// The dialect of a target, with what its server knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// OpenAI's chat completions.
    Chat(chat::ChatOptions),
    /// Anthropic's Messages.
    Messages(messages::MessagesOptions),
    /// Bedrock's Converse.
    Converse,
    /// Google's generateContent.
    Gemini(gemini::GeminiOptions),
    /// Cohere's chat, version 2.
    Cohere,
}

/// Reads the stream of a target.
#[derive(Debug)]
pub enum Reader {
    /// OpenAI's chat completions.
    Chat(chat::Reader),
    /// Anthropic's Messages.
    Messages(messages::Reader),
    /// Bedrock's Converse.
    Converse(converse::Reader),
    /// Google's generateContent.
    Gemini(gemini::Reader),
    /// Cohere's chat, version 2.
    Cohere(cohere::Reader),
}

/// Writes the stream of a client.
#[derive(Debug)]
pub enum Writer {
    /// OpenAI's chat completions.
    Chat(chat::Writer),
    /// OpenAI's legacy completions.
    Completions(completions::Writer),
    /// OpenAI's Responses.
    Responses(responses::Writer),
    /// Anthropic's Messages.
    Messages(messages::Writer),
}

// === impl Client ===

impl Client {
    /// What clients of `front` speak; `None` where nobody converses.
    pub const fn of(front: Front) -> Option<Self> {
        match front {
            Front::Chat => Some(Self::Chat),
            Front::Completions => Some(Self::Completions),
            Front::Responses => Some(Self::Responses),
            Front::Messages => Some(Self::Messages),
            Front::Embeddings | Front::CountTokens | Front::Other => None,
        }
    }

    /// Reads a request.
    ///
    /// # Errors
    /// What is not one in this dialect, with the place.
    pub fn read_request(self, body: &[u8]) -> Result<Request, Misread> {
        match self {
            Self::Chat => chat::read_request(body),
            Self::Completions => completions::read_request(body),
            Self::Responses => responses::read_request(body),
            Self::Messages => messages::read_request(body),
        }
    }

    /// Whether a request in this dialect means the same in `target`'s.
    ///
    /// # Errors
    /// What in it only a server of this dialect can do.
    pub fn fit_elsewhere(self, request: &Request, target: Dialect) -> Result<(), Unfit> {
        match self {
            Self::Chat => elsewhere::of_chat(request, target),
            Self::Messages => elsewhere::of_messages(request, target),
            Self::Completions => completions::fit_elsewhere(request, target),
            Self::Responses => responses::fit_elsewhere(request, target),
        }
    }

    /// Writes a whole answer to `request`.
    pub fn write_answer(self, answer: &Answer, request: &Request) -> Vec<u8> {
        match self {
            Self::Chat => chat::write_answer(answer, request),
            Self::Completions => completions::write_answer(answer, request),
            Self::Responses => responses::write_answer(answer, request),
            Self::Messages => messages::write_answer(answer, request),
        }
    }

    /// Writes the stream of an answer to `request`; `id_seed` makes the id where the provider gives none, `now_unix` is in
    /// seconds.
    pub fn writer(self, request: &Request, id_seed: u64, now_unix: u64) -> Writer {
        match self {
            Self::Chat => Writer::Chat(chat::Writer::new(request, id_seed, now_unix)),
            Self::Completions => {
                Writer::Completions(completions::Writer::new(request, id_seed, now_unix))
            }
            Self::Responses => {
                Writer::Responses(responses::Writer::new(request, id_seed, now_unix))
            }
            Self::Messages => Writer::Messages(messages::Writer::new(request, id_seed, now_unix)),
        }
    }
}

// === impl Ask ===

impl Ask {
    /// Reads a request of `front`; `None` where nothing can be said in other words.
    ///
    /// # Errors
    /// What is not one in that front's dialect, with the place.
    pub fn read(front: Front, body: &[u8]) -> Option<Result<Self, Misread>> {
        if front == Front::Embeddings {
            return Some(embeddings::read_request(body).map(Self::Embeddings));
        }
        let client = Client::of(front)?;
        let read = client.read_request(body);
        Some(read.map(|request| Self::Conversation(client, Box::new(request))))
    }

    /// Whether it can be said to `target`.
    ///
    /// # Errors
    /// What the target lacks.
    pub fn fit(&self, target: &Target) -> Result<(), Unfit> {
        match self {
            Self::Conversation(client, request) => client
                .fit_elsewhere(request, target.dialect())
                .and_then(|()| target.fit(request)),
            // Short, and there is nothing to it that is not looked at while it is written.
            Self::Embeddings(_) => self.write(target, "").map(drop),
        }
    }

    /// As `target` takes it, for `model`.
    ///
    /// # Errors
    /// What the target lacks.
    pub fn write(&self, target: &Target, model: &str) -> Result<Written, Unfit> {
        match (self, target) {
            (Self::Conversation(_, request), _) => target.write_request(request, model),
            (Self::Embeddings(request), Target::Gemini(_)) => {
                embeddings::write_gemini(request, model)
            }
            (Self::Embeddings(request), Target::Cohere) => embeddings::write_cohere(request, model),
            (Self::Embeddings(request), Target::Chat(_)) => {
                Ok(embeddings::write_request(request, model))
            }
            (Self::Embeddings(_), Target::Messages(_) | Target::Converse) => Err(Unfit {
                dialect: target.dialect(),
                what: "embeddings".to_owned(),
            }),
        }
    }

    /// The answer of `target` as the client reads it. `now_unix`, in seconds, is when it was made
    /// if the target does not say.
    ///
    /// # Errors
    /// What is no answer.
    pub fn answer(&self, target: &Target, body: &[u8], now_unix: u64) -> Result<Said, NotRead> {
        match self {
            Self::Conversation(client, request) => {
                let mut answer = target.read_answer(body)?;
                answer.created = answer.created.or(Some(now_unix));
                Ok(Said {
                    usage: answer.usage,
                    is_refused: answer.is_refused(),
                    body: client.write_answer(&answer, request),
                })
            }
            Self::Embeddings(request) => {
                let answer = match target {
                    Target::Gemini(_) => embeddings::read_gemini(body)?,
                    Target::Cohere => embeddings::read_cohere(body)?,
                    Target::Chat(_) | Target::Messages(_) | Target::Converse => {
                        embeddings::read_answer(body)?
                    }
                };
                let usage = answer.tokens.map(|input| Tokens {
                    input,
                    ..Tokens::default()
                });
                Ok(Said {
                    usage,
                    is_refused: false,
                    body: embeddings::write_answer(&answer, request),
                })
            }
        }
    }

    /// What reads the stream of `target` and what writes it to the client; `None` where nothing streams. `id_seed` and
    /// `now_unix` are [`Client::writer`]'s.
    pub fn stream(&self, target: &Target, id_seed: u64, now_unix: u64) -> Option<(Reader, Writer)> {
        match self {
            Self::Conversation(client, request) => {
                Some((target.reader(), client.writer(request, id_seed, now_unix)))
            }
            Self::Embeddings(_) => None,
        }
    }
}

// === impl Target ===

impl Target {
    /// The dialect.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Chat(_) => Dialect::Chat,
            Self::Converse => Dialect::Converse,
            Self::Messages(_) => Dialect::Messages,
            Self::Gemini(_) => Dialect::Gemini,
            Self::Cohere => Dialect::Cohere,
        }
    }

    /// Whether `request` can be said in this dialect.
    ///
    /// # Errors
    /// What it lacks.
    pub fn fit(&self, request: &Request) -> Result<(), Unfit> {
        match self {
            Self::Chat(options) => chat::fit(request, options),
            Self::Converse => converse::fit(request),
            Self::Messages(options) => messages::fit(request, options),
            Self::Gemini(options) => gemini::fit(request, options),
            Self::Cohere => cohere::fit(request),
        }
    }

    /// The request for `model`.
    ///
    /// # Errors
    /// What cannot be said in this dialect.
    pub fn write_request(&self, request: &Request, model: &str) -> Result<Written, Unfit> {
        match self {
            Self::Chat(options) => chat::write_request(request, model, options),
            Self::Converse => converse::write_request(request, model),
            Self::Messages(options) => messages::write_request(request, model, options),
            Self::Gemini(options) => gemini::write_request(request, model, options),
            Self::Cohere => cohere::write_request(request, model),
        }
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// What is none.
    pub fn read_answer(&self, body: &[u8]) -> Result<Answer, NotRead> {
        match self {
            Self::Chat(_) => chat::read_answer(body),
            Self::Converse => converse::read_answer(body),
            Self::Messages(_) => messages::read_answer(body),
            Self::Gemini(_) => gemini::read_answer(body),
            Self::Cohere => cohere::read_answer(body),
        }
    }

    /// Reads a stream.
    pub fn reader(&self) -> Reader {
        match self {
            Self::Chat(_) => Reader::Chat(chat::Reader::new()),
            Self::Converse => Reader::Converse(converse::Reader::new()),
            Self::Messages(_) => Reader::Messages(messages::Reader::new()),
            Self::Gemini(_) => Reader::Gemini(gemini::Reader::new()),
            Self::Cohere => Reader::Cohere(cohere::Reader::new()),
        }
    }
}

/// An error in the dialect of `front`, as a document.
pub fn write_error(front: Front, error: &ErrorBody) -> Vec<u8> {
    match front {
        Front::Messages | Front::CountTokens => messages::write_error(error),
        Front::Responses => responses::write_error(error),
        Front::Chat | Front::Completions | Front::Embeddings | Front::Other => {
            chat::write_error(error)
        }
    }
}

/// An error in the dialect of `front`, as the last event of a stream that passed as it came, after `events` others. It starts
/// with a line end of its own, since the stream may have broken off inside a line.
pub fn error_event(front: Front, error: &ErrorBody, events: u32) -> Vec<u8> {
    let document = match front {
        Front::Responses => responses::error_event(error, events),
        _ => write_error(front, error),
    };
    let begin: &[u8] = match front {
        Front::Responses | Front::Messages | Front::CountTokens => b"\n\nevent: error\ndata: ",
        Front::Chat | Front::Completions | Front::Embeddings | Front::Other => b"\n\ndata: ",
    };
    [begin, &document, b"\n\n"].concat()
}

// === impl Reader ===

impl Reader {
    /// Takes the next chunk of the body, cut anywhere.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<Piece>) {
        match self {
            Self::Chat(reader) => reader.push(chunk, out),
            Self::Converse(reader) => reader.push(chunk, out),
            Self::Messages(reader) => reader.push(chunk, out),
            Self::Gemini(reader) => reader.push(chunk, out),
            Self::Cohere(reader) => reader.push(chunk, out),
        }
    }

    /// The body is over.
    pub fn finish(&mut self, out: &mut Vec<Piece>) {
        match self {
            Self::Chat(reader) => reader.finish(out),
            Self::Converse(reader) => reader.finish(out),
            Self::Messages(reader) => reader.finish(out),
            Self::Gemini(reader) => reader.finish(out),
            Self::Cohere(reader) => reader.finish(out),
        }
    }
}

// === impl Writer ===

impl Writer {
    /// Writes `piece`: whole events.
    pub fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.piece(piece, out),
            Self::Completions(writer) => writer.piece(piece, out),
            Self::Responses(writer) => writer.piece(piece, out),
            Self::Messages(writer) => writer.piece(piece, out),
        }
    }

    /// Writes `error` as the stream's last event.
    pub fn error(&mut self, error: &ErrorBody, out: &mut Vec<u8>) {
        match self {
            Self::Chat(writer) => writer.error(error, out),
            Self::Completions(writer) => writer.error(error, out),
            Self::Responses(writer) => writer.error(error, out),
            Self::Messages(writer) => writer.error(error, out),
        }
    }
}
