//! Plays incidents at a daemon: the scenarios' own requests at their moments, and a count of what every target was asked.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use weighbridge::law::Law;
use weighbridge::live::Clock;
use weighbridge::mock::Laws;
use weighbridge::model::Time;
use weighbridge::sim::{Arrival, Arrivals, End, Run, Scenario, Served, Tried};

use super::super::client::Client;
use super::super::daemon::{Daemon, live};
use super::providers::Providers;
use super::worlds::{INCIDENTS, Incident, RELOADED, TARGETS, TIMEOUT};

/// Time between two looks at what was counted.
const LOOK: Duration = Duration::from_millis(50);
/// The requests are those of the simulator's runs under this seed.
const SEED: u64 = 1;

/// An incident as it was.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) incident: Incident,
    pub(super) scenario: Scenario,
    pub(super) run: Run,
}

/// The environment: a route for each incident, a provider for each of its targets. The patience is the simulator's.
fn environment(providers: SocketAddr, is_reloaded: bool) -> String {
    let mut text = format!(
        "config_version = 1\n[defaults.deadlines]\nheader_streamed = \"8s\"\nfirst_token = \"8s\"\n\
         between_tokens = \"9500ms\"\ntotal = \"{TIMEOUT}s\"\n"
    );
    for incident in INCIDENTS {
        let name = incident.name;
        let new = incident.reload.filter(|_| is_reloaded);
        for (i, (target, weight)) in TARGETS.into_iter().enumerate() {
            let weight = new.map_or(weight, |weights| weights[i]);
            write!(
                text,
                "[providers.{name}-{target}]\nkind = \"openai\"\napi_key = \"none\"\n\
                 base_url = \"http://{providers}/{name}-{target}/v1\"\n\
                 [routes.{name}.targets.{target}]\nuse = \"{name}-{target}/m\"\nweight = {weight}\n"
            )
            .unwrap();
        }
    }
    text
}

/// Plays all incidents at once, each on a route of its own.
pub(super) async fn play() -> Vec<Played> {
    let clock = Clock::start();
    let providers = Providers::start(clock).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(live(folder.path()), environment(providers.address, false)).unwrap();
    let daemon = Daemon::start(folder.path());
    let scenarios: Vec<Scenario> = INCIDENTS.iter().map(Incident::scenario).collect();
    for (incident, scenario) in INCIDENTS.iter().zip(&scenarios) {
        for (target, told) in &scenario.targets {
            put(&providers.laws, &name(incident, target), &told.law);
        }
    }
    let stage = Stage {
        laws: providers.laws.clone(),
        clock,
        start: clock.now(),
        data: daemon.data,
    };
    let mut playing = JoinSet::new();
    for (at, scenario) in scenarios.iter().enumerate() {
        let (stage, scenario) = (stage.clone(), scenario.clone());
        playing.spawn(async move { (at, stage.play(&INCIDENTS[at], &scenario).await) });
    }
    reload(&daemon, folder.path(), &stage, providers.address).await;
    let mut runs = vec![Run::default(); scenarios.len()];
    while let Some(played) = playing.join_next().await {
        let (at, run) = played.unwrap();
        runs[at] = run;
    }
    providers.end().await;
    let told = INCIDENTS.into_iter().zip(scenarios).zip(runs);
    let played = told.map(|((incident, scenario), run)| Played {
        incident,
        scenario,
        run,
    });
    played.collect()
}

fn name(incident: &Incident, target: &str) -> String {
    format!("{}-{target}", incident.name)
}

fn put(laws: &Laws, name: &str, law: &Law) {
    laws.put(name, law.clone()).unwrap();
}

/// Puts the new weights in force when it is time.
async fn reload(daemon: &Daemon, folder: &Path, stage: &Stage, providers: SocketAddr) {
    stage.until(Time::from_secs_f64(RELOADED)).await;
    fs::write(live(folder), environment(providers, true)).unwrap();
    let (status, answer) = daemon.reload().await;
    assert_eq!(status, 200, "new weights are good: {answer}");
}

/// Where it is played, and since when.
#[derive(Clone, Debug)]
struct Stage {
    laws: Laws,
    clock: Clock,
    start: Time,
    data: SocketAddr,
}

impl Stage {
    /// The time of the story.
    fn now(&self) -> Time {
        Time::ZERO.after(self.clock.now().since(self.start))
    }

    async fn until(&self, at: Time) {
        let at = self.start.after(at.since(Time::ZERO));
        tokio::time::sleep_until(self.clock.instant_of(at)).await;
    }

    /// Sends the requests of `scenario` and watches its targets until the last one is over.
    async fn play(&self, incident: &Incident, scenario: &Scenario) -> Run {
        let names: Vec<String> = scenario
            .targets
            .keys()
            .map(|target| name(incident, target))
            .collect();
        let served = Arc::new(Mutex::new(Vec::new()));
        let (client, mut requests) = (Client::new(self.data), JoinSet::new());
        let (mut counts, mut tried) = (vec![0; names.len()], Vec::new());
        for arrival in Arrivals::of(scenario, SEED) {
            while self.now() < arrival.at {
                self.look(&names, &mut counts, &mut tried);
                self.until(arrival.at.min(self.now().after(LOOK))).await;
            }
            let (stage, client, served) = (self.clone(), client.clone(), Arc::clone(&served));
            let body = body(incident.name, &arrival);
            requests.spawn(async move {
                let got = client.chat(&body).await;
                let answered = got.is_ok_and(|got| got.is_whole_stream());
                let seen = stage.seen(&arrival, answered);
                served.lock().unwrap().push(seen);
            });
        }
        while requests.join_next().await.is_some() {
            self.look(&names, &mut counts, &mut tried);
        }
        self.look(&names, &mut counts, &mut tried);
        let served = std::mem::take(&mut *served.lock().unwrap());
        Run { served, tried }
    }

    /// Notes what targets were asked since the last look.
    fn look(&self, names: &[String], counts: &mut [u64], tried: &mut Vec<Tried>) {
        let at = self.now();
        for (target, (name, count)) in names.iter().zip(counts).enumerate() {
            let requests = self.laws.stats(name).unwrap().requests;
            for _ in *count..requests {
                tried.push(Tried { at, target });
            }
            *count = requests;
        }
    }

    fn seen(&self, arrival: &Arrival, answered: bool) -> Served {
        Served {
            first: None,
            at: arrival.at,
            took: self.now().secs_since(arrival.at),
            end: if answered { End::Answered } else { End::Failed },
            loss: 0.0,
            price: 0.0,
            dollars: 0.0,
            tokens_in: 0,
            cached_in: 0,
            tokens_out: 0,
        }
    }
}

fn body(route: &str, arrival: &Arrival) -> String {
    let words = usize::try_from(arrival.tokens_in).unwrap();
    json!({
        "model": route,
        "stream": true,
        "max_tokens": arrival.tokens_out,
        "messages": [{ "role": "user", "content": "why ".repeat(words) }],
    })
    .to_string()
}
