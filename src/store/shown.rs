//! Answers about usage as the API and the command line show them.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::rows::Sums;
use super::usage::{Usage, UsageRow};

impl Sums {
    /// As an object: counts, tokens, dollars, and means in milliseconds where there is something to take them of.
    pub fn shown(&self) -> Map<String, Value> {
        let mean = |sum: u64, n: u64| (n > 0).then(|| sum as f64 / n as f64 / 1e3);
        let shown = json!({
            "requests": self.requests,
            "failed": self.failed,
            "calls": self.calls,
            "tokens_in": self.tokens_in,
            "tokens_cached": self.tokens_cached,
            "tokens_cache_write": self.tokens_cache_write,
            "tokens_out": self.tokens_out,
            "tokens_reasoning": self.tokens_reasoning,
            "cost_usd": self.cost.usd(),
            "unpriced": self.unpriced,
            "estimated": self.estimated,
            "first_token_ms": mean(self.first_token_us_sum, self.first_token_n),
            "total_ms": mean(self.total_us_sum, self.total_n),
        });
        match shown {
            Value::Object(shown) => shown,
            _ => Map::new(),
        }
    }
}

impl UsageRow {
    /// As an object: a value for each dimension, then the sums.
    fn shown(&self, usage: &Usage) -> Map<String, Value> {
        let names = usage.by.iter().map(|it| it.name().to_owned());
        let of = self.of.iter().cloned().map(Value::String);
        names.zip(of).chain(self.sums.shown()).collect()
    }
}

impl Serialize for Usage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<_> = self.rows.iter().map(|row| row.shown(self)).collect();
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("by", &self.by)?;
        map.serialize_entry("rows", &rows)?;
        map.serialize_entry("total", &self.total.shown())?;
        map.serialize_entry("is_cut", &self.is_cut)?;
        map.end()
    }
}
