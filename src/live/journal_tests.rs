use super::*;
use crate::balance::gate::Reason;
use crate::journal::Chosen;
use crate::model::{AnswerKind, Finished, Outcome, UpstreamName};

fn draw() -> DrawLine {
    let end = Finished {
        outcome: Outcome::Ok,
        total: Duration::from_millis(700),
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait: None,
    };
    let chosen = Chosen {
        target: None,
        reason: Reason::Drawn,
        propensity: Some(0.5),
        attempt: 1,
    };
    let upstream = UpstreamName::new("a/m").unwrap();
    DrawLine::new(
        Time::ZERO,
        "chat".into(),
        upstream,
        chosen,
        AnswerKind::Unary,
        &end,
    )
}

fn tick(n: u64) -> Ticked {
    Ticked {
        n,
        input: Input::default(),
        stepped: None,
    }
}

fn kinds(journal: &Journal) -> (usize, usize) {
    let entries = journal.take(Duration::ZERO).unwrap_or_default();
    let ticks = entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Tick(_)))
        .count();
    (ticks, entries.len() - ticks)
}

#[test]
fn a_full_queue_loses_requests_and_no_tick() {
    let journal = Journal::new();
    for _ in 0..MOST_DRAWS + 5 {
        journal.drawn(draw());
    }
    journal.ticked(tick(1));
    assert_eq!(journal.lost(), Lost { ticks: 0, draws: 5 });
    assert_eq!(kinds(&journal), (1, MOST_DRAWS), "the tick found its place");
}

#[test]
fn where_nobody_writes_all_requests_go_before_the_first_tick() {
    let journal = Journal::new();
    for n in 0..MOST_TICKS as u64 {
        journal.drawn(draw());
        journal.ticked(tick(n));
    }
    assert_eq!(journal.lost().ticks, 0, "there was something else to lose");
    assert_eq!(
        journal.lost().draws,
        MOST_TICKS as u64,
        "and all of it is lost"
    );
    journal.ticked(tick(9_999));
    assert_eq!(journal.lost().ticks, 1, "nothing else is left");
    assert!(
        journal.wants_heading(Time::ZERO),
        "what follows needs a beginning"
    );
    assert_eq!(kinds(&journal), (MOST_TICKS, 0));
    assert_eq!(journal.losses().ticks, 1, "told with the next heading");
    assert_eq!(journal.losses(), Lost::default(), "once");
}

#[test]
fn lost_requests_alone_are_told_every_few_seconds() {
    let journal = Journal::new();
    journal.wants_heading.store(false, Ordering::Relaxed);
    journal.not_written(Lost { ticks: 0, draws: 3 });
    assert!(
        !journal.wants_heading(Time::from_secs_f64(4.0)),
        "not at each tick"
    );
    assert!(journal.wants_heading(Time::from_secs_f64(5.0)));
}

#[test]
fn a_writer_that_never_ends_is_not_waited_for() {
    let journal = Journal::new();
    assert!(!journal.close(Duration::from_millis(5)), "it did not end");
    journal.drawn(draw());
    assert_eq!(journal.lost().draws, 1, "closed is closed");
    assert!(journal.take(Duration::ZERO).is_none(), "and empty");
    journal.ended();
    assert!(journal.close(Duration::from_secs(60)), "now it has");
}
