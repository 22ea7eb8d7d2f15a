//! What one server knows of chat completions.

/// What a server knows of chat completions, as data of its preset. The default is OpenAI's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member that a server knows or not"
)]
pub struct ChatOptions {
    /// The key that bounds the answer.
    pub max_tokens: MaxTokensKey,
    /// Whether the role `developer` is known; it is written as `system` where not.
    pub developer: bool,
    /// Whether `stream_options.include_usage` is known. Where it is, it is always asked for.
    pub stream_usage: bool,
    /// Which answers of JSON can be asked for.
    pub schemas: Schemas,
    /// Whether `strict` of tools and schemas is known.
    pub strict: bool,
    /// Whether a message's content may be a list of texts; if not they are joined by blank lines.
    pub text_lists: bool,
    /// Whether `cache_control` is known on parts and tools.
    pub cache_control: bool,
    /// How past thoughts are sent back.
    pub past_reasoning: PastReasoning,
    /// How much to think is said.
    pub thinking: ThinkingKey,
    /// Whether `top_k` is known, as open servers do.
    pub top_k: bool,
    /// Whether members that are not OpenAI's are taken without an error.
    pub any_extra: bool,
    /// Members at the top level that are left out, each by its key in the body; those left out are named.
    pub drop: Vec<String>,
}

/// The key that bounds an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxTokensKey {
    /// `max_tokens`: what all servers began with.
    MaxTokens,
    /// `max_completion_tokens`: OpenAI's since its models reason.
    #[default]
    MaxCompletionTokens,
}

/// Which answers of JSON can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schemas {
    /// `json_schema` and `json_object`.
    #[default]
    Known,
    /// Only `json_object`: a request with a schema does not fit.
    ObjectOnly,
    /// Neither.
    None,
}

/// How past thoughts are sent back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PastReasoning {
    /// Not at all: OpenAI's chat completions take none. They are left out and named.
    #[default]
    Drop,
    /// As `reasoning_content`, text alone: DeepSeek, Moonshot, vLLM.
    Content,
    /// As `reasoning_details` with signatures: OpenRouter.
    Details,
}

/// How much to think is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThinkingKey {
    /// `reasoning_effort`: one word.
    #[default]
    Effort,
    /// `reasoning: {effort, max_tokens}`: OpenRouter.
    Object,
    /// Not at all: left out and named.
    Drop,
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            max_tokens: MaxTokensKey::default(),
            developer: true,
            stream_usage: true,
            schemas: Schemas::default(),
            strict: true,
            text_lists: true,
            cache_control: false,
            past_reasoning: PastReasoning::default(),
            thinking: ThinkingKey::default(),
            top_k: false,
            any_extra: false,
            drop: Vec::new(),
        }
    }
}

impl ChatOptions {
    /// A server of the older form, as most compatible ones are: `max_tokens`, no `developer`, and unknown members pass.
    pub fn compatible() -> Self {
        Self {
            max_tokens: MaxTokensKey::MaxTokens,
            developer: false,
            past_reasoning: PastReasoning::Content,
            top_k: true,
            any_extra: true,
            ..Self::default()
        }
    }
}
