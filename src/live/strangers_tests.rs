use super::*;
use crate::model::{AnswerKind, Event, Finished, Outcome, Time};

fn name(text: &str) -> UpstreamName {
    UpstreamName::new(text).unwrap()
}

fn refuse(upstream: &Upstream) {
    let key = upstream.begin(Time::ZERO, AnswerKind::Unary, false);
    let end = Finished {
        outcome: Outcome::NoSuchModel,
        total: std::time::Duration::ZERO,
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
        wait: None,
    };
    upstream.record(Time::ZERO, key, &Event::Finished(end));
}

#[test]
fn a_name_is_its_own_from_its_first_answer_on() {
    let strangers = Strangers::default();
    let (good, made_up) = (name("p/good"), name("p/made-up"));
    let shared = strangers.upstream(&good, None);
    assert!(Arc::ptr_eq(&shared, &strangers.upstream(&made_up, None)));
    assert_eq!(shared.name().as_str(), "p/other");
    strangers.served(&good, None);
    let own = strangers.upstream(&good, None);
    assert_eq!(own.name(), &good);
    assert!(Arc::ptr_eq(&shared, &strangers.upstream(&made_up, None)));
}

#[test]
fn made_up_models_never_eject_what_their_provider_shares() {
    let strangers = Strangers::default();
    let shared = strangers.upstream(&name("p/a"), None);
    for _ in 0..20 {
        refuse(&shared);
    }
    assert!(shared.gate().serving, "others use it too");
    strangers.served(&name("p/a"), None);
    let own = strangers.upstream(&name("p/a"), None);
    for _ in 0..2 {
        refuse(&own);
    }
    assert!(!own.gate().serving, "its own gate is its own");
}

#[test]
fn who_has_not_answered_for_longest_makes_room() {
    let strangers = Strangers::default();
    let named = |i: usize| name(&format!("p/m{i}"));
    for i in 0..MOST_STRANGERS {
        strangers.served(&named(i), None);
    }
    let busy = strangers.upstream(&named(1), None);
    let _key = busy.begin(Time::ZERO, AnswerKind::Unary, false);
    strangers.served(&named(0), None);
    let before = strangers.version();
    strangers.served(&name("p/new"), None);
    assert_ne!(
        strangers.version(),
        before,
        "the controller must hear of it"
    );
    assert!(strangers.known("p/new").is_some());
    assert!(strangers.known("p/m2").is_none(), "idle for longest");
    assert!(strangers.known("p/m0").is_some() && strangers.known("p/m1").is_some());
    assert_eq!(strangers.all().len(), MOST_STRANGERS, "bounded");
}
