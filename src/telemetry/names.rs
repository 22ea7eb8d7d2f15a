//! All metrics, in one place: what dashboards and alerts are written against.
//!
//! Counters get `_total` and units their name as a suffix when they are printed, as `OpenMetrics` asks.

/// What all names begin with.
pub(super) const PREFIX: &str = "weighbridge";

/// A metric's name, without prefix and suffixes, and its one line of help.
pub(super) struct Name(pub(super) &'static str, pub(super) &'static str);

/// Counter.
pub(super) const REQUESTS: Name = Name(
    "requests",
    "Requests that ended, by the HTTP status the client saw (499 if it left)",
);
/// Counter.
pub(super) const ERRORS: Name = Name(
    "errors",
    "Requests that ended in an error, a cut stream or the client's leaving, by kind",
);
/// Counter.
pub(super) const ATTEMPTS: Name = Name(
    "attempts",
    "Calls to targets that ended, retries included, by outcome",
);
/// Counter.
pub(super) const BUDGET_SPENT: Name = Name(
    "retry_budget_spent",
    "Requests that ended with their last failure because the retry budget of the process was spent",
);
/// Histogram in seconds, of OpenTelemetry's conventions as all that begin with `gen_ai`; these have no prefix of ours.
pub(super) const OPERATION_DURATION: Name = Name(
    "gen_ai_client_operation_duration",
    "Calls to targets, from sending to the last byte, retries included",
);
/// Histogram.
pub(super) const TOKEN_USAGE: Name = Name(
    "gen_ai_client_token_usage",
    "Input and output tokens of a call, as the provider counted them",
);
/// Histogram in seconds.
pub(super) const FIRST_CHUNK: Name = Name(
    "gen_ai_client_operation_time_to_first_chunk",
    "From sending a call to a target to the first content of its stream",
);
/// Histogram in seconds.
pub(super) const PER_OUTPUT_TOKEN: Name = Name(
    "gen_ai_server_time_per_output_token",
    "Time of a stream after its first content, for each further output token that the provider counted",
);
/// Histogram in seconds.
pub(super) const REQUEST_DURATION: Name = Name(
    "gen_ai_server_request_duration",
    "From a request's head to the last byte of its answer, over all attempts",
);
/// Histogram in seconds.
pub(super) const FIRST_TOKEN: Name = Name(
    "gen_ai_server_time_to_first_token",
    "From a request's head to the first content of a streamed answer",
);
/// Histogram in seconds.
pub(super) const OVERHEAD: Name = Name(
    "overhead",
    "From a request's last byte to the response's header, less the time spent waiting for targets",
);
/// Counter.
pub(super) const TOKENS: Name = Name(
    "tokens",
    "Tokens of answers; input includes what the provider had in its cache",
);
/// Counter.
pub(super) const CACHED_TOKENS: Name = Name(
    "cached_tokens",
    "Input tokens that the provider had in its cache",
);
/// Gauge.
pub(super) const CACHED_RATIO: Name = Name(
    "cached_ratio",
    "Part of the input tokens of a target's last two hundred answers that were in its cache, 0 to 1",
);
/// Counter.
pub(super) const CACHE_WRITE_TOKENS: Name = Name(
    "cache_write_tokens",
    "Input tokens that the provider wrote to its cache",
);
/// Counter.
pub(super) const REASONING_TOKENS: Name = Name(
    "reasoning_tokens",
    "Output tokens that were spent on reasoning",
);
/// Counter.
pub(super) const ESTIMATED_TOKENS: Name = Name(
    "estimated_tokens",
    "Tokens that were worked out from sizes since the provider reported none; they are among all tokens",
);
/// Counter.
pub(super) const COST: Name = Name(
    "cost_usd",
    "What answers cost at the configured prices, in dollars",
);
/// Counter.
pub(super) const MOVED_REFUSED: Name = Name(
    "moved_refused",
    "Calls that a target refused because the conversation had been moved there from another provider",
);
/// Counter.
pub(super) const STICKY_REQUESTS: Name = Name(
    "sticky_requests",
    "Requests of sticky routes that reached a target: kept where the shares in force put their conversation, or moved from there",
);
/// Histogram.
pub(super) const FEEDBACK_SCORE: Name = Name(
    "feedback_score",
    "Scores that applications gave to answers, 0 to 1; one that takes the place of another counts as well",
);
/// Gauge.
pub(super) const QUALITY: Name = Name(
    "quality",
    "Mean score of a target's answers as it counts now, 0 to 1; absent without scores",
);
/// Gauge.
pub(super) const QUALITY_DEVIATION: Name = Name(
    "quality_deviation",
    "Standard deviation of that mean by chance",
);
/// Gauge.
pub(super) const QUALITY_SCORES: Name = Name(
    "quality_scores",
    "Scores that it is known from; old ones count less",
);
/// Gauge.
pub(super) const CONFIGURED_SHARE: Name = Name(
    "configured_share",
    "Share of a route's traffic that the configured weights ask for, 0 to 1",
);
/// Gauge.
pub(super) const PROPOSED_SHARE: Name = Name(
    "proposed_share",
    "Share of a route's traffic that the strategy proposed before rails, 0 to 1",
);
/// Gauge.
pub(super) const GRANTED_SHARE: Name = Name(
    "granted_share",
    "Share of a route's traffic in force, 0 to 1",
);
/// Gauge.
pub(super) const ACTUAL_SHARE: Name = Name(
    "actual_share",
    "Share of a route's first picks since the start or since its targets changed, 0 to 1",
);
/// Gauge.
pub(super) const CONFIDENCE: Name = Name("confidence", "How much is known of a target, 0 to 1");
/// Gauge.
pub(super) const TARGET_STATE: Name = Name("target_state", "1 for the state that a target is in");
/// Gauge.
pub(super) const IN_FLIGHT: Name = Name("in_flight", "Calls under way");
/// Gauge.
pub(super) const SWITCH: Name = Name(
    "switch",
    "1 while the kill switch is off: configured shares, nothing guarded",
);
/// Gauge.
pub(super) const STEERING: Name = Name(
    "steering_orders",
    "Operators' orders that hold: pins, drains, freezes, strategies, modes",
);
/// Gauge.
pub(super) const KEYS: Name = Name(
    "keys",
    "Client keys by where they come from (files, books) and how they stand (active, expired, revoked)",
);
/// Gauge.
pub(super) const KEYS_MISSING: Name = Name(
    "keys_missing",
    "1 while client keys that were made or revoked here cannot be read",
);
/// Gauge.
pub(super) const CLUSTER_STATE: Name = Name(
    "cluster_state",
    "1 for what this replica is: alone (no [cluster]), joined, or degraded (out of reach of the others)",
);
/// Gauge.
pub(super) const CLUSTER_REPLICAS: Name = Name(
    "cluster_replicas",
    "Replicas that were heard of in the last five seconds, this one counted",
);
/// Gauge.
pub(super) const CLUSTER_LAG: Name =
    Name("cluster_lag", "How old what is known of another replica is");
/// Counter.
pub(super) const CLUSTER_EXCHANGES: Name = Name(
    "cluster_exchanges",
    "Exchanges with the other replicas that went well",
);
/// Counter.
pub(super) const CLUSTER_FAILURES: Name = Name(
    "cluster_exchange_failures",
    "Exchanges with the other replicas that failed",
);
/// Gauge.
pub(super) const GENERATION: Name = Name(
    "config_generation",
    "Counts configurations that were put in force",
);
/// Gauge.
pub(super) const LAST_RELOAD: Name = Name(
    "config_last_reload_successful",
    "1 if the files were good when they were last read",
);
/// Counter.
pub(super) const RELOADS: Name = Name("reloads", "Times that the files were read, by result");
/// Counter.
pub(super) const DECISIONS: Name = Name(
    "decisions",
    "Decisions about a route, by whether they moved shares or held them",
);
/// Counter.
pub(super) const RAILS: Name = Name(
    "rail_decisions",
    "Decisions in which a rail bound a target, by rail",
);
/// Counter.
pub(super) const EJECTIONS: Name =
    Name("ejections", "Times that an upstream was ejected, by cause");
/// Counter.
pub(super) const TICKS: Name = Name(
    "controller_ticks",
    "Ticks that came to their end, whatever they brought",
);
/// Counter in seconds.
pub(super) const CONTROLLER_BUSY: Name =
    Name("controller_busy", "Time that the controller spent in ticks");
/// Gauge in seconds.
pub(super) const CONTROLLER_AGE: Name = Name("controller_age", "Time since the last decision");
/// Counter.
pub(super) const TICKS_LOST: Name = Name(
    "controller_ticks_lost",
    "Ticks that brought no decision because something went wrong in them",
);
/// Counter.
pub(super) const JOURNAL_LOST: Name = Name(
    "journal_lines_lost",
    "Lines that the journal lost, by what they were about; absent without a journal",
);
/// Counter.
pub(super) const JOURNAL_BYTES: Name = Name("journal_bytes", "Bytes written to the journal");
/// Gauge.
pub(super) const JOURNAL_FAILING: Name = Name(
    "journal_failing",
    "1 while the journal cannot be written, as on a full disk",
);
/// Counter.
pub(super) const STORE_LOST: Name = Name(
    "store_rows_lost",
    "What the books lost, by what it was about; absent without books",
);
/// Gauge.
pub(super) const STORE_FAILING: Name = Name(
    "store_failing",
    "1 while the books cannot be written, as on a full disk",
);
/// Counter.
#[cfg(feature = "otel")]
pub(super) const OTLP_SPANS: Name = Name(
    "otlp_spans",
    "Spans, by whether the collector took them, refused them, or they were dropped since it took none",
);
/// Gauge.
#[cfg(feature = "otel")]
pub(super) const OTLP_FAILING: Name = Name(
    "otlp_failing",
    "1 while the collector takes none, by what it is not taking",
);
/// Gauge.
pub(super) const ALERTS: Name = Name("alerts", "Alerts that are open, by kind");
/// Counter.
pub(super) const ALERTS_UNDELIVERED: Name = Name(
    "alerts_undelivered",
    "Messages to webhooks that could not be delivered",
);
/// Gauge.
pub(super) const BUDGET_SPENT_USD: Name = Name(
    "budget_spent_usd",
    "What was spent of a budget in the window under way, in dollars",
);
/// Gauge.
pub(super) const BUDGET_LIMIT: Name = Name(
    "budget_limit_usd",
    "What may be spent of a budget in one window, in dollars",
);
/// Gauge.
pub(super) const OPEN_REQUESTS: Name = Name("open_requests", "Requests that have not ended");
/// Info.
pub(super) const BUILD: Name = Name("build", "The program that runs");
