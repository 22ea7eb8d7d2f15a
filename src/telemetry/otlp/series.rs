//! The exposition of `/metrics` in OpenTelemetry's form.
//!
//! The text is read rather than the registry: a registry can only be printed, and what is printed is what operators know,
//! so both ways out have the same series. Once in an interval that costs a few milliseconds.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::spans::{Attributes, scope};

/// The conventions' names of metrics, by what they are in the exposition.
const METRICS: [(&str, &str, &str); 6] = [
    (
        "gen_ai_client_operation_duration",
        "gen_ai.client.operation.duration",
        "s",
    ),
    (
        "gen_ai_client_token_usage",
        "gen_ai.client.token.usage",
        "{token}",
    ),
    (
        "gen_ai_client_operation_time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "s",
    ),
    (
        "gen_ai_server_time_per_output_token",
        "gen_ai.server.time_per_output_token",
        "s",
    ),
    (
        "gen_ai_server_request_duration",
        "gen_ai.server.request.duration",
        "s",
    ),
    (
        "gen_ai_server_time_to_first_token",
        "gen_ai.server.time_to_first_token",
        "s",
    ),
];
/// The conventions' names of attributes, by what they are in the exposition. All others are ours.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("gen_ai_operation_name", "gen_ai.operation.name"),
    ("gen_ai_provider_name", "gen_ai.provider.name"),
    ("gen_ai_request_model", "gen_ai.request.model"),
    ("gen_ai_response_model", "gen_ai.response.model"),
    ("gen_ai_token_type", "gen_ai.token.type"),
    ("error_type", "error.type"),
];
/// Sums are told since the start.
const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// What the sums are of, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) since: u64,
    pub(super) now: u64,
}

/// A family of series as the exposition describes it.
#[derive(Debug, Default)]
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    kind: &'a str,
    lines: Vec<Line<'a>>,
}

/// One line with a value.
#[derive(Debug)]
struct Line<'a> {
    /// What stands behind the family's name: `_total`, `_bucket` and the like.
    suffix: &'a str,
    labels: Vec<(&'a str, String)>,
    value: &'a str,
}

/// The message that brings `metrics`.
pub(super) fn message(metrics: Vec<Metric>, resource: &Resource) -> ExportMetricsServiceRequest {
    let scoped = ScopeMetrics {
        scope: Some(scope()),
        metrics,
        ..ScopeMetrics::default()
    };
    let of_resource = ResourceMetrics {
        resource: Some(resource.clone()),
        scope_metrics: vec![scoped],
        ..ResourceMetrics::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![of_resource],
    }
}

/// All metrics of an exposition in the format of `OpenMetrics`; what has no series is left out.
pub(super) fn metrics(exposition: &str, period: Period) -> Vec<Metric> {
    let families = families(exposition);
    families
        .iter()
        .filter_map(|it| metric(it, period))
        .collect()
}

fn families(exposition: &str) -> Vec<Family<'_>> {
    let (mut families, mut help) = (Vec::<Family<'_>>::new(), None);
    for line in exposition.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ').map(|(_, help)| help);
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|typed| typed.split_once(' '))
        {
            families.push(Family {
                name,
                help: help.take().unwrap_or_default(),
                kind,
                lines: Vec::new(),
            });
        } else if let Some(family) = families.last_mut()
            && let Some(line) = read(line, family.name)
        {
            family.lines.push(line);
        }
    }
    families
}

/// `NAME_SUFFIX{LABELS} VALUE`; exemplars are not read, since there are none.
fn read<'a>(line: &'a str, name: &str) -> Option<Line<'a>> {
    let rest = line.strip_prefix(name)?;
    let end = rest.find(['{', ' '])?;
    let (suffix, rest) = rest.split_at_checked(end)?;
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    Some(Line {
        suffix,
        labels,
        value: value.trim(),
    })
}

/// Labels up to the closing brace, and what stands behind it.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (key, quoted) = rest.split_once("=\"")?;
        let (value, behind) = unquoted(quoted)?;
        labels.push((key, value));
        rest = behind;
    }
}

/// A value up to its closing quote, and what stands behind it.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut signs = quoted.chars();
    loop {
        match signs.next()? {
            '"' => return Some((value, signs.as_str())),
            '\\' => match signs.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

fn metric(family: &Family<'_>, period: Period) -> Option<Metric> {
    let data = match family.kind {
        "counter" => Data::Sum(Sum {
            data_points: numbers(family, "_total", period),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        "gauge" => Data::Gauge(Gauge {
            data_points: numbers(family, "", period),
        }),
        "histogram" => Data::Histogram(Histogram {
            data_points: histograms(family, period),
            aggregation_temporality: CUMULATIVE,
        }),
        // The program's version is told of the resource.
        _ => return None,
    };
    if family.lines.is_empty() {
        return None;
    }
    let (name, unit) = named(family.name);
    Some(Metric {
        name,
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

/// OpenTelemetry's way to write a metric's name, and its unit, which is no part of the name there.
fn named(name: &str) -> (String, &'static str) {
    let (stem, unit) = match name.strip_suffix("_seconds") {
        Some(stem) => (stem, "s"),
        None => (name, ""),
    };
    let mut known = METRICS.iter();
    if let Some((_, name, unit)) = known.find(|(plain, ..)| *plain == stem) {
        return ((*name).to_owned(), unit);
    }
    let own = stem.strip_prefix("weighbridge_");
    let name = own.map_or_else(|| stem.to_owned(), |own| format!("weighbridge.{own}"));
    (name, unit)
}

/// Attributes of labels; an empty value says that there is none.
fn attributes<'a>(labels: impl Iterator<Item = &'a (&'a str, String)>) -> Vec<KeyValue> {
    let mut attributes = Attributes::default();
    for (key, value) in labels.filter(|(_, value)| !value.is_empty()) {
        match ATTRIBUTES.iter().find(|(plain, _)| plain == key) {
            Some((_, name)) => attributes.text(name, value),
            None => attributes.text(&format!("weighbridge.{key}"), value),
        }
    }
    attributes.0
}

/// The points of a counter or a gauge. What is printed without a point is whole.
fn numbers(family: &Family<'_>, suffix: &str, period: Period) -> Vec<NumberDataPoint> {
    let lines = family.lines.iter().filter(|line| line.suffix == suffix);
    let points = lines.filter_map(|line| {
        let whole = line.value.parse().map(Value::AsInt);
        let value = whole.or_else(|_| line.value.parse().map(Value::AsDouble));
        Some(NumberDataPoint {
            attributes: attributes(line.labels.iter()),
            start_time_unix_nano: period.since,
            time_unix_nano: period.now,
            value: Some(value.ok()?),
            ..NumberDataPoint::default()
        })
    });
    points.collect()
}

/// A histogram while its lines are put together.
#[derive(Debug, Default)]
struct Buckets {
    attributes: Vec<KeyValue>,
    /// Upper bounds with the count up to there, as printed: each includes the ones before.
    upto: Vec<(f64, u64)>,
    sum: f64,
    count: u64,
}

fn histograms(family: &Family<'_>, period: Period) -> Vec<HistogramDataPoint> {
    let mut places: BTreeMap<Vec<&(&str, String)>, usize> = BTreeMap::new();
    let mut found: Vec<Buckets> = Vec::new();
    for line in &family.lines {
        let own = || line.labels.iter().filter(|(key, _)| *key != "le");
        let place = *places.entry(own().collect()).or_insert_with(|| {
            found.push(Buckets {
                attributes: attributes(own()),
                ..Buckets::default()
            });
            found.len() - 1
        });
        let Some(buckets) = found.get_mut(place) else {
            continue;
        };
        match line.suffix {
            "_sum" => buckets.sum = line.value.parse().unwrap_or(0.0),
            "_count" => buckets.count = line.value.parse().unwrap_or(0),
            _ => {
                let bound = line.labels.iter().find(|(key, _)| *key == "le");
                let bound = bound.and_then(|(_, bound)| bound.parse().ok());
                if let (Some(bound), Ok(count)) = (bound, line.value.parse()) {
                    buckets.upto.push((bound, count));
                }
            }
        }
    }
    let points = found.into_iter();
    points.map(|buckets| point(buckets, period)).collect()
}

fn point(buckets: Buckets, period: Period) -> HistogramDataPoint {
    let mut before = 0;
    let own = |upto: &(f64, u64)| {
        let own = upto.1.saturating_sub(before);
        before = upto.1;
        own
    };
    let bucket_counts = buckets.upto.iter().map(own).collect();
    let bounds = buckets.upto.iter().map(|(bound, _)| *bound);
    HistogramDataPoint {
        attributes: buckets.attributes,
        start_time_unix_nano: period.since,
        time_unix_nano: period.now,
        count: buckets.count,
        sum: Some(buckets.sum),
        bucket_counts,
        // The last bucket has none: it takes all that is above.
        explicit_bounds: bounds.filter(|bound| bound.is_finite()).collect(),
        ..HistogramDataPoint::default()
    }
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
