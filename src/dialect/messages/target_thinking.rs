//! How much the model is to think, and the room that it takes.
//!
//! A request that thinks may not force a call, may not be prefilled, and its last turn with calls must begin with thoughts.
//! What a client asked for in so many words goes before how much is thought: then the thinking is left out, and named.
//!
//! With a budget that is what Anthropic wants. Of models that decide themselves the reports disagree on forced calls and
//! prefilled turns; the same goes for them, since a thought less is better than a refusal.

use serde_json::{Map, Value, json};

use super::super::neutral::{Request, Thinking};
use super::target_dropped::Dropped;
use super::target_options::MessagesOptions;
use super::target_tools::is_forced;
use super::target_turns::Conversation;

/// Least tokens of thoughts that Anthropic takes.
const LEAST: u64 = 1024;

/// What is said of thinking, and what follows of it.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// `thinking`.
    pub(super) thinking: Option<Value>,
    /// `output_config.effort`.
    pub(super) effort: Option<&'static str>,
    /// `max_tokens`.
    pub(super) max_tokens: u64,
    /// Whether the model thinks.
    pub(super) is_on: bool,
}

impl Plan {
    /// The plan for `request`, whose messages are `conversation`.
    pub(super) fn of(
        request: &Request,
        conversation: &Conversation,
        options: &MessagesOptions,
        dropped: &mut Dropped,
    ) -> Self {
        let bound = request.sampling.max_tokens;
        let plain = Self {
            max_tokens: bound.unwrap_or(options.max_output),
            ..Self::default()
        };
        let own = own_wish(request);
        let (wish, name) = match (&request.reasoning, &own) {
            (Some(wish), _) => (wish, "reasoning_effort"),
            (None, Some(wish)) => (wish, "thinking"),
            (None, None) => return plain,
        };
        let is_held = is_forced(request) || conversation.is_prefilled;
        if options.adaptive_thinking {
            adaptive(wish, is_held, name, plain, dropped)
        } else {
            let is_held = is_held || conversation.calls_unthought;
            let room = bound.map_or(Room::Free(options.max_output), Room::Bound);
            budgeted(wish, is_held, name, plain, room, dropped)
        }
    }
}

/// The tokens that there are.
#[derive(Clone, Copy)]
enum Room {
    /// The client's bound.
    Bound(u64),
    /// No bound of the client's: the default, which may be raised.
    Free(u64),
}

/// Anthropic's `thinking` in a request of another dialect, as clients of gateways send it; `None` if it is not understood.
pub(super) fn own_wish(request: &Request) -> Option<Thinking> {
    if request.reasoning.is_some() {
        return None;
    }
    let own = request.extra.get("thinking")?;
    let budget = match own.get("type")?.as_str()? {
        "disabled" => Some(0),
        "enabled" => Some(own.get("budget_tokens")?.as_u64()?),
        "adaptive" => None,
        _ => return None,
    };
    let display = own.get("display").and_then(Value::as_str);
    Some(Thinking {
        effort: None,
        budget,
        summary: display.map(str::to_owned),
    })
}

fn is_none(wish: &Thinking) -> bool {
    wish.budget == Some(0) || (wish.budget.is_none() && wish.effort.as_deref() == Some("none"))
}

/// The model decides, within an effort.
fn adaptive(
    wish: &Thinking,
    is_held: bool,
    name: &str,
    plain: Plan,
    dropped: &mut Dropped,
) -> Plan {
    if is_none(wish) {
        // Several of these models refuse to be told not to think; the least effort is the nearest.
        dropped.name(name);
        return Plan {
            effort: Some("low"),
            ..plain
        };
    }
    let effort = match (wish.budget, wish.effort.as_deref()) {
        (Some(0..=2048), _) | (None, Some("minimal" | "low")) => Some("low"),
        (Some(2049..=8192), _) | (None, Some("medium")) => Some("medium"),
        (Some(_), _) | (None, Some("high")) => Some("high"),
        // Claude Opus 4.6 and Sonnet 4.6 have no `xhigh`; each model that decides itself has `max`. Source: Anthropic's
        // page on effort, seen 2026-11-24.
        (None, Some("xhigh" | "max")) => Some("max"),
        (None, Some(_)) => {
            dropped.name(name);
            None
        }
        (None, None) => None,
    };
    if is_held {
        dropped.name(name);
        return Plan { effort, ..plain };
    }
    let mut thinking = Map::new();
    thinking.insert("type".to_owned(), json!("adaptive"));
    // Newer models send no text of their thoughts unless asked for it.
    let display = match wish.summary.as_deref() {
        Some("none" | "omitted") => Some("omitted"),
        Some(_) => Some("summarized"),
        None => None,
    };
    if let Some(display) = display {
        thinking.insert("display".to_owned(), json!(display));
    }
    Plan {
        thinking: Some(Value::Object(thinking)),
        effort,
        is_on: true,
        ..plain
    }
}

/// A budget of tokens, which counts against `max_tokens`.
fn budgeted(
    wish: &Thinking,
    is_held: bool,
    name: &str,
    plain: Plan,
    room: Room,
    dropped: &mut Dropped,
) -> Plan {
    if is_none(wish) {
        return Plan {
            thinking: Some(json!({"type": "disabled"})),
            ..plain
        };
    }
    let Some(wanted) = wish
        .budget
        .or_else(|| budget_of(wish.effort.as_deref()))
        .filter(|_| !is_held)
    else {
        dropped.name(name);
        return plain;
    };
    let wanted = wanted.max(LEAST);
    let (budget, max_tokens) = match room {
        Room::Bound(bound) if bound <= LEAST => {
            dropped.name(name);
            return plain;
        }
        // A budget in so many words stays if there is room for it; otherwise a quarter is left for the answer.
        Room::Bound(bound) if wish.budget.is_some() && wanted < bound => (wanted, bound),
        Room::Bound(bound) => {
            let most = (bound / 4 * 3).max(LEAST);
            dropped.name_if(name, wish.budget.is_some());
            (wanted.min(most), bound)
        }
        Room::Free(usual) => {
            // With 8192 for the answer the most that an effort asks for stays below the 32 000 tokens that Claude Opus 4
            // may answer with (models.dev, f3fc692, 2026-07-02).
            let needed = wanted.saturating_add(usual.min(8192));
            (wanted, usual.max(needed))
        }
    };
    // Thoughts come as text whether it was asked for or not.
    let is_hidden = matches!(wish.summary.as_deref(), Some("none" | "omitted"));
    dropped.name_if("reasoning.summary", is_hidden);
    Plan {
        thinking: Some(json!({"type": "enabled", "budget_tokens": budget})),
        max_tokens,
        is_on: true,
        effort: None,
    }
}

/// An effort as a budget; the figures are our choice. `None` for a word that is not known. No word is a wish to think at
/// all.
fn budget_of(effort: Option<&str>) -> Option<u64> {
    match effort {
        Some("minimal") => Some(LEAST),
        Some("low") => Some(2048),
        Some("medium") | None => Some(8192),
        Some("high") => Some(16_384),
        Some("xhigh" | "max") => Some(22_528),
        Some(_) => None,
    }
}
