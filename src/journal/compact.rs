//! The short form of a tick's line.
//!
//! Most of what a tick is told is nothing: an idle upstream has forty fields that say 0. What has its usual value is left
//! out, and reading puts it back (the types of [`Input`] have a default for each field). Prices are in the `config` line and
//! repeated only where they are others. It makes the line of a busy upstream half as long and that of an idle one a tenth.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::digest::Digest;
use super::line::{TickLine, tagged};
use crate::balance::{Input, RouteInput, UpstreamInput, WeightTable};
use crate::model::{Price, RouteName};

/// A tick as it is written.
#[derive(Serialize)]
struct Short<'a> {
    n: u64,
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    moved: &'a BTreeMap<RouteName, WeightTable>,
    input: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unpriced: Vec<usize>,
}

/// The text of a tick whose `config` line has these prices.
///
/// # Errors
/// A sum of costs beyond 18 million dollars in one tick: JSON values hold 64 bits.
pub fn tick_text(tick: &TickLine, prices: &[Option<Price>]) -> serde_json::Result<String> {
    let mut input = tick.input.clone();
    let mut unpriced = Vec::new();
    for (i, (told, known)) in input.upstreams.iter_mut().zip(prices).enumerate() {
        match (told.price, known) {
            (None, Some(_)) => unpriced.push(i),
            (price, known) if price == *known => told.price = None,
            _ => {}
        }
    }
    let short = Short {
        n: tick.n,
        digest: tick.digest,
        moved: &tick.moved,
        input: shortened(&input)?,
        unpriced,
    };
    tagged("tick", &short)
}

fn shortened(input: &Input) -> serde_json::Result<Value> {
    let usual = serde_json::to_value(UpstreamInput::default())?;
    let usual_route = serde_json::to_value(RouteInput::default())?;
    let mut whole = Map::new();
    whole.insert("now".to_owned(), serde_json::to_value(input.now)?);
    whole.insert("elapsed".to_owned(), serde_json::to_value(input.elapsed)?);
    let upstreams = input.upstreams.iter();
    let upstreams = upstreams.map(|told| Ok(without(serde_json::to_value(told)?, &usual)));
    let routes = input.routes.iter();
    let routes = routes.map(|told| Ok(without(serde_json::to_value(told)?, &usual_route)));
    let list = |values: serde_json::Result<Vec<Value>>| values.map(Value::Array);
    whole.insert("upstreams".to_owned(), list(upstreams.collect())?);
    whole.insert("routes".to_owned(), list(routes.collect())?);
    Ok(Value::Object(whole))
}

/// `value` without what is as in `usual`.
fn without(value: Value, usual: &Value) -> Value {
    let (fields, usual) = match (value, usual) {
        (Value::Object(fields), Value::Object(usual)) => (fields, usual),
        (value, _) => return value,
    };
    let others = fields.into_iter().filter_map(|(key, value)| {
        let known = usual.get(&key);
        if known == Some(&value) {
            return None;
        }
        let value = match known {
            Some(known) => without(value, known),
            None => value,
        };
        Some((key, value))
    });
    Value::Object(others.collect())
}
