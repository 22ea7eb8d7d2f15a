//! A provider's usage export: CSV whose columns are recognised by name.
//!
//! Documented are the names of OpenAI's usage API, which its usage page exports
//! (<https://developers.openai.com/api/docs/api-reference/usage>), and of Anthropic's
//! (<https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report>), both as of 2026-11-29. No provider documents the columns of
//! what its console exports: those of Anthropic's (`usage_input_tokens_no_cache`, …) and of `OpenRouter`'s
//! (`generation_id`, `tokens_prompt`, `cost_total`, …) are taken from exports that users have published, and may change
//! without a word. Others say by `--map` which of their columns is what; bills by meters (Azure's) and exports with a row
//! for each kind of token (`DeepSeek`'s) have no such columns.

use std::collections::BTreeMap;

use crate::journal::Moment;
use crate::model::{PicoUsd, Time};

/// What a column can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Column {
    Model,
    Start,
    End,
    Requests,
    /// Whatever stands there, the row is one request.
    Request,
    /// All of the prompt.
    Input,
    /// What the provider did not have in its cache, nor wrote to it.
    Uncached,
    Cached,
    CacheWrite,
    Output,
    Cost,
}

impl Column {
    const ALL: [(&'static str, Self); 11] = [
        ("model", Self::Model),
        ("start", Self::Start),
        ("end", Self::End),
        ("requests", Self::Requests),
        ("request", Self::Request),
        ("input", Self::Input),
        ("uncached", Self::Uncached),
        ("cached", Self::Cached),
        ("cache_write", Self::CacheWrite),
        ("output", Self::Output),
        ("cost", Self::Cost),
    ];

    fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, column)| *column)
    }

    /// What a column of this name is, in an export that we know.
    fn recognised(name: &str) -> Option<Self> {
        Some(match name {
            "model" | "model_version" | "model_name" | "model_permaslug" => Self::Model,
            "start_time" | "start" | "date" | "day" | "timestamp" | "usage_date_utc"
            | "starting_at" | "created" | "created_at" => Self::Start,
            "end_time" | "end" | "ending_at" => Self::End,
            "num_model_requests" | "num_requests" | "requests" | "n_requests" => Self::Requests,
            "generation_id" => Self::Request,
            "input_tokens" | "prompt_tokens" | "tokens_prompt" | "n_context_tokens_total" => {
                Self::Input
            }
            "input_uncached_tokens" | "uncached_input_tokens" | "usage_input_tokens_no_cache" => {
                Self::Uncached
            }
            "input_cached_tokens"
            | "cached_tokens"
            | "tokens_cached"
            | "cache_read_input_tokens"
            | "usage_input_tokens_cache_read" => Self::Cached,
            "input_cache_write_tokens"
            | "cache_creation_input_tokens"
            | "ephemeral_5m_input_tokens"
            | "ephemeral_1h_input_tokens"
            | "usage_input_tokens_cache_write"
            | "usage_input_tokens_cache_write_5m"
            | "usage_input_tokens_cache_write_1h" => Self::CacheWrite,
            "output_tokens"
            | "completion_tokens"
            | "tokens_completion"
            | "n_generated_tokens_total"
            | "usage_output_tokens" => Self::Output,
            "cost" | "cost_usd" | "cost_total" | "amount" | "amount_value" | "total_cost_usd" => {
                Self::Cost
            }
            _ => return None,
        })
    }
}

/// What a provider says that a model used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Billed {
    pub(super) requests: u64,
    pub(super) input: u64,
    pub(super) cached: u64,
    pub(super) cache_write: u64,
    pub(super) output: u64,
    pub(super) cost: PicoUsd,
}

/// An export that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Export {
    pub(super) models: BTreeMap<String, Billed>,
    /// The span that its rows are of, if they say.
    pub(super) span: Option<(Time, Time)>,
    /// What it tells of.
    pub(super) has: Vec<Column>,
}

const DAY_US: u64 = 86_400_000_000;

/// Of an export of Azure's Cost Management, by the columns of its usage file. What its meters are called ("gpt 4o Inp glbl
/// Tokens") and of how many tokens a unit is differ by model and region, and are written down nowhere that we know of.
/// Source of the columns: <https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields>.
const METERS: &str = "this is a bill by meters (an export of Azure's Cost Management): no meter says in a documented way of \
    which model and kind of token it is, so it is not read. A CSV of the resource's metrics ProcessedPromptTokens and \
    GeneratedTokens by ModelDeploymentName can be, with --map; of this one only the cost by meter, with --map \
    MeterName=model --map CostInBillingCurrency=cost";

/// Reads an export; `map` are names of columns with what they are, before what is recognised.
pub(super) fn read(text: &str, map: &[(String, Column)]) -> Result<Export, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let head = text.lines().next().unwrap_or_default();
    let separators = [',', ';', '\t'].into_iter();
    let separator = separators.max_by_key(|it| (head.matches(*it).count(), *it == ','));
    let mut lines = fields(text, separator.unwrap_or(',')).into_iter();
    let (_, head) = lines.next().ok_or("the file is empty")?;
    let columns = columns(&head, map);
    let is_named = |name: &str| head.iter().any(|it| it.eq_ignore_ascii_case(name));
    if !columns.contains(&Some(Column::Model)) && is_named("MeterName") && is_named("UnitOfMeasure")
    {
        return Err(METERS.to_owned());
    }
    if !columns.contains(&Some(Column::Model)) {
        return Err(format!(
            "expected a column with the model, found {}; --map NAME=model says which it is",
            head.join(", ")
        ));
    }
    let counts = [
        Column::Requests,
        Column::Request,
        Column::Input,
        Column::Uncached,
        Column::Output,
        Column::Cost,
    ];
    if !counts.iter().any(|count| columns.contains(&Some(*count))) {
        return Err(format!(
            "expected a column with tokens, requests or cost, found {}; --map NAME=input, =output, =requests or =cost says \
             which it is",
            head.join(", ")
        ));
    }
    let mut export = Export {
        has: columns.iter().flatten().copied().collect(),
        ..Export::default()
    };
    for (number, line) in lines {
        take(&mut export, &columns, &line).map_err(|error| format!("line {number}: {error}"))?;
    }
    Ok(export)
}

/// What each column of the head is: as `map` says, else by its name.
fn columns(head: &[String], map: &[(String, Column)]) -> Vec<Option<Column>> {
    let names: Vec<String> = head
        .iter()
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let said = |name: &String| {
        let mapped = map.iter().find(|(known, _)| known == name);
        mapped.map(|(_, column)| *column)
    };
    let has = |name: &str| names.iter().any(|it| it == name);
    // Where prompts are told in parts by these names, what is called the input is but the part that no cache had to do with.
    // Source: <https://platform.claude.com/docs/en/build-with-claude/prompt-caching>, 2026-11-29.
    let in_parts = has("cache_read_input_tokens") || has("cache_creation_input_tokens");
    let is_model_mapped = map.iter().any(|(_, column)| *column == Column::Model);
    let what = |name: &String| match Column::recognised(name)? {
        Column::Input if in_parts => Some(Column::Uncached),
        // One name of a model is enough, and the plain one is the one that was asked for.
        Column::Model if is_model_mapped || (name != "model" && has("model")) => None,
        column => Some(column),
    };
    names
        .iter()
        .map(|name| said(name).or_else(|| what(name)))
        .collect()
}

/// Takes one row in.
fn take(export: &mut Export, columns: &[Option<Column>], line: &[String]) -> Result<(), String> {
    let (mut billed, mut uncached) = (Billed::default(), 0);
    let (mut model, mut start, mut end) = ("", None, None);
    for (column, field) in columns.iter().zip(line) {
        let (Some(column), field) = (column, field.trim()) else {
            continue;
        };
        match column {
            Column::Model => model = field,
            Column::Start => start = start.or(moment(field)),
            Column::End => end = end.or(moment(field)),
            Column::Requests => billed.requests += whole(field)?,
            Column::Request => billed.requests += 1,
            Column::Input => billed.input += whole(field)?,
            Column::Uncached => uncached += whole(field)?,
            Column::Cached => billed.cached += whole(field)?,
            Column::CacheWrite => billed.cache_write += whole(field)?,
            Column::Output => billed.output += whole(field)?,
            Column::Cost => billed.cost += dollars(field)?,
        }
    }
    if !export.has.contains(&Column::Input) {
        billed.input = uncached + billed.cached + billed.cache_write;
    }
    if billed != Billed::default() || !model.is_empty() {
        export
            .models
            .entry(model.to_owned())
            .or_default()
            .add(&billed);
    }
    if let Some((start, length)) = start {
        let end = end.map_or_else(|| Time::from_micros(start.as_micros() + length), |it| it.0);
        let (first, last) = export.span.unwrap_or((start, end));
        export.span = Some((first.min(start), last.max(end)));
    }
    Ok(())
}

impl Billed {
    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.input += other.input;
        self.cached += other.cached;
        self.cache_write += other.cache_write;
        self.output += other.output;
        self.cost += other.cost;
    }
}

/// A moment, and how long the time is that it stands for: a day where only that is written, an hour where a whole one is,
/// else a minute.
fn moment(field: &str) -> Option<(Time, u64)> {
    let is_day = field.len() == 10 && field.matches('-').count() == 2;
    let text = if is_day {
        format!("{field}T00:00:00Z")
    } else {
        field.to_owned()
    };
    let text = text.strip_suffix("+00:00").unwrap_or(&text);
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let Moment::Unix(micros) = Moment::read(text)? else {
        return None;
    };
    let length = if is_day || micros % DAY_US == 0 {
        DAY_US
    } else if micros % (DAY_US / 24) == 0 {
        DAY_US / 24
    } else {
        60_000_000
    };
    Some((Time::from_micros(micros), length))
}

/// Digits without the commas that part thousands. What has commas elsewhere is written in another way than ours, and
/// guessing would be wrong by a factor.
fn digits(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let all = format!("{first}{}", rest.concat());
    let is_grouped =
        rest.iter().all(|group| group.len() == 3) && (rest.is_empty() || !first.is_empty());
    let good = is_grouped && all.len() < 24 && all.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(all)
}

/// A count, with decimals at most if they are nought.
fn whole(field: &str) -> Result<u64, String> {
    if field.is_empty() {
        return Ok(0);
    }
    let (count, part) = field.split_once('.').unwrap_or((field, ""));
    let is_whole = part.bytes().all(|byte| byte == b'0');
    let count = digits(count).filter(|_| is_whole);
    let count = count.and_then(|count| count.parse().ok());
    count.ok_or_else(|| format!("expected a count, found {field:?}"))
}

/// An amount of dollars, to the pico-dollar.
fn dollars(field: &str) -> Result<PicoUsd, String> {
    if field.is_empty() {
        return Ok(PicoUsd::ZERO);
    }
    let plain = field.trim_start_matches('$').trim_start();
    let (count, part) = plain.split_once('.').unwrap_or((plain, ""));
    let is_part = part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = if count.is_empty() && !part.is_empty() {
        "0"
    } else {
        count
    };
    let whole = digits(whole).filter(|whole| is_part && !whole.is_empty());
    let pico: String = part
        .chars()
        .chain(std::iter::repeat('0'))
        .take(12)
        .collect();
    let pico = whole.and_then(|whole| format!("{whole}{pico}").parse().ok());
    let pico = pico.map(PicoUsd::new);
    pico.ok_or_else(|| format!("expected an amount such as 12.50, found {field:?}"))
}

/// The rows that have anything, each with the number of the line that it begins on
/// (source: <https://www.rfc-editor.org/rfc/rfc4180>).
fn fields(text: &str, separator: char) -> Vec<(usize, Vec<String>)> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut is_quoted, mut number, mut begins) = (false, 1, 1);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        number += usize::from(c == '\n');
        match c {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() => is_quoted = true,
            c if is_quoted => field.push(c),
            '\r' => {}
            '\n' => {
                row.push(std::mem::take(&mut field));
                rows.push((begins, std::mem::take(&mut row)));
                begins = number;
            }
            c if c == separator => row.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    row.push(field);
    rows.push((begins, row));
    rows.retain(|(_, row)| row.iter().any(|field| !field.trim().is_empty()));
    rows
}

/// `NAME=WHAT` of `--map`.
pub(super) fn mapped(text: &str) -> Result<(String, Column), String> {
    let pair = text.split_once('=');
    let found = pair.and_then(|(name, what)| Some((name.trim(), Column::named(what.trim())?)));
    let known: Vec<&str> = Column::ALL.iter().map(|(name, _)| *name).collect();
    found
        .map(|(name, column)| (name.to_ascii_lowercase(), column))
        .ok_or_else(|| format!("expected COLUMN=WHAT, WHAT one of {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAI: &str = "\u{feff}start_time,end_time,start_time_iso,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens\n\
        1759622400,1759708800,2025-10-05T00:00:00+00:00,3,gpt-5-mini,1200,90,200,1000\n\
        1759708800,1759795200,2025-10-06T00:00:00+00:00,,,,,,\n\
        1759795200,1759881600,2025-10-07T00:00:00+00:00,1,gpt-5-mini,100,10,0,100\n";
    const ANTHROPIC: &str = "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\r\n\
        2025-11-28 15:00,claude-haiku-4-5,\"a, \"\"b\"\"\",100,20,3,400,7\r\n";

    #[test]
    fn an_export_of_openai_is_recognised() {
        let export = read(OPENAI, &[]).unwrap();
        let billed = export.models["gpt-5-mini"];
        assert_eq!(
            (billed.requests, billed.input, billed.cached, billed.output),
            (4, 1_300, 200, 100)
        );
        assert_eq!(export.models.len(), 1, "a day without use names no model");
        let (first, last) = export.span.unwrap();
        assert_eq!(last.since(first).as_secs(), 3 * 86_400);
    }

    #[test]
    fn an_export_of_anthropic_has_prompts_in_parts() {
        let export = read(ANTHROPIC, &[]).unwrap();
        let billed = export.models["claude-haiku-4-5"];
        assert_eq!(
            (
                billed.input,
                billed.cached,
                billed.cache_write,
                billed.output
            ),
            (523, 400, 23, 7)
        );
        let (first, last) = export.span.unwrap();
        assert_eq!(last.since(first).as_secs(), 3_600, "an hour");
    }

    #[test]
    fn an_export_of_openrouter_is_a_request_a_row() {
        let text = "generation_id,created_at,cost_total,cost_cache,tokens_prompt,tokens_completion,tokens_reasoning,\
            tokens_cached,model_permaslug,provider_name\n\
            gen-1,2026-03-30 02:37:51.271,0.01,-0.002,100,20,5,60,openai/gpt-5-mini,OpenAI\n\
            gen-2,2026-03-30 03:10:00.000,0.02,0,200,30,0,0,openai/gpt-5-mini,Azure\n";
        let export = read(text, &[]).unwrap();
        let billed = export.models["openai/gpt-5-mini"];
        assert_eq!(
            (billed.requests, billed.input, billed.cached, billed.output),
            (2, 300, 60, 50)
        );
        assert_eq!(billed.cost, PicoUsd::new(30_000_000_000));
        let (first, last) = export.span.unwrap();
        assert_eq!(
            last.since(first).as_secs(),
            1_988,
            "to the last row's minute"
        );
    }

    #[test]
    fn an_input_beside_parts_of_caches_is_a_part_itself() {
        let text = "date,model,model_version,input_tokens,cache_read_input_tokens,cache_creation_input_tokens,output_tokens\n\
            2026-11-01,claude-haiku-4-5,claude-haiku-4-5-20251001,100,400,23,7\n";
        let export = read(text, &[]).unwrap();
        assert_eq!(export.models["claude-haiku-4-5"].input, 523);
        let openai = "date,model,input_tokens,input_cached_tokens,input_cache_write_tokens\n2026-11-01,gpt,100,40,10\n";
        let billed = read(openai, &[]).unwrap().models["gpt"];
        assert_eq!((billed.input, billed.cache_write), (100, 10), "of which");
    }

    #[test]
    fn a_bill_by_meters_is_told_apart_and_its_cost_can_be_mapped() {
        let text = "Date,MeterCategory,MeterSubCategory,MeterName,UnitOfMeasure,Quantity,CostInBillingCurrency,ResourceId\n\
            2026-11-01,Cognitive Services,Azure OpenAI,gpt 4o Inp glbl Tokens,1K,12.5,0.03,/subscriptions/s\n";
        let said = read(text, &[]).unwrap_err();
        assert!(
            said.contains("a bill by meters") && said.contains("--map MeterName=model"),
            "{said}"
        );
        let map = ["MeterName=model", "CostInBillingCurrency=cost"].map(|it| mapped(it).unwrap());
        let billed = read(text, &map).unwrap().models["gpt 4o Inp glbl Tokens"];
        assert_eq!(billed.cost, PicoUsd::new(30_000_000_000));
    }

    #[test]
    fn other_columns_are_what_the_map_says() {
        let map = [
            mapped("Modell=model").unwrap(),
            mapped("euros = cost").unwrap(),
        ];
        let export = read("modell;euros\ngpt;\"1.234,5\"\n", &map);
        assert!(export.unwrap_err().contains("line 2: expected an amount"));
        let export = read("modell;euros\ngpt;$0.000000000001\ngpt;2\n", &map).unwrap();
        assert_eq!(export.models["gpt"].cost, PicoUsd::new(2_000_000_000_001));
        let grouped = read("model\trequests\tcost\ngpt\t\"1,234\"\t$.5\n", &[]).unwrap();
        let billed = grouped.models["gpt"];
        assert_eq!((billed.requests, billed.cost.usd()), (1_234, 0.5));
        assert!(
            read("model,requests\ngpt,\"1,5\"\n", &[]).is_err(),
            "no count of ours"
        );
        let unknown = read("a,b\n1,2\n", &[]).unwrap_err();
        assert!(unknown.contains("--map NAME=model"), "{unknown}");
        assert!(mapped("a=b").unwrap_err().contains("cache_write"));
    }
}
