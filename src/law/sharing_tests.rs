use super::*;
use crate::law::{Answer, Ask, Draws, Fate, Generator, Law, State, fate, whole};
use crate::model::Time;

fn law(servers: u32, first: f64, stream: f64) -> Law {
    Law {
        ttft_ms: Number::known(200.0),
        tpot_ms: Number::known(10.0),
        servers: Number::known(f64::from(servers)),
        sharing: Sharing {
            first: Number::known(first),
            stream: Number::known(stream),
        },
        ..Law::instant()
    }
}

/// The answers to requests of so many tokens that arrive then, in seconds.
fn answers(law: &Law, asked: &[(f64, u64)]) -> Vec<Answer> {
    let mut state = State::default();
    let answer = |(number, (at, tokens)): (u64, &(f64, u64))| {
        let ask = Ask {
            tokens_out: Some(*tokens),
            ..Ask::default()
        };
        let draws = Draws::of(1, number, 1);
        match fate(law, &mut state, &ask, &draws, Time::from_secs_f64(*at)) {
            Fate::Answer(answer) => answer,
            other => panic!("expected an answer, found {other:?}"),
        }
    };
    (0..).zip(asked).map(answer).collect()
}

/// Seconds until first token and end.
fn seconds(answer: &Answer) -> (f64, f64) {
    (answer.first_token.as_secs_f64(), answer.total.as_secs_f64())
}

#[track_caller]
fn near(found: f64, expected: f64, within: f64, what: &str) {
    let off = (found - expected).abs();
    assert!(off <= within, "{what}: {found} is not {expected}");
}

#[test]
fn each_other_request_in_service_slows_both_parts_by_its_own() {
    let found = answers(
        &law(3, 0.5, 0.2),
        &[(0.0, 100), (0.1, 100), (0.2, 100), (9.0, 100)],
    );
    let expected = [(0.2, 1.2), (0.3, 1.5), (0.4, 1.8), (0.2, 1.2)];
    for (answer, (first, total)) in found.iter().zip(expected) {
        assert_eq!(
            seconds(answer),
            (first, total),
            "alone, beside one, beside two, alone"
        );
    }
}

#[test]
fn who_waits_is_slowed_by_those_who_are_still_there_when_it_begins() {
    let found = answers(&law(2, 1.0, 1.0), &[(0.0, 10), (0.0, 80), (0.1, 10)]);
    assert_eq!(seconds(&found[0]), (0.2, 0.3), "alone");
    assert_eq!(seconds(&found[1]), (0.4, 2.0), "beside the first");
    let (first, total) = seconds(&found[2]);
    near(
        first,
        0.2 + 0.4,
        1e-6,
        "begins when the first has ended, beside the second",
    );
    near(total, 0.2 + 0.6, 1e-6, "and stays at that pace");
}

#[test]
fn a_machine_that_is_shared_without_servers_takes_everybody() {
    let asked: Vec<_> = (0..50).map(|_| (0.0, 100)).collect();
    let found = answers(&law(0, 0.0, 1.0), &asked);
    for (others, answer) in found.iter().enumerate() {
        let (first, total) = seconds(answer);
        near(first, 0.2, 1e-6, "nobody waits");
        near(
            total,
            0.2 + 1.0 * (1.0 + others as f64),
            1e-4,
            "all are counted",
        );
    }
}

#[test]
fn a_full_machine_does_as_much_for_all_as_for_one() {
    let asked: Vec<_> = (0..400).map(|_| (0.0, 100)).collect();
    for servers in [1, 2, 4, 8] {
        let found = answers(&law(servers, 1.0, 1.0), &asked);
        let last = found
            .iter()
            .map(|answer| seconds(answer).1)
            .fold(0.0, f64::max);
        near(
            last / (400.0 * 1.2),
            1.0,
            0.03,
            "400 answers of 1.2 s of work",
        );
    }
}

/// Requests of a Poisson process with answers of very different lengths, and the work of each in seconds.
fn load(rate: f64, count: u64) -> Vec<(f64, u64)> {
    let mut luck = Generator::of(5, 0, 0);
    let mut at = 0.0;
    let request = |_| {
        at += -(1.0 - luck.uniform()).ln() / rate;
        (at, 5 + whole(luck.uniform() * luck.uniform() * 300.0))
    };
    (0..count).map(request).collect()
}

/// When each ends if all in service get equal parts of the machine at every moment, worked out event by event.
fn shared_exactly(asked: &[(f64, u64)], work: impl Fn(u64) -> f64) -> Vec<f64> {
    let mut ends = vec![0.0; asked.len()];
    let mut left: Vec<(usize, f64)> = Vec::new();
    let mut now = 0.0;
    let mut coming = asked.iter().enumerate().peekable();
    loop {
        let count = left.len() as f64;
        let least = left
            .iter()
            .map(|(_, work)| *work)
            .fold(f64::INFINITY, f64::min);
        let ends_at = now + least * count.max(1.0);
        let comes_at = coming.peek().map_or(f64::INFINITY, |(_, (at, _))| *at);
        let next = ends_at.min(comes_at);
        if next.is_infinite() {
            return ends;
        }
        for (_, work) in &mut left {
            *work -= (next - now) / count;
        }
        now = next;
        left.retain(|(number, work)| {
            let over = *work <= 1e-9;
            if over {
                ends[*number] = now;
            }
            !over
        });
        if comes_at <= now
            && let Some((number, (_, tokens))) = coming.next()
        {
            left.push((number, work(*tokens)));
        }
    }
}

#[test]
fn the_mean_is_that_of_a_machine_in_equal_parts() {
    let law = law(0, 1.0, 1.0);
    let work = |tokens: u64| 0.2 + 0.01 * tokens as f64;
    for load_part in [0.3, 0.6, 0.75] {
        let mean_work = 0.2 + 0.01 * (5.0 + 0.25 * 300.0);
        let asked = load(load_part / mean_work, 40_000);
        let found = answers(&law, &asked);
        let exact = shared_exactly(&asked, work);
        let mean = |of: &dyn Fn(usize) -> f64, which: &dyn Fn(u64) -> bool| {
            let all = (0..asked.len()).filter(|i| which(asked[*i].1));
            let (sum, count) = all.fold((0.0, 0.0), |(sum, n), i| (sum + of(i), n + 1.0));
            sum / count
        };
        let ours = |i: usize| seconds(&found[i]).1;
        let theirs = |i: usize| exact[i] - asked[i].0;
        for which in [|tokens| tokens < 40, |tokens| tokens >= 40] {
            let (ours, theirs) = (mean(&ours, &which), mean(&theirs, &which));
            near(
                ours / theirs,
                1.0,
                0.08,
                "mean time, short and long ones apart",
            );
        }
    }
}
