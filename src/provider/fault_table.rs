//! The table from what an error says to what it means. The first row that fits decides.
//!
//! Rows stand in this order because names and words are more exact than statuses, and because some errors are several
//! things at once: a quota of a day is also a rate limit, a model without capacity is also an exhausted resource, and a
//! forbidden input is also forbidden. Names and words are in lower case here, as [`Evidence`] has them.
//!
//! Sources are of 2026-11-24. "Recorded answer" is one that the provider really gave, of which the tests have one of the
//! same shape; "as clients match it" is a code or a sentence for which several published clients look, while the
//! provider's own page was not at hand. `botocore 1.44.5` is Amazon's published model of the Bedrock runtime.

use super::evidence::{Came, Evidence};
use crate::model::{Outcome, Phase};

/// A row: an error from `on` with `mark` is `means`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    on: On,
    mark: Mark,
    /// What it means.
    pub(super) means: Outcome,
    /// What it says of the target.
    pub(super) asks: Asks,
    /// Who says so, and where that is written.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for readers of the table and for its tests")
    )]
    pub(super) source: &'static str,
}

/// Whom a row spares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// The target, for as long as the answer says.
    AsSaid,
    /// Nobody: it was this request, and the next may go at once.
    Nothing,
}

/// Which statuses a row is about. An error inside an answer often has none.
#[derive(Clone, Copy, Debug)]
enum On {
    /// 400 to 499, or none.
    Refusal,
    /// 400 to 599, or none.
    Error,
    /// One of these.
    Status(&'static [u16]),
    /// 400 to 499.
    Any4xx,
    /// 500 to 599.
    Any5xx,
    /// None.
    NoStatus,
}

impl On {
    fn fits(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::Error, _) | (Self::Refusal | Self::NoStatus, None) => true,
            (Self::Refusal | Self::Any4xx, Some(status)) => (400..500).contains(&status),
            (Self::Any5xx, Some(status)) => (500..600).contains(&status),
            (Self::Status(listed), Some(status)) => listed.contains(&status),
            (Self::NoStatus, Some(_)) | (Self::Any4xx | Self::Any5xx | Self::Status(_), None) => {
                false
            }
        }
    }
}

/// What a row goes by.
#[derive(Clone, Copy, Debug)]
enum Mark {
    /// The status alone.
    Nothing,
    /// A name is one of these.
    Named(&'static [&'static str]),
    /// A name contains this.
    NameHas(&'static str),
    /// The words contain one of these.
    Says(&'static [&'static str]),
    /// The words contain all of these.
    SaysAll(&'static [&'static str]),
    /// `retry-after` or `retry-after-ms` is there.
    AsksToWait,
    /// It came inside an answer.
    Inside,
}

impl Mark {
    fn fits(self, evidence: &Evidence) -> bool {
        let says = |words: &&str| evidence.words.contains(words);
        match self {
            Self::Nothing => true,
            Self::Named(names) => names.iter().any(|name| evidence.is_named(name)),
            Self::NameHas(part) => evidence.names.iter().any(|name| name.contains(part)),
            Self::Says(phrases) => phrases.iter().any(says),
            Self::SaysAll(phrases) => phrases.iter().all(says),
            Self::AsksToWait => evidence.asks_to_wait,
            Self::Inside => evidence.came == Came::Inside,
        }
    }
}

/// The row that decides. Statuses from 400 to 599 and none at all have one for certain: the last rows take what is left.
pub(super) fn row_for(evidence: &Evidence) -> Option<&'static Row> {
    let fits = |row: &&Row| row.on.fits(evidence.status) && row.mark.fits(evidence);
    ROWS.iter().find(fits)
}

const fn row(on: On, mark: Mark, means: Outcome, source: &'static str) -> Row {
    Row {
        on,
        mark,
        means,
        asks: Asks::AsSaid,
        source,
    }
}

#[rustfmt::skip]
mod rows {
    use super::Mark::{AsksToWait, Inside, NameHas, Named, Nothing, Says, SaysAll};
    use super::On::{Any4xx, Any5xx, Error, NoStatus, Refusal, Status};
    use super::Outcome::{
        Auth, ClientFault, ContentFiltered, ContextTooLong, NoSuchModel, Overloaded, QuotaExhausted, RateLimited,
        ServerError, Timeout,
    };
    use super::{Asks, Phase, Row, row};

    /// The table. A static, so that a row is one place.
    pub(in super::super) static ROWS: &[Row] = &[
        // Money, and quotas that last: waiting a minute will not help.
        row(Refusal, Named(&["insufficient_quota"]), QuotaExhausted,
            "OpenAI 429: recorded answer"),
        row(Refusal, Named(&["credit_balance_exhausted", "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded", "organization_usage_limit_exceeded"]), QuotaExhausted,
            "OpenAI 429: https://platform.openai.com/docs/guides/error-codes, as clients match it"),
        row(Refusal, Named(&["exceeded_current_quota_error"]), QuotaExhausted,
            "Moonshot 429, as clients match it"),
        row(Refusal, NameHas("billing"), QuotaExhausted,
            "OpenAI billing_hard_limit_reached, billing_not_active 400 and 429, Anthropic billing_error 402, as clients match it"),
        row(Refusal, Says(&["credit balance is too low"]), QuotaExhausted,
            "Anthropic 400 invalid_request_error: https://github.com/anthropics/claude-code/issues/88711"),
        row(Refusal, Says(&["reached your specified api usage limits"]), QuotaExhausted,
            "Anthropic 400 invalid_request_error: https://github.com/anthropics/claude-code/issues/38035"),
        row(Refusal, Says(&["used all available credits", "you have run out of credits"]), QuotaExhausted,
            "xAI 429 and 403: https://github.com/continuedev/continue/issues/10740, https://github.com/Anantys-oss/koan/issues/2412"),
        row(Refusal, Named(&["servicequotaexceededexception"]), QuotaExhausted,
            "Bedrock 400: botocore 1.44.5"),
        row(Refusal, Says(&["too many tokens per day"]), QuotaExhausted,
            "Bedrock 429 ThrottlingException, without a wait: https://github.com/Ivy-Interactive/Ivy-Tendril/issues/1756"),
        row(Refusal, NameHas("perday"), QuotaExhausted,
            "Gemini 429, quotaId of a violation; its retryDelay is seconds all the same: https://github.com/google-gemini/gemini-cli/issues/8437"),
        row(Refusal, Named(&["openrouter_free_tier_daily", "openrouter_credits", "openrouter_key_limit"]), QuotaExhausted,
            "OpenRouter limit_source: https://openrouter.ai/docs/api/reference/errors-and-debugging"),
        row(Refusal, Says(&["free-models-per-day"]), QuotaExhausted,
            "OpenRouter 429: https://github.com/Gitlawb/openclaude/issues/936"),
        row(Refusal, Says(&["api calls / month"]), QuotaExhausted,
            "Cohere 429 with a trial key: https://docs.cohere.com/docs/rate-limits, the words as clients match them"),
        row(Refusal, Says(&["insufficient balance"]), QuotaExhausted,
            "DeepSeek 402, also in a stream: https://platform.deepseek.com/api-docs/quick_start/error_codes"),
        row(Status(&[402]), Nothing, QuotaExhausted,
            "DeepSeek, OpenRouter, Together: https://docs.together.ai/docs/error-codes, https://openrouter.ai/docs/api/reference/errors-and-debugging"),

        // Policies about content.
        row(Refusal, Named(&["content_filter", "content_policy_violation", "image_content_policy_violation",
                "moderation_blocked", "bio_policy", "responsibleaipolicyviolation"]), ContentFiltered,
            "OpenAI, Azure OpenAI 400: recorded answer; openai-openapi f85dbe2, ResponseErrorCode"),
        row(Refusal, Says(&["content management policy"]), ContentFiltered,
            "Azure OpenAI 400, through gateways that drop the code: recorded answer"),
        row(Refusal, Says(&["prompt was flagged as potentially violating"]), ContentFiltered,
            "OpenAI 400 invalid_prompt: https://github.com/BeehiveInnovations/pal-mcp-server/issues/178"),
        row(Refusal, Says(&["output blocked by content filtering policy"]), ContentFiltered,
            "Anthropic 400, also in a stream: https://github.com/anthropics/claude-code/issues/58367"),
        row(Refusal, Says(&["content violates usage guidelines"]), ContentFiltered,
            "xAI 403: https://github.com/UKGovernmentBEIS/inspect_ai/pull/2267"),
        row(Refusal, Says(&["content exists risk"]), ContentFiltered,
            "DeepSeek 400: https://github.com/666ghj/BettaFish/issues/108"),
        row(Refusal, Named(&["flagged_input"]), ContentFiltered,
            "OpenRouter 403 with metadata: https://openrouter.ai/docs/api/reference/errors-and-debugging"),

        // Longer than the model takes.
        row(Refusal, Named(&["context_length_exceeded"]), ContextTooLong,
            "OpenAI, Groq, Cerebras, OpenRouter 400: recorded answer"),
        row(Refusal, Named(&["exceed_context_size_error"]), ContextTooLong,
            "llama.cpp 400, as clients match it"),
        row(Refusal, Named(&["too_many_tokens", "too_many_prompt_tokens"]), ContextTooLong,
            "Cohere error_type, Perplexity type: recorded answers"),
        row(Refusal, Says(&["too many tokens: total number", "too many tokens: size limit exceeded"]), ContextTooLong,
            "Cohere 400 without a type: https://docs.cohere.com/reference/errors"),
        row(Refusal, Says(&["maximum context length", "exceeds the context window"]), ContextTooLong,
            "OpenRouter, vLLM and most that speak OpenAI's language, 400; OpenAI Responses: recorded answers"),
        row(Refusal, Says(&["prompt is too long", "exceed context limit"]), ContextTooLong,
            "Anthropic 400: https://github.com/anthropics/claude-code/issues/11281, the second as clients match it"),
        row(Refusal, Says(&["maximum prompt length is"]), ContextTooLong,
            "xAI 400: https://github.com/cline/cline/issues/3120"),
        row(Refusal, SaysAll(&["input token count", "exceeds the maximum number of tokens"]), ContextTooLong,
            "Gemini, Vertex 400 INVALID_ARGUMENT: recorded answer"),
        row(Refusal, Says(&["input is too long for requested model", "input tokens exceeded"]), ContextTooLong,
            "Bedrock 400 ValidationException: recorded answer"),
        row(Refusal, Says(&["exceeds the available context size"]), ContextTooLong,
            "llama.cpp 400, as clients match it"),
        row(Refusal, Says(&["longer than the maximum model length", "too long to fit into the model"]), ContextTooLong,
            "vLLM 400: https://github.com/unslothai/unsloth/issues/2666, https://github.com/vllm-project/vllm/issues/12165"),
        row(Refusal, Says(&["exceeded model token limit"]), ContextTooLong,
            "Moonshot 400: https://github.com/MoonshotAI/kimi-cli/issues/2011"),
        row(Refusal, Says(&["must be less than the context length"]), ContextTooLong,
            "Together 403: https://docs.together.ai/docs/error-codes"),

        // What only looks like a missing model: the state of a conversation that is not there.
        row(Status(&[400, 404]), Named(&["previous_response_not_found"]), ClientFault,
            "OpenAI Responses, as clients match it"),
        row(Status(&[400, 404]), Says(&["previous response with id", "item with id", "no such file object", "file not found"]), ClientFault,
            "OpenAI Responses and files, Anthropic files, as clients match it"),

        // No such model there: the operator's typing, or a model that was withdrawn.
        row(Refusal, Named(&["model_not_found"]), NoSuchModel,
            "OpenAI 404, 403 and 400, Groq 404: recorded answers"),
        row(Refusal, Named(&["deploymentnotfound", "operationnotsupported", "unknown_model"]), NoSuchModel,
            "Azure OpenAI 404 and 400, GitHub Models: recorded answer, the others as clients match them"),
        row(Refusal, Named(&["model_decommissioned"]), NoSuchModel,
            "Groq 400, as clients match it"),
        row(Refusal, Named(&["invalid_model"]), NoSuchModel,
            "Mistral 400, code 1500, as clients match it"),
        row(Refusal, Named(&["resourcenotfoundexception"]), NoSuchModel,
            "Bedrock 404: botocore 1.44.5"),
        row(Refusal, Says(&["provided model identifier is invalid"]), NoSuchModel,
            "Bedrock 400 ValidationException: recorded answer"),
        row(Refusal, SaysAll(&["invocation of model id", "on-demand throughput isn"]), NoSuchModel,
            "Bedrock 400 ValidationException: https://github.com/anthropics/claude-code/issues/1466"),
        row(Refusal, Named(&["not_found_error", "not_found", "notfounderror"]), NoSuchModel,
            "Anthropic, Gemini, vLLM 404: recorded answers"),

        // Our credential, or what it may do.
        row(Refusal, Named(&["authentication_error", "permission_error", "invalid_api_key"]), Auth,
            "Anthropic, OpenAI, DeepSeek 401 and 403: recorded answers"),
        row(Refusal, Named(&["unauthenticated", "permission_denied", "api_key_invalid"]), Auth,
            "Gemini, Vertex 400, 401 and 403: recorded answers; googleapis google/rpc/code.proto"),
        row(Refusal, Says(&["api key not valid", "api key expired", "user location is not supported"]), Auth,
            "Gemini 400: recorded answer, the others as clients match them"),
        row(Refusal, Named(&["accessdeniedexception", "unrecognizedclientexception", "expiredtokenexception",
                "invalidsignatureexception", "missingauthenticationtokenexception", "incompletesignature",
                "invalidclienttokenid", "notauthorized", "requestexpired"]), Auth,
            "Bedrock 400 and 403: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html; recorded answers"),
        row(Refusal, Says(&["incorrect api key provided"]), Auth,
            "xAI 400: recorded answer"),
        row(Refusal, Named(&["organization_restricted"]), Auth,
            "Groq 400, as clients match it"),
        row(Status(&[401, 403, 407]), Nothing, Auth,
            "everybody: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2"),
        row(Status(&[404, 405, 410]), Nothing, NoSuchModel,
            "everybody: the path or the model is the operator's"),

        // It is there and cannot take it now.
        row(Error, Named(&["overloaded_error"]), Overloaded,
            "Anthropic 529, also in a stream: recorded answers"),
        row(Error, Named(&["server_is_overloaded", "slow_down"]), Overloaded,
            "OpenAI in a stream, 503 and 429: recorded answer, the second as clients match it"),
        row(Error, Says(&["currently overloaded", "model is overloaded", "server overloaded", "engine overloaded"]), Overloaded,
            "OpenAI, Gemini, DeepSeek, Together 503: recorded answers, https://docs.together.ai/docs/error-codes"),
        row(Error, Named(&["engine_overloaded_error"]), Overloaded,
            "Moonshot 429: https://github.com/MoonshotAI/MoonshotAI-Cookbook/issues/16"),
        row(Error, Says(&["currently experiencing high demand"]), Overloaded,
            "Azure OpenAI 429, Gemini 503: https://github.com/pollinations/pollinations/issues/6260"),
        row(Error, Named(&["model_capacity_exhausted"]), Overloaded,
            "Gemini 429 RESOURCE_EXHAUSTED: https://github.com/google-gemini/gemini-cli/issues/26633"),
        row(Error, Named(&["modelnotreadyexception", "serviceunavailableexception", "serviceunavailable"]), Overloaded,
            "Bedrock 429 and 503: https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html"),
        row(Error, Says(&["service tier capacity exceeded"]), Overloaded,
            "Mistral 429, as invalid_request_error: https://github.com/continuedev/continue/issues/6185"),
        row(Status(&[498]), Nothing, Overloaded,
            "Groq, flex tier without capacity: https://github.com/laravel/ai/pull/925"),
        row(Error, Named(&["queue_exceeded"]), Overloaded,
            "Cerebras 429, as clients match it"),
        row(Error, Named(&["overloaded"]), Overloaded,
            "text-generation-inference 429: its router's own description, router/src/server.rs"),
        row(Error, Named(&["unavailable_error"]), Overloaded,
            "llama.cpp 503 while it loads: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md"),
        row(Error, Says(&["is currently loading"]), Overloaded,
            "Hugging Face 503 with estimated_time, as clients match it"),
        row(Error, Says(&["server busy, please try again"]), Overloaded,
            "Ollama 503: its server/sched.go"),
        row(Status(&[529]), Nothing, Overloaded,
            "Anthropic: https://learn.microsoft.com/en-us/microsoft-cloud/dev/dev-proxy/concepts/anthropic-529-overloaded-error"),
        row(Status(&[503]), AsksToWait, Overloaded,
            "everybody: https://www.rfc-editor.org/rfc/rfc9110#section-15.6.4"),
        row(Status(&[503]), Inside, Overloaded,
            "OpenRouter in a stream: https://openrouter.ai/docs/api/reference/errors-and-debugging"),

        // More than a limit for now. One request that is larger than the whole limit says nothing about the next.
        Row { asks: Asks::Nothing, ..row(Refusal, SaysAll(&["request too large", "tokens per min"]), RateLimited,
            "OpenAI 429, Groq 413: https://github.com/HunorLaczko/ha-groq-cloud-api/issues/27; recorded answer") },
        row(Refusal, Named(&["rate_limit_exceeded", "rate_limit_error", "ratelimitreached", "rate_limit_reached_error"]), RateLimited,
            "OpenAI, Anthropic, Azure OpenAI, Groq, Moonshot 429, also in a stream: recorded answers"),
        row(Refusal, Named(&["resource_exhausted", "ratelimitexceeded"]), RateLimited,
            "Gemini, Vertex 429: recorded answer"),
        row(Refusal, Named(&["throttlingexception", "toomanyrequestsexception"]), RateLimited,
            "Bedrock 429, also in a stream: recorded answer"),
        row(Refusal, Named(&["rate_limited", "too_many_requests", "too_many_requests_error",
                "request_quota_exceeded", "token_quota_exceeded"]), RateLimited,
            "Mistral, Cerebras 429: https://github.com/nminaya/grammar-nazi-bot/issues/958; recorded answer"),
        row(Status(&[429]), Nothing, RateLimited,
            "everybody: https://www.rfc-editor.org/rfc/rfc6585#section-4"),
        row(NoStatus, Says(&["rate limit", "too many requests", "too many tokens, please wait"]), RateLimited,
            "gateways that pass only the words into a stream"),

        // Its own time ran out.
        row(Error, Named(&["timeout_error"]), Timeout(Phase::Header),
            "Anthropic 504: https://spinchange.github.io/vulture-nest/anthropic-error-handling.html, after Anthropic's page"),
        row(Error, Named(&["modeltimeoutexception"]), Timeout(Phase::Header),
            "Bedrock 408: botocore 1.44.5"),
        row(Error, Named(&["deadline_exceeded"]), Timeout(Phase::Header),
            "Gemini 504: googleapis google/rpc/code.proto"),
        row(Status(&[408]), Nothing, Timeout(Phase::Header),
            "OpenRouter and everybody: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9"),

        // Its fault, whatever the status says.
        row(Error, Named(&["modelerrorexception", "modelstreamerrorexception"]), ServerError,
            "Bedrock 424, also in a stream: botocore 1.44.5"),
        row(Error, Named(&["cancelled"]), ServerError,
            "Gemini 499 for a request that nobody here cancelled: googleapis google/rpc/code.proto"),

        // The rest by its status. Anthropic's request_too_large (413) is here: a limit in bytes of its door, not the model's.
        row(Any4xx, Nothing, ClientFault,
            "everybody: https://www.rfc-editor.org/rfc/rfc9110#section-15.5"),
        row(Any5xx, Nothing, ServerError,
            "everybody: https://www.rfc-editor.org/rfc/rfc9110#section-15.6"),
        row(NoStatus, Named(&["invalid_request_error", "invalid_prompt", "invalid_argument", "validationexception"]), ClientFault,
            "OpenAI, Anthropic, Gemini, Bedrock in a stream: recorded answers, openai-openapi f85dbe2, botocore 1.44.5"),
        row(NoStatus, NameHas("image"), ClientFault,
            "OpenAI Responses in a stream, pictures that cannot be read: openai-openapi f85dbe2, ResponseErrorCode"),
        row(NoStatus, Nothing, ServerError,
            "an error that says nothing of itself is its server's"),
    ];
}

pub(super) use rows::ROWS;

#[cfg(test)]
#[path = "fault_table_tests.rs"]
mod tests;
