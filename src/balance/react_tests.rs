use super::*;

const NOW: Time = Time::from_micros(50_000_000);

fn ended(outcome: Outcome, wait: Option<u64>) -> Event {
    Event::Finished(Finished {
        outcome,
        total: Duration::from_secs(1),
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait: wait.map(Duration::from_secs),
    })
}

fn hear(watch: &mut Watch, event: &Event, probe: bool) -> Reaction {
    let happened = Happened {
        event,
        kind: AnswerKind::Unary,
        started: NOW,
        probe,
        gap_counted: false,
        now: NOW,
    };
    react(watch, &happened)
}

#[test]
fn one_refused_credential_ejects_nobody_and_two_in_a_row_do() {
    for outcome in [Outcome::Auth, Outcome::NoSuchModel] {
        let mut watch = Watch::default();
        let refused = ended(outcome, None);
        for _ in 0..5 {
            assert_eq!(hear(&mut watch, &refused, false).eject, None, "the first");
            hear(&mut watch, &ended(Outcome::Ok, None), false);
        }
        assert_eq!(hear(&mut watch, &refused, false).eject, None);
        hear(&mut watch, &ended(Outcome::ClientFault, None), false);
        let second = hear(&mut watch, &refused, false);
        assert_eq!(second.eject, Some(Cause::OurFault), "the second in a row");
        let third = hear(&mut watch, &refused, false);
        assert_eq!(third.eject, None, "it is ejected once");
    }
}

#[test]
fn a_used_up_quota_and_an_absurd_wait_eject_and_do_not_block() {
    for (outcome, wait, cause) in [
        (Outcome::QuotaExhausted, None, Cause::Quota),
        (Outcome::QuotaExhausted, Some(20), Cause::Quota),
        (Outcome::RateLimited, Some(86_400), Cause::AbsurdWait),
        (Outcome::ServerError, Some(601), Cause::AbsurdWait),
    ] {
        let mut watch = Watch::default();
        let reaction = hear(&mut watch, &ended(outcome, wait), false);
        assert_eq!(reaction.eject, Some(cause), "{outcome:?} {wait:?}");
        assert_eq!(reaction.block_until, None, "a blocked target is not probed");
        let probed = hear(&mut watch, &ended(outcome, wait), true);
        assert_eq!(probed.probe, Some(ProbeResult::Failed(cause)));
    }
}

#[test]
fn a_wait_blocks_for_as_long_as_it_was_asked_for() {
    for (outcome, wait, until) in [
        (Outcome::RateLimited, Some(600), Some(600)),
        (Outcome::RateLimited, None, Some(1)),
        (Outcome::RateLimited, Some(0), None),
        (Outcome::Overloaded, Some(3), Some(3)),
        (Outcome::ServerError, Some(3), Some(3)),
        (Outcome::ServerError, None, None),
    ] {
        let reaction = hear(&mut Watch::default(), &ended(outcome, wait), false);
        let until = until.map(|until| NOW.after(Duration::from_secs(until)));
        assert_eq!(reaction.block_until, until, "{outcome:?} {wait:?}");
        assert_eq!(reaction.eject, None, "{outcome:?} {wait:?}");
    }
}

#[test]
fn a_fault_of_an_extra_request_counts_at_a_serving_target() {
    let mut watch = Watch::default();
    let failed = ended(Outcome::ServerError, None);
    for _ in 0..2 {
        assert_eq!(hear(&mut watch, &failed, true), Reaction::default());
    }
    assert!(watch.fault_sum > 6.0, "found {}", watch.fault_sum);
    let third = hear(&mut watch, &failed, true);
    assert_eq!(third.eject, Some(Cause::Faults), "three in a row eject");
}
