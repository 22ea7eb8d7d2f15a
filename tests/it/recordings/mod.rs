//! Every recorded answer through its adapter and every front.
//!
//! A success is read by the adapter of its words, in chunks of seven bytes where it streams, and written for every client
//! that could have asked. What is written must be valid by the provider's own schemas, and must say what the recording says:
//! text, calls of tools, why it ended, tokens; and it costs prices times tokens. Both sides of that are read by plain code in `said` that shares nothing with
//! the program. Errors must mean what their row says.
//!
//! The recordings and the schemas belong to others and are where `WEIGHBRIDGE_DATA` says; without it the same code runs on
//! the project's own fixtures, without the schemas.

mod errors;
mod fixtures;
mod order;
mod priced;
mod recording;
mod replay;
mod said;
mod schema;

use std::collections::BTreeMap;
use std::path::PathBuf;

use priced::Prices;
use recording::Recording;
use replay::Replay;
pub(crate) use said::Usage;
use schema::Schemas;

/// What became of many recordings.
#[derive(Default)]
struct Tally {
    used: BTreeMap<String, usize>,
    unused: Vec<String>,
    fronts: usize,
    prices: Prices,
    wrong: Vec<String>,
}

impl Tally {
    fn replay(&mut self, recording: &Recording, schemas: Option<&Schemas>) {
        if recording.status != 200 {
            let wrong = errors::check(recording);
            let replay = Replay {
                wrong,
                ..Replay::default()
            };
            self.count("error", recording, replay);
            return;
        }
        match recording.api() {
            Ok(api) => {
                let mut replay = replay::success(recording, api, schemas);
                self.prices.check(recording, &mut replay);
                let kind = if recording.stream { "stream" } else { "unary" };
                self.count(&format!("{api:?} {kind}"), recording, replay);
            }
            Err(reason) => self.unused.push(format!("{}: {reason}", recording.name)),
        }
    }

    fn count(&mut self, kind: &str, recording: &Recording, replay: Replay) {
        *self.used.entry(kind.to_owned()).or_default() += 1;
        self.fronts += replay.fronts;
        let wrong = replay.wrong.into_iter();
        self.wrong
            .extend(wrong.map(|wrong| format!("{}: {wrong}", recording.name)));
    }

    fn all_used(&self) -> usize {
        self.used.values().sum()
    }
}

#[test]
fn every_recording_is_answered_on_every_front() {
    let Some(data) = std::env::var_os("WEIGHBRIDGE_DATA").map(PathBuf::from) else {
        println!("skipped: WEIGHBRIDGE_DATA is not set");
        return;
    };
    let schemas = Schemas::read(&data);
    let recordings = recording::all(&data);
    let mut tally = Tally {
        prices: Prices::published(&data),
        ..Tally::default()
    };
    for recording in &recordings {
        tally.replay(recording, Some(&schemas));
    }
    errors::check_quoted(&data);
    println!(
        "{} of {} recordings used, written {} times; by kind: {:?}",
        tally.all_used(),
        recordings.len(),
        tally.fronts,
        tally.used
    );
    println!("checked by schemas: {:?}", schemas.checked.borrow());
    println!("{}", tally.prices);
    println!("not used:\n  {}", tally.unused.join("\n  "));
    assert!(
        tally.wrong.is_empty(),
        "{} are wrong:\n{}",
        tally.wrong.len(),
        tally.wrong.join("\n")
    );
    assert!(recordings.len() >= 215, "all are there");
    let used = tally.all_used();
    assert_eq!(
        (used + tally.unused.len(), tally.unused.len()),
        (recordings.len(), 5),
        "all are used but four of InvokeModel and one of Cohere's version 1"
    );
    assert!(
        tally.prices.count_published() >= 100,
        "most have a published price"
    );
}

#[test]
fn every_fixture_is_answered_on_every_front() {
    let mut tally = Tally::default();
    for recording in fixtures::all() {
        tally.replay(&recording, None);
    }
    assert!(tally.wrong.is_empty(), "wrong:\n{}", tally.wrong.join("\n"));
    assert_eq!(tally.unused, [""; 0], "all are used");
    assert_eq!(
        tally.used.len(),
        15,
        "seven interfaces, both ways, and errors"
    );
}

#[test]
fn a_stream_reads_the_same_wherever_it_is_cut() {
    let streams = fixtures::all().into_iter().filter(|fixture| fixture.stream);
    let (mut read, mut watched) = (0, 0);
    for fixture in streams {
        let api = fixture.api().unwrap();
        read += wherever_cut(&fixture, |chunks| api.read_stream(chunks.iter().copied()));
        watched += wherever_cut(&fixture, |chunks| api.watch_stream(chunks));
    }
    assert_eq!(read, 6, "every adapter has a stream");
    assert_eq!(watched, 4, "and so has everything that passes as it is");
}

/// Reads a fixture in two chunks, cut at every byte, and whole; tells how many ways there are to read it: one or none.
fn wherever_cut<T: std::fmt::Debug + PartialEq>(
    fixture: &Recording,
    read: impl Fn(&[&[u8]]) -> Option<T>,
) -> usize {
    let Some(whole) = read(&[&fixture.body]) else {
        return 0;
    };
    for at in 0..=fixture.body.len() {
        let (head, tail) = fixture.body.split_at(at);
        let cut = read(&[head, tail]);
        assert_eq!(cut.as_ref(), Some(&whole), "{} cut at {at}", fixture.name);
    }
    1
}
