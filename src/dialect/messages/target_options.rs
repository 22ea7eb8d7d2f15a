//! What one server knows of Messages.

/// What a server knows of Messages, as data of its preset. The default is Anthropic's own, for models that take a budget of
/// thoughts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagesOptions {
    /// `max_tokens` of a request whose client gave none, in tokens: Anthropic requires one. Thoughts come on top of it
    /// where they need room.
    pub max_output: u64,
    /// Whether `output_config.format` and `strict` tools are known.
    pub structured_outputs: bool,
    /// Whether the model decides by itself how much it thinks (`thinking: {type: adaptive}` with `output_config.effort`),
    /// as models from Claude 4.6 on do. Those from 4.7 on refuse a budget.
    pub adaptive_thinking: bool,
}

impl Default for MessagesOptions {
    fn default() -> Self {
        Self {
            max_output: 8192,
            structured_outputs: true,
            adaptive_thinking: false,
        }
    }
}
