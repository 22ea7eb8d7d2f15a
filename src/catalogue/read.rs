//! Reading price data: the list's own format, and the shapes of the data that it is made of.
//!
//! The list's own format is lines of fields between `|`, in this order:
//!
//! | field | |
//! |---|---|
//! | kind, model | names |
//! | mode | `chat`, `completion`, `responses`, `embedding` |
//! | input, cached, write, output, reasoning | pico-dollars a token; empty where nothing special is known |
//! | request | pico-dollars a request |
//! | tiers | `above:input:cached:write:output:reasoning`, more of them after `;` |
//! | context, `max_output` | tokens |
//! | capabilities | letters: t tools, i images, a audio, j JSON schema, r reasoning, s streaming; a capital says that it can not |
//! | date | the day on which the sources said so |
//! | via | letters of the sources that agree, then after `!` of those that do not |
//! | page | number of the page |
//!
//! Before them stand `# via LETTER SOURCE, DATE` and `# page NUMBER ADDRESS`. Empty input and output: no price is known.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Capabilities, Entry, KINDS, Mode, genai, litellm};
use crate::model::{Price, Tier, Tiers};

/// Why price data can not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A line of the list's own format.
    #[error("line {line}: expected {expected}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// JSON of another shape, or none.
    #[error(
        "expected JSON as litellm's model_prices_and_context_window.json or genai-prices' data.json, or lines as this \
         program's own list has; {0}"
    )]
    Json(String),
}

/// Reads price data in the list's own format, in litellm's or in genai-prices'; which one, its first letters tell. `date`
/// and `source` are those of data that has none of its own. Entries of other providers and other uses are left out.
pub fn read(text: &str, date: &str, source: &str) -> Result<Vec<Entry>, Unreadable> {
    match text
        .trim_start_matches('\u{feff}')
        .trim_ascii_start()
        .as_bytes()
        .first()
    {
        Some(b'{') => litellm::read(text, date, source),
        Some(b'[') => genai::read(text, date, source),
        _ => own(text),
    }
}

/// What stands before the entries.
#[derive(Default)]
struct Head<'a> {
    sources: BTreeMap<char, &'a str>,
    pages: BTreeMap<&'a str, Arc<str>>,
    /// Texts that many entries share.
    shared: BTreeMap<String, Arc<str>>,
}

/// Reads the list's own format.
pub(super) fn own(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let mut head = Head::default();
    let mut entries = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let unreadable = |expected| Unreadable::Line {
            line: number + 1,
            expected,
        };
        if let Some(remark) = line.strip_prefix('#') {
            head.take(remark.trim());
        } else if !line.trim().is_empty() {
            entries.push(head.entry(line).map_err(unreadable)?);
        }
    }
    Ok(entries)
}

// === impl Head ===

impl<'a> Head<'a> {
    fn take(&mut self, remark: &'a str) {
        if let Some(via) = remark.strip_prefix("via ") {
            if let Some((letter, source)) = via.split_once(' ') {
                let name = source.rsplit_once(", ").map_or(source, |(name, _)| name);
                self.sources
                    .extend(letter.chars().next().map(|it| (it, name)));
            }
        } else if let Some((number, address)) = remark
            .strip_prefix("page ")
            .and_then(|it| it.split_once(' '))
        {
            self.pages.insert(number, Arc::from(address));
        }
    }

    fn shared(&mut self, text: String) -> Arc<str> {
        if let Some(shared) = self.shared.get(&text) {
            return Arc::clone(shared);
        }
        let shared: Arc<str> = Arc::from(text.as_str());
        self.shared.insert(text, Arc::clone(&shared));
        shared
    }

    fn entry(&mut self, line: &str) -> Result<Entry, &'static str> {
        let fields: Vec<&str> = line.split('|').collect();
        let [
            kind,
            model,
            mode,
            rates @ ..,
            tiers,
            context,
            max_output,
            capabilities,
            date,
            via,
            page,
        ] = fields.as_slice()
        else {
            return Err("16 fields between `|`");
        };
        let kind = KINDS.iter().find(|known| *known == kind);
        if model.is_empty() || !super::is_day(date) {
            return Err("a model's name and a date such as 2026-11-23");
        }
        let (agree, disagree) = via.split_once('!').unwrap_or((via, ""));
        let sources: Vec<&str> = agree
            .chars()
            .filter_map(|letter| self.sources.get(&letter).copied())
            .collect();
        if sources.is_empty() {
            return Err("letters of sources that were named before");
        }
        let source = sources.join(", ");
        Ok(Entry {
            kind: kind.ok_or("a known kind of provider")?,
            model: (*model).to_owned(),
            mode: mode_of(mode).ok_or("chat, completion, responses or embedding")?,
            price: price(rates, tiers)?,
            context: optional(context)?,
            max_output: optional(max_output)?,
            capabilities: abilities(capabilities),
            date: self.shared((*date).to_owned()),
            source: self.shared(source),
            page: self.pages.get(page).cloned(),
            disputed: !disagree.is_empty(),
        })
    }
}

fn mode_of(word: &str) -> Option<Mode> {
    Some(match word {
        "chat" => Mode::Chat,
        "completion" => Mode::Completion,
        "responses" => Mode::Responses,
        "embedding" => Mode::Embedding,
        _ => return None,
    })
}

fn optional(field: &str) -> Result<Option<u64>, &'static str> {
    if field.is_empty() {
        return Ok(None);
    }
    field.parse().map(Some).map_err(|_| "a whole number")
}

/// A price's rates as a source has them: what it leaves out costs what is plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rates {
    pub(super) input: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) write: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) reasoning: Option<u64>,
}

// === impl Rates ===

impl Rates {
    /// A price without tiers; `None` without a rate for input or for output.
    pub(super) fn price(&self) -> Option<Price> {
        let flat = Price::flat(self.input?, self.output?);
        // Some write 0 where writing to the cache costs nothing beyond the input.
        let write = self.write.filter(|write| *write > 0 || flat.input == 0);
        Some(Price {
            cached_input: self.cached.unwrap_or(flat.cached_input),
            cache_write: write.unwrap_or(flat.cache_write),
            reasoning: self.reasoning.unwrap_or(flat.reasoning),
            ..flat
        })
    }

    /// The tier above a size of the prompt.
    pub(super) fn tier(&self, above: u64) -> Option<Tier> {
        let price = self.price()?;
        Some(Tier {
            above,
            input: price.input,
            cached_input: price.cached_input,
            cache_write: price.cache_write,
            output: price.output,
            reasoning: price.reasoning,
        })
    }
}

/// The highest tiers, should a source have more than a price can.
pub(super) fn tiers(mut all: Vec<Tier>) -> Tiers {
    all.sort_by_key(|tier| std::cmp::Reverse(tier.above));
    all.truncate(crate::model::MAX_TIERS);
    all.reverse();
    Tiers::new(&all).unwrap_or_default()
}

fn rates(fields: &[&str]) -> Result<Rates, &'static str> {
    let [input, cached, write, output, reasoning] = fields else {
        return Err("five rates");
    };
    Ok(Rates {
        input: optional(input)?,
        cached: optional(cached)?,
        write: optional(write)?,
        output: optional(output)?,
        reasoning: optional(reasoning)?,
    })
}

fn price(fields: &[&str], tiers_field: &str) -> Result<Option<Price>, &'static str> {
    let [amounts @ .., request] = fields else {
        return Err("16 fields between `|`");
    };
    let Some(price) = rates(amounts)?.price() else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for tier in tiers_field.split(';').filter(|tier| !tier.is_empty()) {
        let parts: Vec<&str> = tier.split(':').collect();
        let Some((above, parts)) = parts.split_first() else {
            continue;
        };
        let above = optional(above)?.ok_or("a tier's size")?;
        found.push(rates(parts)?.tier(above).ok_or("a tier's rates")?);
    }
    Ok(Some(Price {
        request: optional(request)?.unwrap_or(0),
        tiers: tiers(found),
        ..price
    }))
}

fn abilities(letters: &str) -> Capabilities {
    let of = |letter: char| {
        let yes = letters.contains(letter).then_some(true);
        yes.or_else(|| {
            letters
                .contains(letter.to_ascii_uppercase())
                .then_some(false)
        })
    };
    Capabilities {
        tools: of('t'),
        images: of('i'),
        audio: of('a'),
        json_schema: of('j'),
        reasoning: of('r'),
        streaming: of('s'),
    }
}
