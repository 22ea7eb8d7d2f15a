//! Reading a request's envelope, making a target's body from it, and reading the published snapshot; each beside a
//! yardstick of the same run, since a time alone says more about the machine than about the code.
//!
//! `cargo bench --bench envelope`; `-- --test` runs each once.

use std::hint::black_box;
use std::io;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use serde::de::IgnoredAny;
use weighbridge::config::{Config, Endpoint};
use weighbridge::control::{Simulate, Source, Text, first_snapshot};
use weighbridge::law::Law;
use weighbridge::live::Published;
use weighbridge::model::ProviderName;
use weighbridge::wire::Envelope;

const CONFIG: &str = r#"
config_version = 1
[providers.a]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
[routes.chat.targets]
small = { use = "a/small", weight = 2 }
large = { use = "a/large", weight = 1 }
"#;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bodies(&mut criterion);
    snapshot(&mut criterion);
    criterion.final_summary();
}

/// A chat of about `size` bytes: turns of prose with the escapes that prose has, and a list of targets with it.
fn chat(size: usize) -> Bytes {
    let mut body = String::from(
        r#"{"model":"chat","stream":true,"stream_options":{"include_usage":true},"temperature":0.7,"messages":["#,
    );
    let turn = concat!(
        r#"{"role":"user","content":"A load is weighed when it comes and when it goes.\n\n"#,
        r#"Its owner says \"fair\", the scale says 12.5 t; the road says nothing. "#,
        r#"Twice a day somebody sweeps the plate, and once a year somebody checks the beam."}"#,
    );
    while body.len() + turn.len() + 80 < size {
        body.push_str(turn);
        body.push(',');
    }
    body.push_str(r#"{"role":"user","content":"go on"}],"orq":{"retry":{"count":1}},"seed":7}"#);
    body.into()
}

fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("envelope");
    for (name, size) in [("1KB", 1_000), ("100KB", 100_000)] {
        let body = chat(size);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_with_input(BenchmarkId::new("read", name), &body, |bencher, body| {
            bencher.iter(|| Envelope::read(black_box(body)));
        });
        let envelope = Envelope::read(&body).expect("the body is a chat");
        group.bench_with_input(BenchmarkId::new("rewrite", name), &body, |bencher, body| {
            bencher.iter(|| envelope.rewrite(black_box(body), "gpt-5.6-luna"));
        });
        group.bench_with_input(
            BenchmarkId::new("yardstick_skip", name),
            &body,
            |bencher, body| {
                bencher.iter(|| serde_json::from_slice::<IgnoredAny>(black_box(body)));
            },
        );
        group.bench_with_input(
            BenchmarkId::new("yardstick_utf8", name),
            &body,
            |bencher, body| {
                bencher.iter(|| std::str::from_utf8(black_box(body)).is_ok());
            },
        );
        group.bench_with_input(
            BenchmarkId::new("yardstick_copy", name),
            &body,
            |bencher, body| {
                bencher.iter(|| Vec::from(black_box(body.as_ref())));
            },
        );
    }
    group.finish();
}

/// No provider of the configuration is simulated.
#[derive(Debug)]
struct Nobody;

impl Simulate for Nobody {
    fn endpoint(&mut self, provider: &ProviderName, _: &Law) -> io::Result<Endpoint> {
        Err(io::Error::other(format!(
            "{provider} is not simulated here"
        )))
    }

    fn keep_only(&mut self, _: &Config) {}
}

fn snapshot(criterion: &mut Criterion) {
    let source = Source::Text {
        name: "bench",
        text: Text::new(CONFIG),
    };
    let config = source
        .read()
        .result
        .expect("the configuration is good")
        .config;
    let snapshot = first_snapshot(config, 0, &mut Nobody).expect("nothing has to be started");
    let (published, _publisher) = Published::first(snapshot);
    let shared = std::sync::Arc::new(0_u64);
    let mut group = criterion.benchmark_group("snapshot");
    group.bench_function("read", |bencher| {
        bencher.iter(|| black_box(&published).read());
    });
    group.bench_function("yardstick_clone_arc", |bencher| {
        bencher.iter(|| std::sync::Arc::clone(black_box(&shared)));
    });
    group.finish();
}
