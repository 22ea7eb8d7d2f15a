//! What is known of LiteLLM's names: its providers, and keys that have no counterpart.
//! Source: <https://docs.litellm.ai/docs/providers>, <https://docs.litellm.ai/docs/proxy/config_settings>, read 2026-11-29, and
//! the sources of litellm 1.109.1.

use super::super::section::Reasons;

/// A provider of LiteLLM's that has a kind here.
#[derive(Debug)]
pub(super) struct Known {
    /// What stands before the slash in `model`.
    pub(super) prefix: &'static str,
    pub(super) kind: &'static str,
    /// The variable that LiteLLM reads where no `api_key` is written; `None` where it needs none.
    pub(super) key: Option<&'static str>,
    /// Whether it has no address of its own.
    pub(super) needs_base: bool,
}

const fn known(
    prefix: &'static str,
    kind: &'static str,
    key: Option<&'static str>,
    needs_base: bool,
) -> Known {
    Known {
        prefix,
        kind,
        key,
        needs_base,
    }
}

pub(super) const PROVIDERS: &[Known] = &[
    known("openai", "openai", Some("OPENAI_API_KEY"), false),
    known(
        "text-completion-openai",
        "openai",
        Some("OPENAI_API_KEY"),
        false,
    ),
    known("azure", "azure", Some("AZURE_API_KEY"), false),
    known("azure_text", "azure", Some("AZURE_API_KEY"), false),
    known("anthropic", "anthropic", Some("ANTHROPIC_API_KEY"), false),
    known(
        "anthropic_text",
        "anthropic",
        Some("ANTHROPIC_API_KEY"),
        false,
    ),
    known("gemini", "gemini", Some("GEMINI_API_KEY"), false),
    known("vertex_ai", "vertex", None, false),
    known("vertex_ai_beta", "vertex", None, false),
    known(
        "bedrock",
        "bedrock",
        Some("AWS_BEARER_TOKEN_BEDROCK"),
        false,
    ),
    known(
        "bedrock_converse",
        "bedrock",
        Some("AWS_BEARER_TOKEN_BEDROCK"),
        false,
    ),
    known("cohere", "cohere", Some("COHERE_API_KEY"), false),
    known("cohere_chat", "cohere", Some("COHERE_API_KEY"), false),
    known("groq", "groq", Some("GROQ_API_KEY"), false),
    known("mistral", "mistral", Some("MISTRAL_API_KEY"), false),
    known("deepseek", "deepseek", Some("DEEPSEEK_API_KEY"), false),
    known("xai", "xai", Some("XAI_API_KEY"), false),
    known("together_ai", "together", Some("TOGETHERAI_API_KEY"), false),
    known(
        "fireworks_ai",
        "fireworks",
        Some("FIREWORKS_API_KEY"),
        false,
    ),
    known(
        "openrouter",
        "openrouter",
        Some("OPENROUTER_API_KEY"),
        false,
    ),
    known("cerebras", "cerebras", Some("CEREBRAS_API_KEY"), false),
    known(
        "perplexity",
        "perplexity",
        Some("PERPLEXITYAI_API_KEY"),
        false,
    ),
    known("nvidia_nim", "nvidia", Some("NVIDIA_NIM_API_KEY"), false),
    known("huggingface", "huggingface", Some("HF_TOKEN"), false),
    known("ollama", "ollama", None, false),
    known("ollama_chat", "ollama", None, false),
    known("hosted_vllm", "vllm", None, false),
    known("vllm", "vllm", None, false),
    known("lm_studio", "lm-studio", None, false),
    known("llamafile", "openai-compatible", None, true),
    known("openai_like", "openai-compatible", None, true),
    known("custom_openai", "openai-compatible", None, true),
    known(
        "litellm_proxy",
        "openai-compatible",
        Some("LITELLM_PROXY_API_KEY"),
        true,
    ),
];

/// How names of models begin that LiteLLM knows without a provider before them.
pub(super) const BARE: &[(&str, &str)] = &[
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("omni-moderation", "openai"),
    ("ft:", "openai"),
    ("claude-", "anthropic"),
    ("command", "cohere"),
    ("embed-", "cohere"),
    ("gemini-", "vertex_ai"),
];

/// Texts that people write where a server wants no key.
pub(super) const NO_KEYS: &[&str] = &[
    "",
    "none",
    "null",
    "empty",
    "dummy",
    "fake",
    "fake-key",
    "any",
    "anything",
    "not-needed",
    "no-key",
    "no-key-required",
    "sk-no-key-required",
    "ollama",
    "lm-studio",
    "na",
    "n/a",
];

const LIMIT: &str = "limits are not written down here: what a target takes is learned from its refusals and its queue";
const EJECTION: &str = "it needs no numbers here: three failures in a row, silence, or failing more than its peers take a target \
                        out, and it comes back by probes, step by step";
const ANSWERS: &str =
    "answers are not cached here; prompt caches of providers are kept warm by `sticky` on a route";
const REPLICAS: &str = "replicas share nothing here: each learns by itself";
const LOGGED: &str =
    "there are no callbacks: metrics are at /metrics of the admin address, logs on standard error";
const BOOKS: &str = "there is no database of LiteLLM's kind here, and what is in one is not read";
const MASTER: &str = "nobody has its rights here. Make a key for each client with `weighbridge keys new NAME`: with the \
    first one in the files clients need one; set admin.token for operators";
const CLIENTS: &str = "keys of clients are not carried over: who may ask is said anew";
const RETRIES: &str = "which failures are tried again is [defaults.retry] on_codes, and waits follow what providers ask for";
const UNASKED: &str = "it is done here without being asked for";
const COUNT: &str =
    "the number of retries belongs to a request: [defaults.retry] count, or a route's";

/// Keys of `litellm_params`.
pub(super) const PARAMS: &Reasons = &[
    ("max_parallel_requests", LIMIT),
    ("max_retries", COUNT),
    ("num_retries", COUNT),
    ("cooldown_time", EJECTION),
    ("allowed_fails*", EJECTION),
    ("retry_policy", RETRIES),
    ("max_budget", "budgets are not carried over"),
    ("budget_duration", "budgets are not carried over"),
    ("drop_params", UNASKED),
    (
        "mock_response",
        "a simulated provider is kind = \"simulated\" with a law",
    ),
    (
        "azure_ad_token*",
        "logins of Entra ID are not known; a token of it may be the api_key",
    ),
    (
        "tenant_id",
        "logins of Entra ID are not known; a token of it may be the api_key",
    ),
    (
        "client_id",
        "logins of Entra ID are not known; a token of it may be the api_key",
    ),
    (
        "client_secret",
        "logins of Entra ID are not known; a token of it may be the api_key",
    ),
    (
        "aws_*",
        "Bedrock is called with an API key here; for keys of AWS build with the feature `aws` and write credentials = \"aws\"",
    ),
    ("ssl_verify", "certificates are always verified"),
    ("max_tokens", "parameters of requests are the client's"),
    ("temperature", "parameters of requests are the client's"),
    ("top_p", "parameters of requests are the client's"),
    ("extra_body", "parameters of requests are the client's"),
    ("additional_drop_params", UNASKED),
    (
        "merge_reasoning_content_in_choices",
        "answers are passed on as the client's interface has them",
    ),
    (
        "extra_headers",
        "write headers under the provider, with ${NAME} in place of what is secret in them",
    ),
    (
        "headers",
        "write headers under the provider, with ${NAME} in place of what is secret in them",
    ),
    (
        "use_in_pass_through",
        "every provider is reached unread under /PROVIDER/",
    ),
    ("guardrails", "there are no guardrails here"),
    ("cache_control_injection_points", "prompts are not changed"),
];

/// Keys of `model_info`.
pub(super) const INFO: &Reasons = &[
    (
        "id",
        "a target is called by its name, and its books by provider/model",
    ),
    (
        "base_model",
        "the price of a deployment is written under [prices]",
    ),
    (
        "mode",
        "which interface a model is asked by follows from the request",
    ),
    (
        "health_check*",
        "targets are not asked beside requests; what is out is probed",
    ),
];

pub(super) const ROUTER: &Reasons = &[
    ("allowed_fails*", EJECTION),
    ("cooldown_time", EJECTION),
    ("disable_cooldowns", EJECTION),
    ("retry_after", RETRIES),
    ("retry_policy", RETRIES),
    ("model_group_retry_policy", RETRIES),
    ("enable_pre_call_checks", UNASKED),
    (
        "optional_pre_call_checks",
        "`sticky = \"conversation\"` on a route keeps conversations at one target",
    ),
    (
        "routing_strategy_args",
        "the controller has no such settings",
    ),
    ("enable_weighted_failover", UNASKED),
    ("max_fallbacks", COUNT),
    ("redis_*", REPLICAS),
    ("cache_responses", ANSWERS),
    ("cache_kwargs", ANSWERS),
    ("provider_budget_config", "budgets are not carried over"),
    (
        "enable_tag_filtering",
        "tags are carried over; a route says which ones it wants by `require` and `forbid`",
    ),
    ("polling_interval", "there is no queue of requests"),
    ("default_priority", "there is no queue of requests"),
    ("set_verbose", "what is logged says --log"),
    ("debug_level", "what is logged says --log"),
];

pub(super) const LITELLM: &Reasons = &[
    ("drop_params", UNASKED),
    ("modify_params", UNASKED),
    ("allowed_fails*", EJECTION),
    ("cooldown_time", EJECTION),
    ("cache*", ANSWERS),
    ("enable_caching*", ANSWERS),
    ("callbacks", LOGGED),
    ("success_callback", LOGGED),
    ("failure_callback", LOGGED),
    ("service_callback*", LOGGED),
    ("callback_settings", LOGGED),
    ("turn_off_message_logging", "prompts are never logged here"),
    ("redact_*", "prompts and keys are never logged here"),
    ("set_verbose", "what is logged says --log"),
    ("json_logs", "write --log-format json"),
    (
        "telemetry",
        "nothing is sent anywhere but to the providers in the file",
    ),
    ("max_budget", "budgets are not carried over"),
    ("budget_duration", "budgets are not carried over"),
    ("default_*", CLIENTS),
    ("upperbound_key_generate_params", CLIENTS),
    ("ssl_*", "certificates are always verified"),
    ("guardrails", "there are no guardrails here"),
];

pub(super) const GENERAL: &Reasons = &[
    ("master_key", MASTER),
    ("database_*", BOOKS),
    ("store_*", BOOKS),
    ("alerting*", "alerts are not carried over"),
    ("alert_*", "alerts are not carried over"),
    (
        "max_parallel_requests",
        "server.max_requests bounds requests under way, server.max_connections connections",
    ),
    (
        "global_max_parallel_requests",
        "server.max_requests bounds requests under way, server.max_connections connections",
    ),
    (
        "background_health_checks",
        "targets are not asked beside requests; what is out is probed",
    ),
    (
        "health_check*",
        "targets are not asked beside requests; what is out is probed",
    ),
    (
        "pass_through_endpoints",
        "every provider is reached unread under /PROVIDER/",
    ),
    ("ui_*", CLIENTS),
    ("custom_auth", CLIENTS),
    ("enable_jwt_auth", CLIENTS),
    ("litellm_jwtauth", CLIENTS),
];

pub(super) const TOP: &Reasons = &[
    (
        "environment_variables",
        "set the variables where the daemon is started",
    ),
    (
        "include",
        "included files are not followed: import each by itself",
    ),
    ("guardrails", "there are no guardrails here"),
    ("callback_settings", LOGGED),
    ("mcp_servers", "tool servers are the client's"),
    ("vector_store_registry", "vector stores are not known here"),
    (
        "finetune_settings",
        "files and batches pass unread under /PROVIDER/",
    ),
    (
        "files_settings",
        "files and batches pass unread under /PROVIDER/",
    ),
];
