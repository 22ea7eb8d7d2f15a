//! What lies in `deploy/`, held against the program: a dashboard or an alert on a metric that nobody exports shows nothing
//! for ever, and looks like good news.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weighbridge::balance::{Rail, State};
use weighbridge::live::Membership;
use weighbridge::model::Outcome;

use super::client::Client;
use super::daemon::{Daemon, live, until, weighbridge};

/// Metrics that only a mistake of ours, a provider with a cache, or other replicas bring about; of these the tests of
/// several replicas look.
const RARE: &[&str] = &[
    "weighbridge_moved_refused_total",
    "weighbridge_cached_ratio",
    "weighbridge_cluster_replicas",
    "weighbridge_cluster_lag_seconds",
    "weighbridge_cluster_exchanges_total",
    "weighbridge_cluster_exchange_failures_total",
];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(deploy(path)).unwrap()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("grafana/weighbridge.json")).unwrap()
}

/// The queries of the dashboard's panels.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let queries = targets.flatten().map(|target| &target["expr"]);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let asked = variables.iter().map(|variable| &variable["query"]["query"]);
    let all = queries.chain(asked).filter_map(Value::as_str);
    all.map(str::to_owned).collect()
}

/// The expressions of the alerts.
fn alerts() -> Vec<String> {
    let file: Value = yaml_serde::from_str(&read("prometheus/alerts.yml")).unwrap();
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().filter_map(|group| group["rules"].as_array());
    let expressions = rules.flatten().map(|rule| rule["expr"].as_str().unwrap());
    expressions.map(str::to_owned).collect()
}

/// Whether `c` may stand in a name.
fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The metrics of a query, each with the conditions on its labels.
fn selectors(query: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphabetic()) {
        let from = &rest[at..];
        let end = from.find(|c| !in_name(c)).unwrap_or(from.len());
        let (name, after) = from.split_at(end);
        rest = after;
        if !name.starts_with("weighbridge_") && !name.starts_with("gen_ai_") {
            continue;
        }
        let inner = after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let conditions = inner.map_or("", |(inner, _)| inner).split(',');
        let conditions = conditions.filter_map(|condition| {
            let (label, value) = condition.split_once(['=', '!'])?;
            let value = value.trim_start_matches(['=', '~']).trim_matches('"');
            Some((label.to_owned(), value.to_owned()))
        });
        found.push((name.to_owned(), conditions.collect()));
    }
    found
}

/// Labels by the names of series.
fn exported(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let end = line.find(|c| !in_name(c)).unwrap_or(line.len());
        let labels = known.entry(line[..end].to_owned()).or_default();
        let parts = line[end..].split(['{', ',']);
        let named = parts.filter_map(|part| Some(part.split_once("=\"")?.0.to_owned()));
        labels.extend(named);
    }
    known
}

const CONFIG: &str = r#"
config_version = 1
[server]
state = "STATE"
[controller]
journal = "JOURNAL"
[providers.good]
kind = "simulated"
budget = { day_usd = 100 }
law = { ttft_ms = 1, tpot_ms = 0.1, spread = 0, error_rate = 0 }
[providers.bad]
kind = "simulated"
law = { ttft_ms = 1, tpot_ms = 0.1, spread = 0, error_rate = 1, error_status = 503 }
[prices]
"good/m" = { input = "$1", cached_input = "$0.1", output = "$4" }
[routes.chat]
sticky = "user"
[routes.chat.targets]
good = { use = "good/m", weight = 1 }
bad = { use = "bad/m", weight = 1 }
[routes.broken.targets]
bad = { use = "bad/m" }
"#;

/// What a daemon exports that has seen good and bad.
async fn exposition() -> String {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let state = folder.path().join("state");
    let config = CONFIG.replace("JOURNAL", journal.to_str().unwrap());
    let config = config.replace("STATE", state.to_str().unwrap());
    fs::write(live(folder.path()), config).unwrap();
    let daemon = Daemon::start(folder.path());
    let client = Client::new(daemon.data);
    until("a target must be ejected", async || {
        for (i, route) in ["chat", "chat", "chat", "broken"].iter().enumerate() {
            let stream = i != 1;
            let body = format!(
                r#"{{"model":"{route}","stream":{stream},"user":"u{i}","max_tokens":20,"messages":[{{"role":"user","content":"hi"}}]}}"#
            );
            client.chat(&body).await.unwrap();
        }
        let text = daemon.get("/metrics").await.1;
        let is_there = |name: &str| text.contains(&format!("\n{name}"));
        let all = ["weighbridge_ejections_total{", "weighbridge_errors_total{"];
        all.into_iter().all(is_there).then_some(text)
    })
    .await
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_the_alerts_is_exported() {
    let exported = exported(&exposition().await);
    let queries: Vec<String> = queries(&dashboard()).into_iter().chain(alerts()).collect();
    assert!(queries.len() > 40, "they are there: {}", queries.len());
    let labels: BTreeSet<&String> = exported.values().flatten().collect();
    for query in &queries {
        for (name, conditions) in selectors(query) {
            // In `by (…)` stand labels, some of which look like metrics.
            if labels.contains(&name) || RARE.contains(&name.as_str()) {
                continue;
            }
            let has = exported.get(&name);
            let has = has.unwrap_or_else(|| panic!("{name} is exported, for {query}"));
            for (label, _) in conditions {
                let scraped = label == "instance";
                assert!(
                    scraped || has.contains(&label),
                    "{name} has {label}, for {query}"
                );
            }
        }
    }
}

#[test]
fn what_alerts_and_panels_look_for_are_words_of_ours() {
    let rails: Value = serde_json::from_str(
        r#"["cold_start","floor","exploration","ceiling","rate_cap","announced","in_flight_limit"]"#,
    )
    .unwrap();
    let rails: Vec<Rail> = serde_json::from_value(rails).unwrap();
    let known: [(&str, Vec<&str>); 4] = [
        ("rail", rails.into_iter().map(Rail::label).collect()),
        (
            "state",
            [&State::ALL.map(State::label)[..], &Membership::LABELS].concat(),
        ),
        (
            "outcome",
            [Outcome::ALL.map(Outcome::label).to_vec(), vec!["kept"]].concat(),
        ),
        ("kind", Outcome::ALL.map(Outcome::label).to_vec()),
    ];
    for query in queries(&dashboard()).into_iter().chain(alerts()) {
        for (label, value) in selectors(&query).into_iter().flat_map(|(_, all)| all) {
            let words = known.iter().find(|(name, _)| *name == label);
            for word in value.split('|') {
                let is_ours = words.is_none_or(|(_, words)| words.contains(&word));
                assert!(is_ours, "{label}={word:?} exists, for {query}");
            }
        }
    }
}

#[test]
fn the_dashboards_panels_lie_side_by_side_and_read_the_chosen_source() {
    let dashboard = dashboard();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64()), "{title} has its own id");
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
        assert!(x + w <= 24, "{title} ends within the page");
        for cell in (y..y + h).flat_map(|y| (x..x + w).map(move |x| (x, y))) {
            assert!(taken.insert(cell), "{title} covers nobody");
        }
        for target in panel["targets"].as_array().into_iter().flatten() {
            let source = &target["datasource"]["uid"];
            assert_eq!(source, "${datasource}", "{title}");
        }
        let is_row = panel["type"] == "row";
        let is_told = panel["description"]
            .as_str()
            .is_some_and(|it| !it.is_empty());
        assert!(is_row || is_told, "{title} says what it shows");
    }
}

/// What `check` says of the chart's own files with this at the end of `base.toml`.
fn checked(added: &str) -> (Option<i32>, String) {
    let values: Value = yaml_serde::from_str(&read("helm/weighbridge/values.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in values["config"].as_object().unwrap() {
        let more = if name == "base.toml" { added } else { "" };
        let text = format!("{}\n{more}", text.as_str().unwrap());
        fs::write(folder.path().join(name), text).unwrap();
    }
    let environment = values["environment"].as_str().unwrap();
    let output = weighbridge()
        .args(["check", "--env", environment, "--config"])
        .arg(folder.path())
        .env("REDIS_PASSWORD", "a-password-of-the-secret")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn the_charts_own_configuration_is_good() {
    let (status, said) = checked("");
    assert_eq!(status, Some(0), "{said}");
}

#[cfg(feature = "redis")]
#[test]
fn the_charts_own_configuration_is_good_with_what_redis_url_adds() {
    let template = read("helm/weighbridge/templates/configmap.yaml");
    for line in ["[cluster]", "url = {{ $.Values.redis.url | quote }}"] {
        assert!(template.contains(line), "{line}");
    }
    let (status, said) = checked(
        "[cluster]\nurl = \"redis://:${REDIS_PASSWORD:?}@redis:6379\"\nnamespace = \"default.check-weighbridge\"\n",
    );
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("a-password-of-the-secret"), "{said}");
}

#[test]
fn the_charts_version_is_the_programs() {
    let chart: Value = yaml_serde::from_str(&read("helm/weighbridge/Chart.yaml")).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}
