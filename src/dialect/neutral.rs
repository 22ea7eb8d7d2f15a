//! A request, an answer and a stream in no provider's words.
//!
//! The form is the union of what the dialects can say, not their intersection: whatever one side said and another could
//! take is kept. What nobody here knows is carried along as it came ([`Request::extra`], [`Part::Other`]) and never lost in
//! silence.

use serde_json::{Map, Value};

use crate::wire::Reported;

mod answer;

pub use answer::{Answer, Block, Choice, Delta, Finish, Piece};

/// JSON members that have no place of their own in this form, in their order.
pub type Extra = Map<String, Value>;

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's legacy completions: one prompt, one text.
    Completions,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Messages,
    /// Google's generateContent, of AI Studio and of Vertex.
    Gemini,
    /// Bedrock's Converse.
    Converse,
    /// Cohere's chat, version 2.
    Cohere,
}

/// A request for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The client's `model`.
    pub model: String,
    /// Whether the answer is to come in pieces.
    pub stream: bool,
    /// Whether the client wants token counts at the end of its stream, in dialects where that is a choice.
    pub include_usage: bool,
    /// The conversation, system and developer messages in their places.
    pub messages: Vec<Message>,
    /// Functions that the model may call.
    pub tools: Vec<Tool>,
    /// Which of them it must or may call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The form of its answer.
    pub output: Output,
    /// Bounds and luck.
    pub sampling: Sampling,
    /// How much it is to think.
    pub reasoning: Option<Thinking>,
    /// An end user's id, opaque.
    pub user: Option<String>,
    /// Members of the client's own that providers store with the answer.
    pub metadata: Option<Value>,
    /// The client's members that have no place here. They are written at the top level of the target's body if the
    /// target may know them, and named to the client if not.
    pub extra: Extra,
}

/// Bounds and luck of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// Most tokens of the answer, reasoning included where the provider counts it so.
    pub max_tokens: Option<u64>,
    /// 0 to 2 in OpenAI's scale.
    pub temperature: Option<f64>,
    /// Nucleus, 0 to 1.
    pub top_p: Option<f64>,
    /// Only the likeliest tokens.
    pub top_k: Option<u64>,
    /// For answers that repeat.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers; `None` is one.
    pub n: Option<u64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// Whether the tokens' probabilities are wanted.
    pub logprobs: bool,
    /// How many alternatives of each.
    pub top_logprobs: Option<u64>,
    /// Bias by token.
    pub logit_bias: Option<Value>,
}

/// How much a model is to think before it answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thinking {
    /// `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or a provider's own word.
    pub effort: Option<String>,
    /// Most tokens of it; 0 is none.
    pub budget: Option<u64>,
    /// Whether its text or a summary of it is wanted in the answer: the word of the client, for example `auto`.
    pub summary: Option<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Standing instructions.
    System,
    /// Standing instructions, in the word of OpenAI's newer models.
    Developer,
    /// The person or program in front of the model.
    User,
    /// The model.
    Assistant,
    /// A tool's result. Its parts are [`Part::ToolResult`]s.
    Tool,
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// The speaker's name.
    pub name: Option<String>,
    /// Members without a place here.
    pub extra: Extra,
}

/// A part of a message or of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text(Text),
    /// An image.
    Image(Media),
    /// Sound.
    Audio(Media),
    /// A document.
    File(Media),
    /// A call that the model makes.
    ToolCall(ToolCall),
    /// What a call gave.
    ToolResult(ToolResult),
    /// The model's thoughts.
    Reasoning(Reasoning),
    /// That the model will not answer.
    Refusal(String),
    /// A part that only one dialect knows, as it came.
    Other(Dialect, Value),
}

/// Text with what hangs on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// A mark that the prompt up to here is to be cached: Anthropic's `cache_control`, as it came.
    pub cache: Option<Value>,
    /// Annotations or citations, as they came.
    pub annotations: Option<Value>,
}

/// An image, a sound or a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// Where it is.
    pub source: Source,
    /// For example `image/png`; OpenAI's `format` of sound is written `audio/wav`.
    pub media_type: Option<String>,
    /// A file's name or title.
    pub name: Option<String>,
    /// OpenAI's `detail` of an image.
    pub detail: Option<String>,
    /// As for [`Text::cache`].
    pub cache: Option<Value>,
}

/// Where a medium is.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Here, in base64.
    Base64(String),
    /// At an address that the provider fetches.
    Url(String),
    /// At the provider, under an id that only it knows.
    Id(String),
    /// Plain text of a document.
    Text(String),
}

/// A call of a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCall {
    /// Ties the result to it. Dialects without ids get one made of its place.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, JSON as text; the empty object if there are none.
    pub arguments: String,
    /// What the provider wants back with it, opaque (Gemini's thought signature).
    pub signature: Option<String>,
    /// As for [`Text::cache`].
    pub cache: Option<Value>,
}

/// What a call gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The tool, where known: from the call of the same id earlier in the conversation.
    pub name: Option<String>,
    /// Text and images.
    pub content: Vec<Part>,
    /// Whether the call failed.
    pub is_error: bool,
    /// As for [`Text::cache`].
    pub cache: Option<Value>,
}

/// Thoughts of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasoning {
    /// What may be read of them; may be empty.
    pub text: String,
    /// The provider's proof that they are its own: Anthropic's `signature`, Gemini's `thoughtSignature`, and so on.
    pub signature: Option<String>,
    /// Thoughts that cannot be read: Anthropic's `redacted_thinking.data`, Responses' `encrypted_content`.
    pub sealed: Option<String>,
    /// The item's id, where the dialect has one.
    pub id: Option<String>,
    /// Whether `text` is the provider's summary rather than the thoughts themselves.
    pub is_summary: bool,
}

/// A function that a model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function of the client's.
    Function(Function),
    /// A tool that runs at the provider and that only one dialect knows, as it came.
    Other(Dialect, Value),
}

/// A function of the client's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// JSON schema of its arguments, in the order that it was written.
    pub parameters: Option<Value>,
    /// Whether the arguments must match the schema exactly.
    pub strict: Option<bool>,
    /// As for [`Text::cache`].
    pub cache: Option<Value>,
}

/// Which tool is to be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As the model likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
}

/// The form of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Output {
    /// Text.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// The schema's name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether the answer must match it exactly.
        strict: Option<bool>,
    },
}

/// A request as a target's body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// The body: JSON.
    pub body: Vec<u8>,
    /// Members of the client's that this dialect cannot say and the answer can do without, in the client's spelling where
    /// that is known. They are named in a header of the answer.
    pub dropped: Vec<String>,
}

/// Why a request cannot be said in a dialect: the target is not eligible for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{dialect:?} has no {what}")]
pub struct Unfit {
    /// The target's dialect.
    pub dialect: Dialect,
    /// What it lacks, for people: "images by address", "n above 1".
    pub what: String,
}

/// A body that is not in its dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}{}expected {expected}, found {found}", if .at.is_empty() { "" } else { ": " })]
pub struct Misread {
    /// Where, for example `messages[2].content[0].type`; empty for the whole body.
    pub at: String,
    /// What was expected.
    pub expected: String,
    /// What was found; never a secret or a long text.
    pub found: String,
}

impl Request {
    /// The name of the tool that was called under `id` earlier in the conversation.
    pub fn tool_of(&self, id: &str) -> Option<&str> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.into_iter().find_map(|part| match part {
            Part::ToolCall(call) if call.id == id => Some(call.name.as_str()),
            _ => None,
        })
    }
}

impl Text {
    /// Text with nothing on it.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Why a document is not an answer in its dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It is an error of the provider's under a status of success; for judging, not printed.
    #[error("expected an answer, found an error with a status of success")]
    Reported(Reported),
    /// It is something else.
    #[error("expected an answer: {0}")]
    Other(Misread),
}
