use std::collections::BTreeMap;

use super::*;
use crate::balance::{Input, Memory, Plan, RouteInput, RouteSpec, UpstreamInput, even_route, step};
use crate::journal::{
    CheckpointLine, ConfigLine, Place, PlannedRoute, PlannedUpstream, Replay, Report, program,
};
use crate::live::Ticked;
use crate::model::UpstreamName;

/// A controller of two targets that writes its ticks to a folder.
struct World {
    writer: Writer,
    plan: Plan,
    memory: Memory,
    n: u64,
}

impl World {
    fn new(dir: &Path, file_size: u64) -> Self {
        let plan = Plan::new(vec![spec()], []);
        Self {
            writer: Writer {
                journal: Arc::new(Journal::new()),
                dir: dir.to_owned(),
                file_size,
                clock: Clock::start(),
                file: None,
                prices: Vec::new(),
                retry_at: Time::ZERO,
                is_failing: false,
                wants_new: false,
                why: "the queue was full",
            },
            memory: Memory::new(&plan),
            plan,
            n: 0,
        }
    }

    fn now(&self) -> Time {
        Time::from_secs_f64(self.n as f64 / 4.0)
    }

    /// What the controller does at a tick, and then the writer; `reset` is something else that changes the memory.
    fn tick(&mut self, reset: bool) {
        let now = self.now();
        if reset {
            self.memory = Memory::new(&self.plan);
        }
        if reset || self.writer.journal.wants_heading(now) {
            let heading = self.heading(!reset && self.n > 0);
            self.writer.journal.headed(heading);
        }
        self.n += 1;
        let input = input(self.n);
        let stepped = step(&self.plan, &mut self.memory, &input);
        self.writer.journal.ticked(Ticked {
            n: self.n,
            input,
            stepped: Some(stepped),
        });
        self.write();
    }

    fn heading(&self, continues: bool) -> Heading {
        let upstream = |name: &UpstreamName| PlannedUpstream {
            name: name.clone(),
            price: None,
        };
        Heading {
            config: ConfigLine {
                at: self.now(),
                unix_us: 1_795_896_885_000_000,
                program: program(),
                generation: 1,
                routes: vec![PlannedRoute {
                    spec: spec(),
                    obeyed: true,
                }],
                upstreams: self.plan.upstreams().iter().map(upstream).collect(),
                config: serde_json::Value::Null,
            },
            checkpoint: CheckpointLine {
                at: self.now(),
                next: self.n + 1,
                continues,
                memory: self.memory.clone(),
            },
        }
    }

    fn write(&mut self) {
        for entry in self.writer.journal.take(Duration::ZERO).unwrap_or_default() {
            self.writer.entry(entry);
        }
        self.writer.ask_for_more();
    }
}

fn spec() -> RouteSpec {
    let used = |name: &str| UpstreamName::new(&format!("{name}/m")).unwrap();
    even_route("chat", &[("a", used("a")), ("b", used("b"))])
}

/// Tick `n`: ten requests a second, and `a` grows slow.
fn input(n: u64) -> Input {
    let upstream = |slowness: f64| {
        let mut told = UpstreamInput::default();
        told.batch.dispatched = [1, 0];
        told.batch.classes[0] = 1;
        told.batch.first_token.add(slowness);
        told.batch.per_token.add(slowness);
        told
    };
    let slow = 1.0 + 0.01 * n as f64;
    Input {
        now: Time::from_secs_f64(n as f64 / 4.0),
        elapsed: 0.25,
        upstreams: vec![upstream(slow), upstream(1.0 / 3.0 + 0.7)],
        routes: vec![RouteInput {
            arrivals: 2,
            picked: vec![1, 1],
            scores: Vec::new(),
        }],
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

fn replayed(files: &BTreeMap<String, Vec<u8>>) -> Report {
    let mut replay = Replay::new();
    for (file, bytes) in files {
        for (i, text) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let place = Place {
                file: file.clone(),
                line: i as u64 + 1,
            };
            let (text, is_whole) = match text.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (text, false),
            };
            replay.line(&place, text, is_whole);
        }
    }
    replay.report()
}

#[test]
fn files_follow_each_other_and_only_the_last_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path(), 20_000);
    for _ in 0..2_000 {
        world.tick(false);
    }
    drop(world);
    let files = files(dir.path());
    let bytes: usize = files.values().map(Vec::len).sum();
    assert!(
        (280_000..=330_000).contains(&bytes),
        "the oldest are gone, and no more than must: {bytes} bytes"
    );
    for (name, bytes) in &files {
        assert!(
            bytes.starts_with(b"{\"v\":1,\"kind\":\"config\""),
            "{name} can be read alone"
        );
        assert!(bytes.len() < 40_000, "{name} is bounded: {}", bytes.len());
    }
    let report = replayed(&files);
    assert!(report.agrees(), "{report:?}");
    let count = files.len() as u64;
    assert_eq!(report.checkpoints, count);
    assert_eq!(
        report.checkpoints_confirmed,
        count - 1,
        "each file goes on where the last one ended"
    );
    assert!(report.notes.is_empty(), "{report:?}");
}

#[test]
fn starts_that_come_to_nothing_push_no_history_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path(), 60_000);
    for _ in 0..500 {
        world.tick(false);
    }
    drop(world);
    let history = files(dir.path());
    for _ in 0..40 {
        let mut start = World::new(dir.path(), 60_000);
        (0..3).for_each(|_| start.tick(false));
    }
    let after = files(dir.path());
    assert!(after.len() > 40, "each start has a file of its own");
    for name in history.keys() {
        assert!(after.contains_key(name), "{name} is still there");
    }
}

#[test]
fn beyond_a_thousand_files_the_emptiest_go_first() {
    let file = |i: u64| {
        let bytes = if i.is_multiple_of(2) { 900 } else { 10 };
        (format!("{i:06}"), bytes)
    };
    let all: Vec<(String, u64)> = (0..1_010).map(file).collect();
    let gone = superfluous(&all, u64::MAX);
    let expected: Vec<&String> = all
        .iter()
        .skip(1)
        .step_by(2)
        .take(10)
        .map(|it| &it.0)
        .collect();
    assert_eq!(gone, expected, "the ten oldest of the small ones");
    let total: u64 = all.iter().map(|(_, bytes)| bytes).sum();
    let gone = superfluous(&all[..4], 1_000);
    assert_eq!(gone, [&all[0].0], "of {total} bytes the oldest go first");
}

#[test]
fn a_memory_that_begins_anew_is_no_difference() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path(), 1 << 20);
    for n in 0..100 {
        world.tick(n == 50);
    }
    drop(world);
    let report = replayed(&files(dir.path()));
    assert!(report.agrees(), "{report:?}");
    assert_eq!((report.ticks, report.checkpoints), (100, 2));
}

#[test]
fn a_folder_that_is_away_loses_lines_and_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("journal");
    fs::write(&place, "a file where the folder should be").unwrap();
    let mut world = World::new(&place, 1 << 20);
    for _ in 0..10 {
        world.tick(false);
    }
    assert!(world.writer.journal.is_failing(), "it is said");
    assert_eq!(world.writer.journal.lost().ticks, 10, "and counted");
    fs::remove_file(&place).unwrap();
    world.tick(false);
    assert!(!place.exists(), "not tried again at once");
    world.writer.retry_at = Time::ZERO;
    for _ in 0..10 {
        world.tick(false);
    }
    assert!(!world.writer.journal.is_failing(), "it goes again");
    drop(world);
    let report = replayed(&files(&place));
    assert!(report.agrees(), "{report:?}");
    assert!((9..=10).contains(&report.ticks), "{report:?}");
    assert!(
        report.notes[0].contains("ticks and 0 requests were not written"),
        "{report:?}"
    );
}

#[test]
fn a_file_whose_heading_cannot_be_written_is_taken_away_and_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path(), 1 << 20);
    for _ in 0..10 {
        world.tick(false);
    }
    let before = files(dir.path());
    world.writer.failed(&io::Error::other("the disk is full"));
    assert_eq!(files(dir.path()).len(), before.len(), "it can be read");
    for _ in 0..20 {
        world.writer.file = Some(Open::create(dir.path(), 0).unwrap());
        world.writer.failed(&io::Error::other("the disk is full"));
    }
    let after = files(dir.path());
    assert!(after.keys().eq(before.keys()), "{:?}", after.keys());
}

#[test]
fn a_crash_and_a_broken_line_are_said_and_cost_no_more_than_they_must() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path(), 20_000);
    for _ in 0..300 {
        world.tick(false);
    }
    drop(world);
    let mut files = files(dir.path());
    let whole = replayed(&files);
    let first = files.values_mut().next().unwrap();
    first.truncate(first.len() - 40);
    let cut = replayed(&files);
    assert!(cut.agrees(), "{cut:?}");
    assert_eq!(cut.ticks, whole.ticks - 1, "only the cut line is lost");
    assert!(cut.notes[0].contains("cut off"), "{cut:?}");
    let first = files.values_mut().next().unwrap();
    let ends: Vec<usize> = (0..first.len()).filter(|i| first[*i] == b'\n').collect();
    first.splice(ends[4] + 1..ends[5], *b"garbage");
    let broken = replayed(&files);
    assert!(broken.agrees(), "{broken:?}");
    assert!(
        broken.ticks_passed_over > 5,
        "what follows has no memory to start from"
    );
    assert!(
        broken.notes[0].contains(":6: not a line of a journal"),
        "{broken:?}"
    );
    let first = files.values_mut().next().unwrap();
    let ends: Vec<usize> = (0..first.len()).filter(|i| first[*i] == b'\n').collect();
    first.drain(ends[4] + 1..=ends[5]);
    let gone = replayed(&files);
    assert!(
        gone.notes[0].contains("ticks 4 to 4 are missing"),
        "{gone:?}"
    );
}

#[test]
fn a_changed_number_is_a_difference_and_is_said_in_shares() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::new(dir.path(), 1 << 20);
    for _ in 0..200 {
        world.tick(false);
    }
    drop(world);
    let mut files = files(dir.path());
    let bytes = files.values_mut().next().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let arrivals = text.replacen("\"arrivals\":2", "\"arrivals\":3", 150);
    *bytes = arrivals.into_bytes();
    let report = replayed(&files);
    assert!(!report.agrees() && report.different > 0, "{report:?}");
    let first = report.first_difference.unwrap();
    assert_eq!((first.tick, first.place.line), (1, 3), "the first is shown");
    assert!(!first.words.is_empty(), "in words");
}
