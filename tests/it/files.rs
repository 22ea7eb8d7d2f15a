//! What can happen to the files of a daemon that serves: whatever it finds there, the last good configuration goes on, and
//! whoever saves a good one is heard once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::client::Client;
use super::daemon::{Daemon, live, until};

/// A key that must not come out, wherever the file breaks.
const SECRET: &str = "sk-canary-0123456789abcdef";

/// A configuration with this weight and a credential in it.
fn good(weight: u32) -> String {
    format!(
        r#"config_version = 1
[providers.a]
kind = "simulated"
law = {{ ttft_ms = 2, tpot_ms = 0.1, spread = 0.2, error_rate = 0 }}
[providers.elsewhere]
kind = "openai"
api_key = "{SECRET}"
base_url = "http://127.0.0.1:9/v1"
[routes.chat.targets]
a = {{ use = "a/m", weight = {weight} }}
b = {{ use = "elsewhere/m", weight = 0 }}
"#
    )
}

const ASK: &str = r#"{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}"#;

/// What a broken file is made of.
enum Broken {
    Bytes(Vec<u8>),
    /// A folder in its place.
    Folder,
    /// A link that leads nowhere, or to itself.
    Link(&'static str),
    /// Nothing at all.
    Gone,
}

fn broken() -> Vec<(String, Broken)> {
    let whole = good(7);
    let mut all: Vec<(String, Broken)> = (1..50)
        .map(|cut| whole.len() * cut / 50)
        .map(|cut| {
            // Some beginnings are a configuration; a line that is none makes sure.
            let text = format!("{}\n= \"{SECRET}", &whole[..cut]);
            (format!("cut at {cut}"), Broken::Bytes(text.into_bytes()))
        })
        .collect();
    let text = |from: &str, to: &str| Broken::Bytes(whole.replacen(from, to, 1).into_bytes());
    let utf16 = whole.encode_utf16().flat_map(u16::to_le_bytes);
    let more = [
        ("empty", Broken::Bytes(Vec::new())),
        ("a byte that is no text", Broken::Bytes(vec![0xff; 100])),
        (
            "UTF-16",
            Broken::Bytes([0xff, 0xfe].into_iter().chain(utf16).collect()),
        ),
        (
            "zeros, as after a crash",
            Broken::Bytes(vec![0; whole.len()]),
        ),
        (
            "ten megabytes",
            Broken::Bytes(format!("{whole}#{}", "x".repeat(10 << 20)).into_bytes()),
        ),
        (
            "ten megabytes of tables",
            Broken::Bytes("[a]\n".repeat(2_500_000).into_bytes()),
        ),
        (
            "a table twice",
            text("[providers.a]", "[providers.elsewhere]"),
        ),
        (
            "a variable that is not set",
            text(SECRET, "${NO_SUCH_VARIABLE:?}"),
        ),
        (
            "no target",
            text("[routes.chat.targets]", "[routes.chat]\n#"),
        ),
        ("a negative weight", text("weight = 7", "weight = -7")),
        ("a key that nobody knows", text("kind =", "knid =")),
        (
            "a credential without its quote",
            text(&format!("{SECRET}\""), SECRET),
        ),
        ("a credential as a table", text("api_key = ", "[api_key.")),
        ("a folder", Broken::Folder),
        ("a link to nowhere", Broken::Link("no-such-file")),
        ("a link to itself", Broken::Link("live.toml")),
        ("gone", Broken::Gone),
    ];
    all.extend(more.map(|(name, broken)| (name.to_owned(), broken)));
    all
}

fn clear(file: &Path) {
    if file.is_dir() && !file.is_symlink() {
        fs::remove_dir(file).unwrap();
    } else if file.is_symlink() || file.exists() {
        fs::remove_file(file).unwrap();
    }
}

fn put(file: &Path, broken: &Broken) {
    match broken {
        Broken::Bytes(bytes) => {
            let new = file.with_extension("new");
            fs::write(&new, bytes).unwrap();
            fs::rename(new, file).unwrap();
        }
        Broken::Folder => {
            clear(file);
            fs::create_dir(file).unwrap();
        }
        Broken::Link(target) => {
            clear(file);
            symlink(target, file).unwrap();
        }
        Broken::Gone => clear(file),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_the_file_the_last_good_one_serves() {
    let folder = tempfile::tempdir().unwrap();
    let file = live(folder.path());
    fs::write(&file, good(1)).unwrap();
    let daemon = Daemon::start(folder.path());
    let client = Client::new(daemon.data);
    let before = daemon.generation().await;
    let all = broken();
    for (name, broken) in &all {
        put(&file, broken);
        let (status, answer) = daemon.reload().await;
        assert_eq!(status, 409, "{name}: {answer}");
        let problems = answer["problems"].as_array().unwrap();
        assert!(!problems.is_empty(), "{name}: it is said what is wrong");
        assert!(
            !answer.to_string().contains(SECRET),
            "{name}: and no more: {answer}"
        );
        let (status, health) = daemon.get("/healthz").await;
        assert_eq!(status, 200, "{name}: the daemon is well");
        assert!(!health.contains(SECRET), "{name}: {health}");
        let got = client.chat(ASK).await.unwrap();
        assert_eq!(
            got.status, 200,
            "{name}: the last good one serves: {}",
            got.body
        );
        clear(&file);
    }
    assert_eq!(
        daemon.generation().await,
        before,
        "nothing was put in force"
    );
    fs::write(&file, good(2)).unwrap();
    let (status, answer) = daemon.reload().await;
    assert_eq!(status, 200, "and a good one is taken again: {answer}");
    println!("tally: {} bad inputs", all.len());
    daemon.terminate();
    let ended = daemon.ended().await;
    assert!(!ended.log.contains(SECRET), "nor does the log");
}

/// Writes a text into a file.
type Save = fn(&Path, &str);

/// Ways to save, as editors and tools do it.
const SAVES: [(&str, Save); 6] = [
    ("over it", |file, text| fs::write(file, text).unwrap()),
    ("another in its place", |file, text| {
        let new = file.with_extension("tmp");
        fs::write(&new, text).unwrap();
        fs::rename(new, file).unwrap();
    }),
    ("as vim does", |file, text| {
        let (folder, backup) = (file.parent().unwrap(), file.with_extension("toml~"));
        let probe = folder.join("4913");
        fs::write(&probe, "").unwrap();
        fs::remove_file(probe).unwrap();
        fs::rename(file, &backup).unwrap();
        fs::write(file, text).unwrap();
        fs::remove_file(backup).unwrap();
    }),
    ("as emacs does", |file, text| {
        let lock = file.parent().unwrap().join(".#live.toml");
        symlink("someone@somewhere.1", &lock).unwrap();
        fs::copy(file, file.with_extension("toml~")).unwrap();
        fs::write(file, text).unwrap();
        fs::remove_file(lock).unwrap();
    }),
    ("as sed -i does", |file, text| {
        let weight = text.lines().find(|line| line.starts_with("a = ")).unwrap();
        let script = format!("s|^a = .*|{weight}|");
        let status = Command::new("sed").arg("-i").arg(script).arg(file).status();
        assert!(status.unwrap().success(), "sed is there");
    }),
    ("gone for a while", |file, text| {
        fs::remove_file(file).unwrap();
        std::thread::sleep(Duration::from_millis(600));
        fs::write(file, text).unwrap();
    }),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_save_is_one_change_and_nothing_else_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = live(folder.path());
    fs::write(&file, good(1)).unwrap();
    let daemon = Daemon::start(folder.path());
    let mut generation = daemon.generation().await;
    for (number, (name, save)) in (2_u32..).zip(SAVES) {
        save(&file, &good(number));
        generation += 1;
        until(&format!("{name}: it must be seen"), async || {
            (daemon.generation().await >= generation).then_some(())
        })
        .await;
    }
    // What changes nothing: another time, what editors leave beside it, the same text again.
    let same = fs::read_to_string(&file).unwrap();
    fs::File::open(&file)
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    for name in [
        "live.toml.swp",
        "#live.toml#",
        "live.toml.orig",
        "notes.txt",
    ] {
        fs::write(folder.path().join(name), "config_version = 99").unwrap();
    }
    fs::write(&file, same).unwrap();
    let last = 2 + u32::try_from(SAVES.len()).unwrap();
    SAVES[1].1(&file, &good(last));
    until("the last one must be seen", async || {
        (daemon.generation().await > generation).then_some(())
    })
    .await;
    assert_eq!(
        daemon.generation().await,
        generation + 1,
        "one change for each save"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_a_provider_that_is_taken_out_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = live(folder.path());
    let config = |provider: &str| {
        format!(
            r#"config_version = 1
[providers.{provider}]
kind = "simulated"
law = {{ ttft_ms = 5, tpot_ms = 10, spread = 0, error_rate = 0 }}
[routes.chat.targets]
only = {{ use = "{provider}/m" }}
"#
        )
    };
    fs::write(&file, config("old")).unwrap();
    let daemon = Daemon::start(folder.path());
    let client = Client::new(daemon.data);
    let ask = r#"{"model":"chat","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}"#;
    let mut stream = client.open(ask).await.unwrap();
    let mut text = stream.chunk().await.unwrap().unwrap().to_vec();
    fs::write(&file, config("new")).unwrap();
    let (status, answer) = daemon.reload().await;
    assert_eq!(status, 200, "{answer}");
    let got = client.chat(ASK).await.unwrap();
    assert_eq!(
        got.header("x-weighbridge-provider"),
        "new",
        "what comes now goes there"
    );
    while let Some(chunk) = stream.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
}
