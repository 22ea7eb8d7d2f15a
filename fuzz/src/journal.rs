//! The journal: what is read is written and read again as the same, and a replay of anything ends in a report.

use weighbridge::journal::{Line, Place, Replay, text};

/// Lines that are looked at: a tick of a replay is work.
const MOST_LINES: usize = 64;

/// What the target claims, of a file of a journal.
///
/// # Panics
/// A claim does not hold.
pub fn run(data: &[u8]) {
    let mut replay = Replay::new();
    let mut lines = 0;
    for bytes in data.split(|byte| *byte == b'\n').take(MOST_LINES) {
        if let Ok(line) = Line::read(bytes) {
            let written = text(&line).expect("what was read has text keys");
            let again = Line::read(written.as_bytes())
                .unwrap_or_else(|error| panic!("expected to read {written} again: {error}"));
            let twice = text(&again).expect("what was read has text keys");
            assert_eq!(twice, written, "read, written, read, written");
        }
        lines += 1;
        let place = Place {
            file: "0.jsonl".to_owned(),
            line: lines,
        };
        replay.line(&place, bytes, true);
    }
    let report = replay.report();
    assert_eq!(report.lines, lines, "every line is counted");
}
