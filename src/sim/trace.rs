//! Recorded arrivals: when requests came and how many tokens they had, from somebody's log.
//!
//! CSV with a header, or one JSON object a line. Names of columns are compared in lower case without spaces, dashes and
//! underscores, and several are known for each, so that the published traces can be read as they are: Azure's
//! (`TIMESTAMP, ContextTokens, GeneratedTokens`), Mooncake's (`timestamp, input_length, output_length`), `BurstGPT`'s
//! (`Timestamp, Request tokens, Response tokens`). Only these columns matter; others are passed over.
//!
//! A time is a date with a clock time, or a number: of milliseconds in a column `timestamp` of JSON, as Mooncake writes them,
//! and where the name says so (`…ms`); else of seconds. The first request comes at 0. A row without tokens of an
//! answer, or with none, is an answer that failed when it was recorded, and is left out.

use std::sync::Arc;

use serde_json::Value;

mod date;

/// Names of the columns, as they are compared.
const TIMES: [&str; 6] = [
    "timestamp",
    "seconds",
    "time",
    "arrivedat",
    "timestampms",
    "ms",
];
const INPUTS: [&str; 6] = [
    "tokensin",
    "contexttokens",
    "inputlength",
    "requesttokens",
    "inputtokens",
    "prompttokens",
];
const OUTPUTS: [&str; 6] = [
    "tokensout",
    "generatedtokens",
    "outputlength",
    "responsetokens",
    "outputtokens",
    "completiontokens",
];

/// A request of a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traced {
    /// Seconds after the trace's first request.
    pub seconds: f64,
    /// Tokens of its prompt.
    pub tokens_in: u64,
    /// Tokens of its answer.
    pub tokens_out: u64,
}

/// Requests in the order of their time; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace(Arc<[Traced]>);

/// Why a text is not a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A column is missing.
    #[error("line {line}: expected a column for {what} ({known}), found {found}")]
    NoColumn {
        /// Where, from 1.
        line: usize,
        /// Which.
        what: &'static str,
        /// Names that it may have.
        known: String,
        /// What there is.
        found: String,
    },
    /// A value that is none.
    #[error("line {line}: expected {what}, found {found:?}")]
    Value {
        /// Where, from 1.
        line: usize,
        /// What was expected.
        what: &'static str,
        /// What was found.
        found: String,
    },
    /// A line that is no JSON object.
    #[error("line {line}: expected a JSON object, found {found:?}")]
    NoObject {
        /// Where, from 1.
        line: usize,
        /// How it begins.
        found: String,
    },
    /// Nothing is left.
    #[error("expected at least one request with tokens of an answer, found none")]
    Empty,
}

impl Trace {
    /// Reads CSV or JSON lines.
    ///
    /// # Errors
    /// The first line that is wrong, or that there is no request at all.
    pub fn read(text: &str) -> Result<Self, TraceError> {
        let text = text.trim_start_matches('\u{feff}');
        let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let mut requests = if text.trim_start().starts_with('{') {
            json(lines)?
        } else {
            csv(lines)?
        };
        requests.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let first = requests.first().ok_or(TraceError::Empty)?.seconds;
        for request in &mut requests {
            request.seconds -= first;
        }
        Ok(Self(requests.into()))
    }

    /// All requests.
    pub fn requests(&self) -> &[Traced] {
        &self.0
    }

    /// Seconds from the first request to the last.
    pub fn seconds(&self) -> f64 {
        self.0.last().map_or(0.0, |last| last.seconds)
    }

    /// Medians of the tokens of prompts and of answers.
    pub fn medians(&self) -> (u64, u64) {
        let median = |of: fn(&Traced) -> u64| {
            let mut sorted: Vec<u64> = self.0.iter().map(of).collect();
            sorted.sort_unstable();
            sorted.get(sorted.len() / 2).copied().unwrap_or_default()
        };
        (
            median(|request| request.tokens_in),
            median(|request| request.tokens_out),
        )
    }
}

/// A column's name as it is compared.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// The place of the first known name.
fn column(
    line: usize,
    names: &[String],
    what: &'static str,
    known: &[&str],
) -> Result<usize, TraceError> {
    let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let place = |known: &&str| plain.iter().position(|name| name == known);
    known
        .iter()
        .find_map(place)
        .ok_or_else(|| TraceError::NoColumn {
            line,
            what,
            known: known.join(", "),
            found: names.join(", "),
        })
}

fn csv<'t>(mut lines: impl Iterator<Item = (usize, &'t str)>) -> Result<Vec<Traced>, TraceError> {
    let (line, head) = lines.next().ok_or(TraceError::Empty)?;
    let names = fields(head);
    let time = column(line, &names, "the time", &TIMES)?;
    let input = column(line, &names, "the prompt's tokens", &INPUTS)?;
    let output = column(line, &names, "the answer's tokens", &OUTPUTS)?;
    let is_ms = plain(&names[time]).ends_with("ms");
    let mut requests = Vec::new();
    for (line, text) in lines {
        let fields = fields(text);
        let field = |place: usize| fields.get(place).map_or("", String::as_str);
        let tokens_out = count(line, field(output))?;
        if tokens_out > 0 {
            requests.push(Traced {
                seconds: seconds(line, field(time), is_ms)?,
                tokens_in: count(line, field(input))?,
                tokens_out,
            });
        }
    }
    Ok(requests)
}

/// Fields between commas; those in quotes may hold commas, and two quotes there are one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => {
                if let Some(field) = fields.last_mut() {
                    field.push('"');
                }
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

fn json<'t>(lines: impl Iterator<Item = (usize, &'t str)>) -> Result<Vec<Traced>, TraceError> {
    let mut requests = Vec::new();
    for (line, text) in lines {
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
            return Err(TraceError::NoObject {
                line,
                found: text.chars().take(40).collect(),
            });
        };
        let names: Vec<String> = object.keys().cloned().collect();
        let value = |what, known: &[&str]| {
            let place = column(line, &names, what, known)?;
            let value = &object[&names[place]];
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            Ok((plain(&names[place]), text))
        };
        let (_, output) = value("the answer's tokens", &OUTPUTS)?;
        let tokens_out = count(line, &output)?;
        if tokens_out > 0 {
            let (name, time) = value("the time", &TIMES)?;
            let is_ms = name == "timestamp" || name.ends_with("ms");
            requests.push(Traced {
                seconds: seconds(line, &time, is_ms)?,
                tokens_in: count(line, &value("the prompt's tokens", &INPUTS)?.1)?,
                tokens_out,
            });
        }
    }
    Ok(requests)
}

/// A number of tokens; nothing is 0, and what is written with a point is rounded.
fn count(line: usize, text: &str) -> Result<u64, TraceError> {
    if text.is_empty() || text == "null" {
        return Ok(0);
    }
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|n| n.is_finite() && *n >= 0.0);
    number
        .map(crate::law::whole)
        .ok_or_else(|| TraceError::Value {
            line,
            what: "a number of tokens",
            found: text.to_owned(),
        })
}

/// A time in seconds, since any beginning.
fn seconds(line: usize, text: &str, is_ms: bool) -> Result<f64, TraceError> {
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
    let number = number.map(|n| if is_ms { n / 1e3 } else { n });
    number
        .or_else(|| date::seconds(text))
        .ok_or_else(|| TraceError::Value {
            line,
            what: "a number or a date like 2023-11-16 18:15:46.68",
            found: text.to_owned(),
        })
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
