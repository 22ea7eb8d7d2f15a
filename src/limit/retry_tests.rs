use proptest::prelude::*;

use super::*;

const A: Place = Place::Target(TargetIndex(0));
const B: Place = Place::Target(TargetIndex(1));
const NOBODY: Left = left(false, 0);
const MOST: Jitter = Jitter(u32::MAX);

const fn left(untried: bool, fallbacks: usize) -> Left {
    Left {
        untried,
        fallbacks,
        context: 0,
        filter: 0,
    }
}

fn plan() -> Plan {
    Plan::new(2, Duration::from_secs(60))
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn tried(place: Place, outcome: Outcome, ended: u64) -> Tried {
    Tried {
        place,
        outcome,
        status: None,
        wait: None,
        ended: ms(ended),
        delivered: Delivered::Nothing,
    }
}

/// The move at the moment the last attempt ended.
fn after(plan: &Plan, history: &[Tried], left: Left) -> Next {
    let now = history.last().map_or(Duration::ZERO, |last| last.ended);
    next(plan, history, left, now, MOST)
}

/// All but a refusal of what was moved, which is no end of a walk.
fn outcomes() -> Vec<Outcome> {
    let all = Outcome::ALL.into_iter();
    all.filter(|outcome| *outcome != Outcome::MoveRefused)
        .collect()
}

#[test]
fn the_first_move_is_a_target_then_a_fallback_then_none() {
    assert_eq!(after(&plan(), &[], left(true, 1)), Next::TryNext);
    assert_eq!(after(&plan(), &[], left(false, 1)), Next::FallBack(0));
    assert_eq!(after(&plan(), &[], NOBODY), Next::GiveUp);
}

#[test]
fn each_outcome_moves_on_or_returns_as_the_table_says() {
    for outcome in outcomes() {
        let expected = match outcome {
            Outcome::Ok
            | Outcome::ClientFault
            | Outcome::ContextTooLong
            | Outcome::ContentFiltered
            | Outcome::Cancelled => Next::Return,
            Outcome::Timeout(Phase::Request) => Next::GiveUp,
            _ => Next::TryNext,
        };
        let move_ = after(&plan(), &[tried(A, outcome, 10)], left(true, 1));
        assert_eq!(move_, expected, "after {outcome:?} with somebody untried");
    }
}

#[test]
fn nothing_follows_content_that_reached_the_client() {
    for outcome in outcomes() {
        let attempt = Tried {
            delivered: Delivered::Content,
            ..tried(A, outcome, 10)
        };
        assert_eq!(
            after(&plan(), &[attempt], left(true, 3)),
            Next::Return,
            "after {outcome:?} in the middle of an answer"
        );
    }
}

#[test]
fn with_no_codes_only_what_is_not_the_clients_moves_on() {
    let plan = Plan {
        on_codes: vec![],
        fallback_on_codes: vec![],
        ..plan()
    };
    for outcome in outcomes() {
        let expected = match outcome {
            Outcome::Auth | Outcome::NoSuchModel | Outcome::Refused => Next::TryNext,
            _ => Next::Return,
        };
        let move_ = after(&plan, &[tried(A, outcome, 10)], left(true, 0));
        assert_eq!(move_, expected, "after {outcome:?} with empty codes");
    }
}

#[test]
fn a_status_counts_as_itself() {
    let only = |codes: &[u16]| Plan {
        on_codes: codes.to_vec(),
        fallback_on_codes: vec![],
        ..plan()
    };
    let check = |codes: &[u16], outcome, status, expected| {
        let attempt = Tried {
            status,
            ..tried(A, outcome, 10)
        };
        let move_ = after(&only(codes), &[attempt], left(true, 0));
        assert_eq!(
            move_, expected,
            "{outcome:?} {status:?} with codes {codes:?}"
        );
    };
    check(&[500], Outcome::ServerError, Some(500), Next::TryNext);
    check(&[500], Outcome::ServerError, Some(501), Next::Return);
    check(&[529], Outcome::Overloaded, Some(529), Next::TryNext);
    check(&[503], Outcome::Overloaded, Some(529), Next::Return);
    check(&[408], Outcome::Timeout(Phase::Header), None, Next::TryNext);
    check(&[504], Outcome::Timeout(Phase::Header), None, Next::Return);
    check(&[502], Outcome::Malformed, Some(200), Next::TryNext);
    check(&[502], Outcome::CutStream, Some(200), Next::TryNext);
    check(&[402], Outcome::QuotaExhausted, Some(402), Next::TryNext);
    check(&[429], Outcome::QuotaExhausted, Some(402), Next::TryNext);
}

#[test]
fn fallbacks_come_in_order_after_the_targets() {
    let failed = |place| tried(place, Outcome::ServerError, 10);
    let plan = Plan::new(9, Duration::from_secs(60));
    let mut history = vec![failed(A), failed(B)];
    for index in 0..3 {
        assert_eq!(
            after(&plan, &history, left(false, 3)),
            Next::FallBack(index)
        );
        history.push(failed(Place::Fallback(index)));
    }
    assert!(
        matches!(
            after(&plan, &history, left(false, 3)),
            Next::RetrySame { .. }
        ),
        "only when nobody is left does it go back"
    );
}

#[test]
fn a_code_of_the_fallbacks_alone_skips_the_targets() {
    let plan = Plan {
        on_codes: vec![429],
        ..plan()
    };
    let history = [tried(A, Outcome::ServerError, 10)];
    assert_eq!(after(&plan, &history, left(true, 1)), Next::FallBack(0));
    let history = [
        history[0],
        tried(Place::Fallback(0), Outcome::ServerError, 20),
    ];
    assert_eq!(
        after(&plan, &history, left(true, 1)),
        Next::GiveUp,
        "500 is not a code to try the same place again for"
    );
}

#[test]
fn attempts_are_counted_and_refusals_are_not() {
    let failed = tried(A, Outcome::ServerError, 10);
    let refused = tried(B, Outcome::Refused, 10);
    let everybody = left(true, 3);
    assert_eq!(after(&plan(), &[failed; 2], everybody), Next::TryNext);
    assert_eq!(after(&plan(), &[failed; 3], everybody), Next::GiveUp);
    assert_eq!(
        after(&plan(), &[refused, refused, refused, failed], everybody),
        Next::TryNext
    );
    let none = Plan::new(0, Duration::from_secs(60));
    assert_eq!(after(&none, &[failed], everybody), Next::GiveUp);
}

#[test]
fn the_same_place_is_tried_again_after_a_growing_wait() {
    let plan = Plan::new(9, Duration::from_secs(600));
    for (tries, most) in [(1, 500), (2, 1000), (3, 2000), (5, 8000), (8, 8000)] {
        let history = vec![tried(A, Outcome::ServerError, 10); tries];
        let expected = Next::RetrySame {
            place: A,
            after: ms(most),
        };
        assert_eq!(
            after(&plan, &history, NOBODY),
            expected,
            "after {tries} tries"
        );
        let soonest = next(&plan, &history, NOBODY, ms(10), Jitter(0));
        let expected = Next::RetrySame {
            place: A,
            after: Duration::ZERO,
        };
        assert_eq!(soonest, expected, "full jitter reaches down to nothing");
    }
}

#[test]
fn a_providers_wait_is_kept_and_time_that_passed_is_taken_off() {
    let limited = |place, wait, ended| Tried {
        wait: Some(ms(wait)),
        ..tried(place, Outcome::RateLimited, ended)
    };
    let history = [limited(A, 3000, 0), limited(B, 9000, 1000)];
    let expected = Next::RetrySame {
        place: A,
        after: ms(2000),
    };
    assert_eq!(after(&plan(), &history, NOBODY), expected);
}

#[test]
fn a_wait_beyond_the_deadline_gives_up_at_once() {
    let limited = Tried {
        wait: Some(Duration::from_secs(60)),
        ..tried(A, Outcome::RateLimited, 10)
    };
    assert_eq!(after(&plan(), &[limited], NOBODY), Next::GiveUp);
    let late = next(
        &plan(),
        &[tried(A, Outcome::Transport, 10)],
        left(true, 1),
        ms(60_000),
        MOST,
    );
    assert_eq!(late, Next::GiveUp, "the time for the request is over");
}

#[test]
fn what_waiting_cannot_mend_is_not_tried_again() {
    for outcome in [
        Outcome::Auth,
        Outcome::NoSuchModel,
        Outcome::QuotaExhausted,
        Outcome::Refused,
    ] {
        assert_eq!(
            after(&plan(), &[tried(A, outcome, 10)], NOBODY),
            Next::GiveUp,
            "after {outcome:?}"
        );
    }
    let history = [
        tried(A, Outcome::Transport, 10),
        tried(B, Outcome::Auth, 20),
    ];
    assert!(
        matches!(
            after(&plan(), &history, NOBODY),
            Next::RetrySame { place: A, .. }
        ),
        "the other place may have come back"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
    #[test]
    fn a_request_always_ends_within_its_attempts_and_its_time(
        outcomes in proptest::collection::vec(proptest::sample::select(outcomes()), 64),
        retries in 0u32..6, targets in 0u16..5, fallbacks in 0usize..4,
        waits in proptest::collection::vec(proptest::option::of(0u64..30_000), 64),
        jitter in any::<u32>(),
    ) {
        let plan = Plan::new(retries, Duration::from_secs(60));
        let (mut history, mut now, mut untried) = (Vec::new(), Duration::ZERO, 0..targets);
        for (outcome, wait) in outcomes.into_iter().zip(waits) {
            let left = left(!untried.is_empty(), fallbacks);
            let place = match next(&plan, &history, left, now, Jitter(jitter)) {
                Next::TryNext => Place::Target(TargetIndex(untried.next().expect("one was left"))),
                Next::FallBack(index) => Place::Fallback(index),
                Next::RetrySame { place, after } => {
                    now += after;
                    prop_assert!(now < plan.total, "a wait past the deadline");
                    place
                }
                Next::GiveUp | Next::Return => break,
            };
            now += ms(100);
            history.push(Tried { wait: wait.map(ms), ..tried(place, outcome, 0) });
            history.last_mut().expect("just pushed").ended = now;
        }
        let sent = history.iter().filter(|tried| tried.outcome != Outcome::Refused).count();
        prop_assert!(sent <= retries as usize + 1, "{sent} attempts with {retries} retries");
        prop_assert!(history.len() < 64, "the request never ended");
    }
}

#[test]
fn a_timeout_at_the_provider_goes_by_its_own_code_as_well() {
    let mut plan = plan();
    plan.on_codes = vec![504];
    let timeout = Tried {
        status: Some(504),
        ..tried(A, Outcome::Timeout(Phase::Header), 10)
    };
    assert_eq!(after(&plan, &[timeout], left(true, 0)), Next::TryNext);
    let ours = tried(A, Outcome::Timeout(Phase::Header), 10);
    plan.fallback_on_codes.clear();
    assert_eq!(after(&plan, &[ours], left(true, 0)), Next::Return);
}

/// Two fallbacks, one place for what is too long, two for what a policy refuses.
const DETOURS: Left = Left {
    untried: true,
    fallbacks: 2,
    context: 1,
    filter: 2,
};

#[test]
fn what_is_too_long_or_refused_takes_its_detour_and_stays_on_it() {
    let too_long = tried(A, Outcome::ContextTooLong, 10);
    let there = |index, outcome| tried(Place::Fallback(index), outcome, 20);
    let go = |history: &[Tried]| after(&plan(), history, DETOURS);
    assert_eq!(go(&[too_long]), Next::FallBack(2));
    assert_eq!(
        go(&[too_long, there(2, Outcome::ContextTooLong)]),
        Next::Return,
        "the list is at its end: the client hears that it is too long"
    );
    assert!(
        matches!(
            go(&[too_long, there(2, Outcome::ServerError)]),
            Next::RetrySame {
                place: Place::Fallback(2),
                ..
            }
        ),
        "never back to those for whom it is too long"
    );
    let refused = tried(A, Outcome::ContentFiltered, 10);
    assert_eq!(go(&[refused]), Next::FallBack(3));
    assert_eq!(
        go(&[refused, there(3, Outcome::ServerError)]),
        Next::FallBack(4)
    );
    let plain = Left {
        context: 0,
        filter: 0,
        ..DETOURS
    };
    assert_eq!(after(&plan(), &[too_long], plain), Next::Return);
}

#[test]
fn a_detour_needs_no_retry() {
    let none = Plan::new(0, Duration::from_secs(60));
    let too_long = tried(A, Outcome::ContextTooLong, 10);
    assert_eq!(after(&none, &[too_long], DETOURS), Next::FallBack(2));
    let said = Tried {
        delivered: Delivered::Content,
        ..too_long
    };
    assert_eq!(after(&none, &[said], DETOURS), Next::Return);
}

#[test]
fn the_usual_fallbacks_are_no_detours() {
    let history = [
        tried(A, Outcome::ServerError, 10),
        tried(Place::Fallback(0), Outcome::ServerError, 20),
        tried(Place::Fallback(1), Outcome::ServerError, 30),
    ];
    let spent = Left {
        untried: false,
        ..DETOURS
    };
    let plan = Plan::new(9, Duration::from_secs(60));
    assert!(matches!(
        after(&plan, &history, spent),
        Next::RetrySame { .. }
    ));
}
