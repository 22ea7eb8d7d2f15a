//! Files change under load: every good one is in force at once, a broken one changes nothing, and no request is lost.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::Client;
use super::daemon::{Daemon, live, machine, until};

/// Changes that are acknowledged.
const ASKED: u64 = 1_000;
/// Changes that nobody tells the daemon of: half by rename, half by swapping a link.
const UNASKED: u64 = 50;
/// A broken file comes after so many good ones.
const BROKEN_EVERY: u64 = ASKED / BROKEN.len() as u64;
/// Within which a change is in force that nobody tells of.
const SEEN: Duration = Duration::from_secs(2);
/// Clients that send one request after the other.
const CLIENTS: u64 = 8;

/// The environment after `change` changes. All have the same length, so that one can be written over another in place.
fn good(change: u64) -> String {
    let weight = 100 + change % 900;
    let total = 20_000 + change;
    let third = if change.is_multiple_of(5) {
        "c = { use = \"c/large\", weight = 100 }"
    } else {
        ""
    };
    let law = "law = { ttft_ms = 2, tpot_ms = 0.1, spread = 0.2, error_rate = 0 }";
    format!(
        r#"config_version = 1
[providers.a]
kind = "simulated"
{law}
[providers.b]
kind = "simulated"
{law}
[providers.c]
kind = "simulated"
{law}
[defaults.deadlines]
total = "{total}ms"
[routes.chat.targets]
a = {{ use = "a/large", weight = {weight} }}
b = {{ use = "b/large", weight = 500 }}
{third:40}
"#
    )
}

/// Files that must not be taken, as changes to a good one.
const BROKEN: [(&str, &str); 20] = [
    ("kind", "knid"),
    ("\"simulated\"", "\"simulatd\""),
    ("\"simulated\"", "\"simulated"),
    ("[providers.a]", "[providers.a"),
    ("[providers.a]", "[providers.b]"),
    ("[providers.a]", "[provider.a]"),
    ("[providers.a]", "[providers.\"\"]"),
    ("\"a/large\"", "\"nobody/large\""),
    ("\"a/large\"", "\"a\""),
    ("\"a/large\"", "\"${NO_SUCH_VARIABLE:?is missing}\""),
    ("weight = 500", "weight = -500"),
    ("weight = 500", "weight = nan"),
    ("weight = 500", "weight = \"much\""),
    ("weight = 500", "wieght = 500"),
    ("weight = 500", "weight = 500, min_share = 1.5"),
    ("ttft_ms = 2", "ttft_ms = -2"),
    ("config_version = 1", "config_version = 999"),
    ("total = \"", "total = \"-"),
    ("[routes.chat.targets]", "[routes.chat.targets"),
    ("[routes.chat.targets]", "# half written:\u{0}"),
];

/// Makes a file look as if it had been written a second ago: the daemon need not wait whether it is whole.
fn age(file: &fs::File) {
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written - Duration::from_secs(1)).unwrap();
}

/// Puts `text` in the place of `file` by renaming another file over it, as editors do.
fn rename_over(file: &Path, text: &str) {
    let new = file.with_extension("new");
    let mut written = fs::File::create(&new).unwrap();
    written.write_all(text.as_bytes()).unwrap();
    age(&written);
    fs::rename(new, file).unwrap();
}

/// Writes `text` over the text of `file`, which is as long: no reader sees less than a whole file.
fn write_over(file: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    age(&file);
}

/// What clients saw.
#[derive(Debug, Default)]
struct Seen {
    stop: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
}

/// Clients that send one request after another until they are stopped.
fn load(daemon: &Daemon) -> (Arc<Seen>, JoinSet<()>) {
    let (seen, mut clients) = (Arc::new(Seen::default()), JoinSet::new());
    for number in 0..CLIENTS {
        let (client, seen) = (Client::new(daemon.data), Arc::clone(&seen));
        let stream = number.is_multiple_of(2);
        let body = format!(
            r#"{{"model":"chat","stream":{stream},"max_tokens":20,"messages":[{{"role":"user","content":"hi"}}]}}"#
        );
        clients.spawn(async move {
            while !seen.stop.load(Ordering::Relaxed) {
                match client.chat(&body).await {
                    Ok(got) if got.is_whole() => seen.answered.fetch_add(1, Ordering::Relaxed),
                    other => {
                        println!("failed: {other:?}");
                        seen.failed.fetch_add(1, Ordering::Relaxed)
                    }
                };
            }
        });
    }
    (seen, clients)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_changes_under_load_lose_nothing() {
    let _machine = machine().await;
    let folder = tempfile::tempdir().unwrap();
    let file = live(folder.path());
    fs::write(&file, good(0)).unwrap();
    let daemon = Daemon::start(folder.path());
    let before = daemon.generation().await;
    let (seen, mut clients) = load(&daemon);

    acknowledged(&daemon, &file, before).await;
    let slowest = unasked(&daemon, folder.path(), before).await;

    seen.stop.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let answered = seen.answered.load(Ordering::Relaxed);
    println!("{answered} requests answered; slowest unasked change {slowest:?}");
    let failed = seen.failed.load(Ordering::Relaxed);
    println!("tally: {answered} requests answered");
    println!("tally: {failed} requests lost");
    println!("tally: {} bad inputs", BROKEN.len());
    assert_eq!(failed, 0, "no failed request");
    assert!(answered > ASKED, "there was load all the while: {answered}");
    until("every request is in the metrics once", async || {
        let counted = daemon.counted("weighbridge_requests_total").await;
        ((counted - answered as f64).abs() < 0.5).then_some(())
    })
    .await;
    assert_eq!(
        daemon.generation().await - before,
        ASKED + UNASKED,
        "the generation rose by exactly the good changes"
    );
}

/// The changes that are asked for, with broken files between them.
async fn acknowledged(daemon: &Daemon, file: &Path, before: u64) {
    let mut broken = BROKEN.iter();
    for change in 1..=ASKED {
        if change.is_multiple_of(2) {
            write_over(file, &good(change));
        } else {
            rename_over(file, &good(change));
        }
        let (status, answer) = daemon.reload().await;
        assert_eq!(status, 200, "change {change} is good: {answer}");
        assert_eq!(
            answer["config_generation"],
            Value::from(before + change),
            "and in force when that is said"
        );
        if change.is_multiple_of(BROKEN_EVERY)
            && let Some((from, to)) = broken.next()
        {
            refused(daemon, file, &good(change).replacen(from, to, 1)).await;
            let generation = daemon.generation().await;
            assert_eq!(generation, before + change, "{to:?} changes nothing");
        }
    }
    assert_eq!(broken.next(), None, "every broken file had its turn");
}

async fn refused(daemon: &Daemon, file: &Path, text: &str) {
    rename_over(file, text);
    let (status, answer) = daemon.reload().await;
    assert_eq!(status, 409, "{text} is refused, not {answer}");
    let problems = answer["problems"].as_array().unwrap();
    assert!(!problems.is_empty(), "and it is said why: {answer}");
    assert_eq!(
        daemon.get("/healthz").await.0,
        200,
        "the daemon is well for all that"
    );
}

/// The changes that nobody tells of. Returns the longest time until one was in force.
async fn unasked(daemon: &Daemon, folder: &Path, before: u64) -> Duration {
    let mut slowest = Duration::ZERO;
    for change in ASKED + 1..=ASKED + UNASKED {
        if change <= ASKED + UNASKED / 2 {
            rename_over(&live(folder), &good(change));
        } else {
            swap(folder, change);
        }
        let written = now();
        let seen = timeout(SEEN, async {
            until("the watcher must see it", async || {
                (daemon.generation().await == before + change).then_some(())
            })
            .await;
        });
        assert!(seen.await.is_ok(), "change {change} within {SEEN:?}");
        slowest = slowest.max(now() - written);
    }
    slowest
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test measures from outside the program"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// Swaps a folder as Kubernetes does with mounted configurations: `live.toml` leads to `..data/live.toml`, and `..data` to
/// a folder of its own for each version; the file itself is never touched.
fn swap(folder: &Path, change: u64) {
    let version = format!("..version-{change}");
    fs::create_dir(folder.join(&version)).unwrap();
    fs::write(folder.join(&version).join("live.toml"), good(change)).unwrap();
    let (data, next) = (folder.join("..data"), folder.join("..data_tmp"));
    let old: Option<PathBuf> = fs::read_link(&data).ok();
    symlink(&version, &next).unwrap();
    fs::rename(&next, &data).unwrap();
    let file = live(folder);
    if !file.is_symlink() {
        let link = folder.join("link");
        symlink("..data/live.toml", &link).unwrap();
        fs::rename(link, file).unwrap();
    }
    if let Some(old) = old {
        fs::remove_dir_all(folder.join(old)).unwrap();
    }
}
