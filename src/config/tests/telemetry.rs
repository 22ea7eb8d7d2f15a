//! Claims about `[telemetry.otlp]`.

use std::time::Duration;

use super::{SMALL, World, compiled, good};

const ALL: &str = "endpoint = \"https://otel.example/prefix/\"\nheaders = { Authorization = \"Bearer planted-1\", x-tenant = \"planted-2\" }\ninterval = \"15s\"\nsample = 0.25\n";

/// The problems of `otlp`, or none.
fn problems(otlp: &str) -> Vec<String> {
    let text = format!("{SMALL}[telemetry.otlp]\n{otlp}\n");
    match compiled(&[("a.toml", &text)], &World::default()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn it_says_where_how_often_and_how_many() {
    let otlp = good(&format!("{SMALL}[telemetry.otlp]\n{ALL}"));
    let otlp = otlp.config.otlp.unwrap();
    assert_eq!(otlp.endpoint.origin, "https://otel.example");
    assert_eq!(otlp.endpoint.path, "/prefix");
    let names: Vec<&str> = otlp.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["authorization", "x-tenant"]);
    assert_eq!(
        (otlp.interval, otlp.sample),
        (Duration::from_secs(15), 0.25)
    );
    let text = format!("{SMALL}[telemetry.otlp]\nendpoint = \"http://127.0.0.1:4318\"\n");
    let otlp = good(&text).config.otlp.unwrap();
    assert_eq!((otlp.interval, otlp.sample), (Duration::from_secs(60), 1.0));
    assert_eq!(good(SMALL).config.otlp, None, "off unless it is asked for");
}

#[test]
fn its_headers_are_shown_nowhere() {
    let compiled = good(&format!("{SMALL}[telemetry.otlp]\n{ALL}"));
    for text in [
        compiled.shown.to_string(),
        format!("{:?}", compiled.config.otlp),
    ] {
        assert!(!text.contains("planted"), "{text}");
    }
    let off = good(SMALL);
    let changes = crate::config::diff(&off.config, &compiled.config).changes;
    assert_eq!(changes, ["telemetry.otlp: added"]);
}

#[test]
fn what_is_wrong_is_said() {
    for (otlp, said) in [
        ("", "expected the key `endpoint`"),
        ("endpoint = \"127.0.0.1:4318\"", "begins with http://"),
        (
            "endpoint = \"http://h\"\nheaders = { host = \"x\" }",
            "host is not for you to set",
        ),
        (
            "endpoint = \"http://h\"\nheaders = { x = \"two\\nlines\" }",
            "one line of visible ASCII",
        ),
        ("endpoint = \"http://h\"\nsample = 2", "from 0 to 1"),
        ("endpoint = \"http://h\"\ninterval = \"1ms\"", "a time from"),
        ("endpoint = \"http://h\"\nendpont = 1", "unknown key"),
    ] {
        let told = problems(otlp);
        assert_eq!(told.len(), 1, "{otlp}: {told:#?}");
        assert!(told[0].contains(said), "{otlp}: {told:#?}");
    }
}
