//! Every way in which a target fails: what the client sees of it, and what is counted against whom.
//!
//! Each kind comes alone (one target that always fails so, one retry) and at a fifth of the calls to one of three targets.
//! What was observed is the table of FAILURES.md; `WEIGHBRIDGE_WRITE=1` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::faultd::{Act, Faultd, answer_of, stream_of};
use super::world::{Got, PATIENCE, Plan, Spec, World, ask};
use crate::config::Deadlines;
use crate::model::Outcome;

mod kinds;

use kinds::{Does, Kind, SHORT, Shows};

/// How much later than its deadline a client may hear of it, on a loaded machine.
const SLACK: Duration = Duration::from_secs(3);
/// Requests of each kind that another target can make good: more than 10,000 in all.
const MANY: usize = 560;
/// The same in the long form, with `WEIGHBRIDGE_LONG` set: 10,000 of each kind.
const VERY_MANY: usize = 10_000;
/// Requests of each other kind.
const SOME: usize = 60;
/// Kinds at a time: those that wait for a deadline leave the machine to the others.
const KINDS: usize = 5;
/// Clients of a kind at a time.
const CLIENTS: usize = 8;

/// Every outcome of a call that is a failure; the others are a success, a client that left, a request that was not sent, and
/// a refusal of what was moved, which `conversations` shows.
fn failures() -> impl Iterator<Item = Outcome> {
    let others = [
        Outcome::Ok,
        Outcome::Cancelled,
        Outcome::Refused,
        Outcome::MoveRefused,
    ];
    let all = Outcome::ALL.into_iter();
    all.filter(move |outcome| !others.contains(outcome))
}

/// A place that answers, or does not, with what keeps it so.
struct Place {
    address: SocketAddr,
    faultd: Option<Faultd>,
    _queue: Option<(TcpListener, Vec<TcpStream>)>,
}

impl Place {
    async fn of(act: Act) -> Self {
        let faultd = Faultd::start(act).await;
        Self {
            address: faultd.address,
            faultd: Some(faultd),
            _queue: None,
        }
    }

    /// What `kind` does, every time or at each fifth request; nobody listens sometimes.
    async fn failing(kind: &Kind, always: bool) -> Self {
        match &kind.does {
            Does::Act(act) if always => Self::of(act.clone()).await,
            Does::Act(act) => {
                let mut turns = vec![good(kind.stream); 4];
                turns.insert(2, act.clone());
                Self::of(Act::Turn(turns)).await
            }
            Does::Refuses => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                Self {
                    address: listener.local_addr().unwrap(),
                    faultd: None,
                    _queue: None,
                }
            }
            Does::NeverConnects => Self::full().await,
        }
    }

    /// A listener that accepts nobody and whose queue is full: the system drops what else asks to connect.
    async fn full() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(SHORT, TcpStream::connect(address)).await {
            waiting.push(stream.unwrap());
        }
        Self {
            address,
            faultd: None,
            _queue: Some((listener, waiting)),
        }
    }
}

impl Place {
    /// Nobody holds a connection to it any more.
    async fn is_let_go(&self, kind: &str) {
        if let Some(faultd) = &self.faultd {
            let ended = faultd.connections_ended(faultd.connections());
            let ended = timeout(PATIENCE, ended).await;
            assert!(ended.is_ok(), "{kind}: a connection is left open");
        }
    }
}

fn good(stream: bool) -> Act {
    Act::Answer(if stream {
        stream_of(&["he", "llo"])
    } else {
        answer_of("hello")
    })
}

/// What the client saw, in a few words.
fn seen(got: &Got, stream: bool) -> String {
    let fine = if stream { "[DONE]" } else { "hello" };
    if got.status != 200 {
        return format!("{} `{}`", got.status, got.code());
    }
    if got.body.contains(fine) && got.whole {
        return "the answer".to_owned();
    }
    let last = got.body.trim_end().rsplit("data: ").next();
    let event: serde_json::Value = last
        .and_then(|data| serde_json::from_str(data).ok())
        .unwrap_or_default();
    match event["error"]["code"].as_str() {
        Some(code) => format!("200, content, then an error event `{code}`"),
        None => "200 without an end".to_owned(),
    }
}

async fn start(targets: &[&Place], deadlines: Deadlines, retries: u32) -> World {
    let targets = targets.iter().map(|place| Spec::new(place.address, 1.0));
    let mut plan = Plan::new(targets.collect());
    (plan.deadlines, plan.retries) = (deadlines, retries);
    plan.start().await
}

/// What was counted against each provider.
async fn counted(world: &World) -> BTreeMap<String, BTreeSet<Outcome>> {
    let mut counted = BTreeMap::<_, BTreeSet<_>>::new();
    for (name, outcome) in world.attempts().await {
        counted.entry(name).or_default().insert(outcome);
    }
    counted
}

/// What was observed of a kind that came alone.
struct Alone {
    saw: String,
    attempts: usize,
    outcome: Outcome,
    took: Duration,
}

async fn alone(kind: &Kind) -> Alone {
    let place = Place::failing(kind, true).await;
    let world = start(&[&place], kind.deadlines, 1).await;
    let since = world.proxy.clock.now();
    let got = world.chat(&ask(kind.stream)).await;
    let took = world.proxy.clock.now().since(since);
    let attempts = world.attempts().await;
    let outcomes: BTreeSet<Outcome> = attempts.iter().map(|(_, outcome)| *outcome).collect();
    assert_eq!(
        outcomes.len(),
        1,
        "{}: one kind, one outcome: {attempts:?}",
        kind.name
    );
    let alone = Alone {
        saw: seen(&got, kind.stream),
        attempts: attempts.len(),
        outcome: outcomes.first().copied().unwrap(),
        took,
    };
    let least = alone.deadlines() * SHORT;
    assert!(
        least <= took && took < least + SLACK,
        "{}: {took:?} rather than {least:?}",
        kind.name
    );
    alone
}

impl Alone {
    /// How many deadlines passed, one in each call.
    fn deadlines(&self) -> u32 {
        match self.outcome {
            Outcome::Timeout(_) => u32::try_from(self.attempts).unwrap(),
            _ => 0,
        }
    }

    /// How long the client waited, in words.
    fn waited(&self) -> &'static str {
        match (self.deadlines(), self.attempts) {
            (0, 1) => "at once",
            (0, _) => "a pause",
            (1, _) => "the deadline",
            _ => "two deadlines and a pause",
        }
    }
}

/// At a fifth of the calls to one of three: what the clients saw, how often, and how long each waited.
async fn among_others(kind: &Kind, outcome: Outcome) -> (BTreeMap<String, usize>, Vec<Duration>) {
    let is_long = std::env::var_os("WEIGHBRIDGE_LONG").is_some();
    let requests = match (kind.shows, is_long) {
        (Shows::Before, true) => VERY_MANY,
        (Shows::Before, false) => MANY,
        (Shows::After | Shows::ClientsOwn, _) => SOME,
    };
    let bad = Place::failing(kind, false).await;
    let (one, two) = (
        Place::of(good(kind.stream)).await,
        Place::of(good(kind.stream)).await,
    );
    let world = Arc::new(start(&[&bad, &one, &two], kind.deadlines, 2).await);
    let (mut saw, mut waits) = (BTreeMap::new(), Vec::new());
    for _ in 0..requests.div_ceil(CLIENTS) {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (world, stream) = (Arc::clone(&world), kind.stream);
            clients.spawn(async move {
                let since = world.proxy.clock.now();
                let got = world.chat(&ask(stream)).await;
                (seen(&got, stream), world.proxy.clock.now().since(since))
            });
        }
        while let Some(done) = clients.join_next().await {
            let (saw_this, took) = done.unwrap();
            assert!(took < SHORT + SLACK, "{}: took {took:?}", kind.name);
            *saw.entry(saw_this).or_default() += 1;
            waits.push(took);
        }
        world.let_back();
    }
    let attempts = world.attempts().await;
    let faults = attempts.iter().filter(|(_, seen)| *seen != Outcome::Ok);
    println!("tally: {} faults survived", faults.count());
    let counted = counted(&world).await;
    let Ok(world) = Arc::try_unwrap(world) else {
        panic!("no client is left");
    };
    world.ended().await;
    for place in [&bad, &one, &two] {
        place.is_let_go(kind.name).await;
    }
    assert!(
        counted["p0/m"].contains(&outcome),
        "{}: it must have shown: {counted:?}",
        kind.name
    );
    for (name, outcomes) in &counted {
        let mut strange = outcomes.iter().filter(|seen| **seen != Outcome::Ok);
        // On a machine that stands still for a moment, a short deadline passes anywhere.
        let stood_still = matches!(outcome, Outcome::Timeout(_));
        let is_known = |seen: &&Outcome| (name == "p0/m" || stood_still) && **seen == outcome;
        assert!(
            strange.all(|seen| is_known(&seen)),
            "{}: {name} {outcomes:?}",
            kind.name
        );
    }
    waits.sort_unstable();
    (saw, waits)
}

/// The row of `kind`, and how many requests another target made good. Tells how long it took.
async fn observe(kind: Kind) -> (String, usize) {
    let alone = alone(&kind).await;
    let (others, waits) = among_others(&kind, alone.outcome).await;
    let requests: usize = others.values().sum();
    let fine = others.get("the answer").copied().unwrap_or(0);
    let failed: Vec<&String> = others.keys().filter(|saw| *saw != "the answer").collect();
    let saw = &alone.saw;
    let (shared, made_good) = if kind.shows == Shows::Before {
        assert_eq!(
            fine, requests,
            "{}: no client may see it: {others:?}",
            kind.name
        );
        ("the answer".to_owned(), requests)
    } else {
        assert!(
            fine < requests && fine * 5 > requests * 4,
            "{}: {others:?}",
            kind.name
        );
        assert_eq!(failed, [saw], "{}: as it is alone", kind.name);
        (format!("the answer, else {saw}"), 0)
    };
    println!(
        "{}: alone {:?}; {requests} among others, {fine} answered, in {:?} at the middle, {:?} at the most",
        kind.name,
        alone.took,
        waits[waits.len() / 2],
        waits.last().unwrap()
    );
    let row = format!(
        "| {} | {} | {saw} | {} | {} | `{}` ({}) | {shared} |",
        kind.name,
        if kind.stream { "stream" } else { "document" },
        alone.waited(),
        alone.attempts,
        alone.outcome.label(),
        class_of(alone.outcome),
    );
    (row, made_good)
}

/// The rows of the table in the order of the kinds, some at a time.
async fn observe_all() -> (Vec<String>, usize) {
    let kinds = kinds::all();
    let places = Arc::new(Semaphore::new(KINDS));
    let (mut rows, mut observing) = (vec![String::new(); kinds.len()], JoinSet::new());
    for (at, kind) in kinds.into_iter().enumerate() {
        let places = Arc::clone(&places);
        observing.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            (at, observe(kind).await)
        });
    }
    let mut made_good = 0;
    while let Some(observed) = observing.join_next().await {
        let (at, (row, good)) = observed.unwrap();
        rows[at] = row;
        made_good += good;
    }
    (rows, made_good)
}

fn class_of(outcome: Outcome) -> &'static str {
    use crate::model::Class;
    match outcome.class() {
        Class::Ok => "a success",
        Class::Throttle => "less is sent there",
        Class::Fault => "a fault of the target",
        Class::OurFault => "a fault of the operator's",
        Class::ClientFault => "nothing",
        Class::Cancelled => "nobody's",
    }
}

fn page(rows: &[String]) -> String {
    let mut page = String::from(
        "# Failures\n\n\
         What a client sees of each way in which a target fails, and what is counted against the target.\n\
         The test `proxy::tests::matrix` observes this table and checks that it stands here as it was observed;\n\
         `WEIGHBRIDGE_WRITE=1 cargo test --lib -- proxy::tests::matrix` writes it anew.\n\n\
         *Alone*: one target that always fails so, `retry.count = 1`.\n\
         *Among others*: one of three targets fails so at every fifth call (a refused or missing connection at every call), \
         `retry.count = 2`.\n\
         *After*: the deadline is that of the phase in which the target went silent, a pause is the one before a target that has \
         failed is called again, of half a second at the most. Among others nobody waits for more than one deadline, and for no pause.\n\n\
         | the target | asked for a | the client sees, alone | after | calls | counted against it | among others |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        writeln!(page, "{row}").unwrap();
    }
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_sees_of_each_failure_is_what_the_page_says() {
    let (rows, made_good) = observe_all().await;
    assert!(
        made_good >= 10_000,
        "only {made_good} requests were made good"
    );
    for outcome in failures() {
        let label = format!("`{}`", outcome.label());
        assert!(
            rows.iter().any(|row| row.contains(&label)),
            "no kind shows {label}"
        );
    }
    let page = page(&rows);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("FAILURES.md");
    if std::env::var_os("WEIGHBRIDGE_WRITE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "WEIGHBRIDGE_WRITE=1 writes FAILURES.md anew");
}
