//! Claims about the exposition in OpenTelemetry's form.

use opentelemetry_proto::tonic::common::v1::any_value;

use super::*;

const TEXT: &str = r#"# HELP weighbridge_requests Requests.
# TYPE weighbridge_requests counter
weighbridge_requests_total{route="chat \"a\"",code="200"} 3
# HELP weighbridge_cost_usd Cost.
# TYPE weighbridge_cost_usd counter
weighbridge_cost_usd_total{route="chat"} 0.5
# HELP gen_ai_server_request_duration_seconds Times.
# TYPE gen_ai_server_request_duration_seconds histogram
# UNIT gen_ai_server_request_duration_seconds seconds
gen_ai_server_request_duration_seconds_sum{gen_ai_operation_name="chat",error_type=""} 4.5
gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat",error_type=""} 5
gen_ai_server_request_duration_seconds_bucket{le="0.5",gen_ai_operation_name="chat",error_type=""} 2
gen_ai_server_request_duration_seconds_bucket{le="1.0",gen_ai_operation_name="chat",error_type=""} 4
gen_ai_server_request_duration_seconds_bucket{le="+Inf",gen_ai_operation_name="chat",error_type=""} 5
# HELP weighbridge_granted_share Share.
# TYPE weighbridge_granted_share gauge
weighbridge_granted_share{target="a"} 0.25
# HELP weighbridge_overhead_seconds Empty.
# TYPE weighbridge_overhead_seconds histogram
# HELP weighbridge_build Build.
# TYPE weighbridge_build info
weighbridge_build_info{version="1"} 1
# EOF
"#;

fn all() -> Vec<Metric> {
    metrics(TEXT, Period { since: 1, now: 2 })
}

fn told(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let text = |attribute: &KeyValue| match &attribute.value.as_ref().unwrap().value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        other => panic!("a text: {other:?}"),
    };
    let told = attributes.iter().map(|it| (it.key.clone(), text(it)));
    told.collect()
}

#[test]
fn names_and_units_are_opentelemetrys() {
    let names: Vec<(String, String)> = all().into_iter().map(|it| (it.name, it.unit)).collect();
    let expected = [
        ("weighbridge.requests", ""),
        ("weighbridge.cost_usd", ""),
        ("gen_ai.server.request.duration", "s"),
        ("weighbridge.granted_share", ""),
    ];
    let expected = expected.map(|(name, unit)| (name.to_owned(), unit.to_owned()));
    assert_eq!(
        names, expected,
        "what has no series, and no number, is left out"
    );
}

#[test]
fn counters_are_sums_since_the_start() {
    let all = all();
    let Some(Data::Sum(sum)) = &all[0].data else {
        panic!("a sum: {:?}", all[0]);
    };
    assert!(sum.is_monotonic);
    assert_eq!(sum.aggregation_temporality, CUMULATIVE);
    let [point] = sum.data_points.as_slice() else {
        panic!("one point: {sum:?}");
    };
    assert_eq!(point.value, Some(Value::AsInt(3)));
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (1, 2));
    let expected = [
        ("weighbridge.route", "chat \"a\""),
        ("weighbridge.code", "200"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(told(&point.attributes), expected);
    let Some(Data::Sum(cost)) = &all[1].data else {
        panic!("a sum: {:?}", all[1]);
    };
    assert_eq!(cost.data_points[0].value, Some(Value::AsDouble(0.5)));
}

#[test]
fn each_bucket_of_a_histogram_counts_its_own() {
    let all = all();
    let Some(Data::Histogram(histogram)) = &all[2].data else {
        panic!("a histogram: {:?}", all[2]);
    };
    let [point] = histogram.data_points.as_slice() else {
        panic!("one point: {histogram:?}");
    };
    assert_eq!((point.count, point.sum), (5, Some(4.5)));
    assert_eq!(point.bucket_counts, [2, 2, 1]);
    assert_eq!(point.explicit_bounds, [0.5, 1.0]);
    let expected = [("gen_ai.operation.name".to_owned(), "chat".to_owned())];
    assert_eq!(
        told(&point.attributes),
        expected,
        "no error is no attribute"
    );
}

#[test]
fn lines_that_are_none_are_left_out() {
    for line in [
        "",
        "a",
        "a{",
        "a{b",
        "a{b=\"",
        "a{b=\"c\"",
        "a{b=\"\\",
        "b 1",
    ] {
        assert!(read(line, "a").is_none(), "{line}");
    }
}
