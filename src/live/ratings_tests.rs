use super::*;
use crate::model::{TargetName, UpstreamName};

fn answer(id: u64, at: f64) -> Answer {
    Answer {
        id,
        at: Time::from_secs_f64(at),
        origin: Arc::new(Origin {
            route: "chat".into(),
            served: served(0),
            key: None,
        }),
        given: None,
    }
}

fn served(model: usize) -> Served {
    Served {
        name: Some(TargetName::new("a").unwrap()),
        upstream: UpstreamName::new(&format!("p/m{model}")).unwrap(),
    }
}

#[test]
fn answers_of_one_origin_share_it_and_none_has_anothers() {
    let mut answers = Answers::default();
    let (route, key): (Arc<str>, Arc<str>) = ("chat".into(), "app".into());
    let first = answers.origin(&route, &served(0), Some(&key));
    let again = answers.origin(&route, &served(0), Some(&key));
    assert!(Arc::ptr_eq(&first, &again), "the same parts, one origin");
    let without = answers.origin(&route, &served(0), None);
    let elsewhere = answers.origin(&"other".into(), &served(0), Some(&key));
    assert!((&without.key, &*elsewhere.route) == (&None, "other"));
    for model in 0..3 * RECENT {
        let origin = answers.origin(&route, &served(model), Some(&key));
        assert_eq!(origin.served, served(model), "the one that was asked for");
        assert!(answers.origins.len() <= RECENT, "the oldest make way");
    }
}

fn found(answers: &mut Answers, id: u64, now: f64) -> Option<f64> {
    let answer = answers.find(id, Time::from_secs_f64(now))?;
    Some(answer.at.secs_since(Time::ZERO))
}

#[test]
fn as_many_answers_are_known_as_there_is_room_for() {
    let mut answers = Answers::default();
    for id in 0..MOST as u64 + 3 {
        answers.push(answer(id, 1.0));
    }
    assert_eq!((answers.all.len(), answers.by_id.len()), (MOST, MOST));
    assert_eq!(found(&mut answers, 2, 1.0), None, "washed away");
    assert!(found(&mut answers, 3, 1.0).is_some(), "the oldest");
    assert!(found(&mut answers, MOST as u64 + 2, 1.0).is_some());
}

#[test]
fn a_full_memory_of_answers_grows_no_further() {
    let mut answers = Answers::default();
    let (mut ids, mut queue) = (0, 0);
    for id in 0..6 * MOST as u64 {
        answers.push(answer(id, 1.0));
        ids = ids.max(answers.by_id.capacity());
        queue = queue.max(answers.all.capacity());
    }
    assert_eq!((ids, queue), (114_688, 65_536), "as when it was first full");
}

#[test]
fn an_id_that_is_used_again_is_that_of_the_later_answer() {
    let mut answers = Answers::default();
    answers.push(answer(7, 1.0));
    answers.push(answer(7, 2.0));
    assert_eq!(found(&mut answers, 7, 2.0), Some(2.0));
    for id in 100..100 + MOST as u64 - 1 {
        answers.push(answer(id, 3.0));
    }
    let later = found(&mut answers, 7, 3.0);
    assert_eq!(later, Some(2.0), "the first of the two has gone alone");
}

#[test]
fn of_two_ids_with_one_half_the_later_can_be_rated_and_is_not_taken_for_the_other() {
    let other = 7 + (1 << 32);
    let mut answers = Answers {
        first: (1 << 32) - 2,
        ..Answers::default()
    };
    for id in [7, other, 8] {
        answers.push(answer(id, 1.0));
    }
    let found = [7, other, 8].map(|id| found(&mut answers, id, 1.0).is_some());
    assert_eq!(found, [false, true, true], "also as numbers pass 2³²");
}

#[test]
fn an_answer_of_yesterday_cannot_be_rated() {
    let mut answers = Answers::default();
    answers.push(answer(7, 100.0));
    assert!(found(&mut answers, 7, 100.0 + OLDEST).is_some());
    assert_eq!(found(&mut answers, 7, 101.0 + OLDEST), None);
}
