use super::*;
use crate::balance::Reference;
use crate::balance::gate::{GateOrder, Standing, Watch};
use crate::config::{Layer, Lookup, compile};
use crate::control::first_snapshot;
use crate::live::record::tests::ended;
use crate::live::{Call, RequestEnd, Served};
use crate::model::{Outcome, TargetName, UpstreamName};

struct Nothing;

impl Lookup for Nothing {
    fn variable(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn secret_file(&self, _: &str) -> Result<String, String> {
        Err("there is none".to_owned())
    }
}

#[derive(Debug)]
struct Nobody;

impl crate::control::Simulate for Nobody {
    fn endpoint(
        &mut self,
        _: &crate::model::ProviderName,
        _: &crate::law::Law,
    ) -> std::io::Result<config::Endpoint> {
        Err(std::io::Error::other("nobody is simulated here"))
    }

    fn keep_only(&mut self, _: &config::Config) {}
}

const TEXT: &str = "\
[providers.p]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:1/v1\"\n\
[routes.chat]\nmix_models = true\ntargets.a = { use = \"p/a\", weight = 1 }\ntargets.b = { use = \"p/b\", weight = 1 }\n";

fn snapshot(text: &str) -> Snapshot {
    let layers = [Layer {
        name: "a.toml".to_owned(),
        text: text.to_owned(),
    }];
    let config = compile(&layers, &Nothing).unwrap().config;
    first_snapshot(config, 7, &mut Nobody).unwrap()
}

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

/// A request of the route whose first call went to `target` and ended so.
fn request(target: &str, outcome: Outcome, status: u16) -> Arc<RequestEnd> {
    let mut end = ended("chat", status);
    end.outcome = outcome;
    end.calls.push(Call {
        served: Served {
            name: Some(TargetName::new(target).unwrap()),
            upstream: UpstreamName::new(&format!("p/{target}")).unwrap(),
        },
        reason: crate::balance::gate::Reason::Drawn,
        propensity: None,
        after: Duration::ZERO,
        outcome,
        status: None,
        total: Duration::ZERO,
        first_content: None,
        tokens: None,
        estimated: false,
        cost: None,
    });
    Arc::new(end)
}

fn many(target: &str, outcome: Outcome, status: u16, count: usize) -> Vec<Arc<RequestEnd>> {
    (0..count)
        .map(|_| request(target, outcome, status))
        .collect()
}

/// What holds `now`, by kind and about what.
fn seen(snapshot: &Snapshot, lately: &Lately, now: Time, raised: bool) -> Vec<(AlertKind, String)> {
    let board = Board::default();
    board.begins(now);
    let sight = Sight {
        snapshot,
        board: &board,
        lately,
        store: None,
        now,
    };
    let all = sight.conditions(&mut Causes::default(), &|_, _| raised);
    all.into_iter().map(|it| (it.kind, it.about)).collect()
}

#[test]
fn an_error_rate_is_told_from_twenty_requests_on_and_is_over_at_half_of_it() {
    let text = format!("{TEXT}[alerts]\nkinds = [\"error_rate\"]\n");
    let (snapshot, mut lately) = (snapshot(&text), Lately::default());
    let told = [(AlertKind::ErrorRate, "chat".to_owned())];
    lately.saw(
        &many("a", Outcome::ServerError, 502, 19),
        &snapshot,
        at(100),
    );
    assert_eq!(seen(&snapshot, &lately, at(100), false), [], "too few");
    lately.saw(&many("b", Outcome::Ok, 200, 171), &snapshot, at(101));
    assert_eq!(seen(&snapshot, &lately, at(101), false), told, "19 of 190");
    lately.saw(&many("b", Outcome::Ok, 200, 20), &snapshot, at(102));
    assert_eq!(seen(&snapshot, &lately, at(102), false), [], "19 of 210");
    assert_eq!(seen(&snapshot, &lately, at(102), true), told, "it holds on");
    lately.saw(&[], &snapshot, at(160));
    let minute = lately.minute("chat");
    assert_eq!(
        (minute.requests, minute.failed),
        (191, 0),
        "they are a minute old"
    );
    assert_eq!(seen(&snapshot, &lately, at(160), true), []);
}

#[test]
fn a_share_that_is_off_by_chance_or_by_little_is_not_told() {
    for (a, b, is_off) in [
        (50, 49, true),
        (500, 500, false),
        (560, 440, false),
        (650, 350, true),
        (70, 30, true),
        (62, 38, false),
    ] {
        let (snapshot, mut lately) = (snapshot(TEXT), Lately::default());
        lately.saw(&many("a", Outcome::Ok, 200, a), &snapshot, at(100));
        lately.saw(&many("b", Outcome::Ok, 200, b), &snapshot, at(101));
        let abouts: Vec<String> = seen(&snapshot, &lately, at(101), false)
            .into_iter()
            .map(|(_, about)| about)
            .collect();
        let expected: &[&str] = if is_off && a + b >= 100 {
            &["chat/a", "chat/b"]
        } else {
            &[]
        };
        assert_eq!(abouts, expected, "{a} to {b}");
    }
    let sticky = TEXT.replace("mix_models = true", "mix_models = true\nsticky = \"user\"");
    let (snapshot, mut lately) = (snapshot(&sticky), Lately::default());
    lately.saw(&many("a", Outcome::Ok, 200, 1_000), &snapshot, at(100));
    assert_eq!(
        seen(&snapshot, &lately, at(100), false),
        [],
        "keys decide there"
    );
}

#[test]
fn a_refused_credential_and_a_used_up_quota_stand_until_an_answer_comes() {
    let (snapshot, mut lately) = (snapshot(TEXT), Lately::default());
    lately.saw(&many("a", Outcome::Auth, 502, 1), &snapshot, at(100));
    lately.saw(
        &many("b", Outcome::QuotaExhausted, 429, 1),
        &snapshot,
        at(101),
    );
    let both = [
        (AlertKind::KeyRejected, "p".to_owned()),
        (AlertKind::QuotaExhausted, "p".to_owned()),
    ];
    assert_eq!(
        seen(&snapshot, &lately, at(4_000), false),
        both,
        "nobody asks it"
    );
    lately.saw(&many("a", Outcome::Ok, 200, 1), &snapshot, at(4_001));
    assert_eq!(seen(&snapshot, &lately, at(4_001), false), []);
    lately.saw(&many("a", Outcome::Auth, 502, 1), &snapshot, at(4_002));
    lately.saw(&many("a", Outcome::Ok, 200, 1), &snapshot, at(4_003));
    let one = &both[..1];
    assert_eq!(
        seen(&snapshot, &lately, at(4_030), false),
        one,
        "one key of two"
    );
    assert_eq!(seen(&snapshot, &lately, at(4_070), false), []);
}

#[test]
fn a_model_that_is_refused_at_each_probe_is_one_matter() {
    let (snapshot, mut lately) = (snapshot(TEXT), Lately::default());
    let mut changes = Vec::new();
    let mut held = false;
    for second in 100..4_000 {
        lately.saw(&many("a", Outcome::Ok, 200, 1), &snapshot, at(second));
        if second % 100 == 0 && second < 3_000 {
            lately.saw(&many("b", Outcome::Auth, 502, 1), &snapshot, at(second));
            lately.saw(&many("a", Outcome::Ok, 200, 1), &snapshot, at(second));
        }
        let holds = !seen(&snapshot, &lately, at(second), held).is_empty();
        if holds != held {
            changes.push((second, holds));
            held = holds;
        }
    }
    // The first one alone is over in a minute; from the second on it holds until there are no more.
    let expected = [(100, true), (160, false), (200, true), (3_100, false)];
    assert_eq!(changes, expected);
}

/// What is said while `p/a` is out.
fn told_of_ejected(text: &str) -> String {
    let snapshot = snapshot(text);
    let watch = Watch {
        serving: false,
        ..Watch::default()
    };
    snapshot.upstreams["p/a"].upstream.obey(&GateOrder {
        watch,
        probe_wanted: false,
        limit: u32::MAX,
        pending_cap: [u32::MAX; 2],
        standing: Standing::default(),
        reference: Reference::default(),
    });
    let (board, lately) = (Board::default(), Lately::default());
    board.begins(at(100));
    let sight = Sight {
        snapshot: &snapshot,
        board: &board,
        lately: &lately,
        store: None,
        now: at(100),
    };
    let all = sight.conditions(&mut Causes::default(), &|_, _| false);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].kind, &*all[0].about), (AlertKind::Ejected, "p/a"));
    all[0].message.clone()
}

#[test]
fn a_target_that_is_out_and_serves_all_the_same_is_not_said_to_take_nothing() {
    let auto = told_of_ejected(TEXT);
    assert!(
        auto.starts_with("p/a takes no traffic while others can because"),
        "{auto}"
    );
    for mode in ["shadow", "off"] {
        let told = told_of_ejected(&format!("mode = \"{mode}\"\n{TEXT}"));
        let part = "takes its configured share all the same";
        assert!(told.contains(part), "{mode}: {told}");
    }
}

#[test]
fn only_the_kinds_that_are_asked_for_are_raised() {
    let some = format!("{TEXT}[alerts]\nkinds = [\"key_rejected\"]\nerror_rate = 0.5\n");
    let (snapshot, mut lately) = (snapshot(&some), Lately::default());
    lately.saw(&many("a", Outcome::Auth, 502, 50), &snapshot, at(100));
    let told = seen(&snapshot, &lately, at(100), false);
    assert_eq!(told, [(AlertKind::KeyRejected, "p".to_owned())]);
}

#[test]
fn a_controller_without_decisions_and_refused_files_are_told() {
    let (snapshot, lately) = (snapshot(TEXT), Lately::default());
    let board = Board::default();
    board.begins(at(100));
    board.refused(
        at(100),
        vec![config::Problem::with_file("a.toml", "it is broken")],
    );
    let store = store::BooksCondition {
        failing: Some("the disk is full".to_owned()),
        refused: Some("a newer file was moved aside".to_owned()),
        ..store::BooksCondition::default()
    };
    let sight = Sight {
        snapshot: &snapshot,
        board: &board,
        lately: &lately,
        store: Some(&store),
        now: at(111),
    };
    let all = sight.conditions(&mut Causes::default(), &|_, _| false);
    let kinds: Vec<&str> = all.iter().map(|it| it.kind.label()).collect();
    let expected = [
        "config_refused",
        "controller_stale",
        "store_failing",
        "store_failing",
    ];
    assert_eq!(kinds, expected);
    assert!(
        all[0].message.contains("it is broken"),
        "{}",
        all[0].message
    );
    let told = "nothing has been decided for 11 s";
    assert!(all[1].message.starts_with(told), "{}", all[1].message);
}

#[test]
fn keys_of_the_books_that_are_missing_are_told() {
    let mut snapshot = snapshot(TEXT);
    let lately = Lately::default();
    assert_eq!(seen(&snapshot, &lately, at(100), false), []);
    let mut config = (*snapshot.config).clone();
    Arc::make_mut(&mut config.issued).missing = Some("they cannot be read".to_owned());
    let clients = crate::live::Clients::new(&config, &snapshot.budgets, &snapshot.clients);
    snapshot.clients = Arc::new(clients);
    let told = [(AlertKind::StoreFailing, "client keys".to_owned())];
    assert_eq!(seen(&snapshot, &lately, at(100), false), told);
}

#[test]
fn a_replica_that_is_out_of_reach_of_the_others_is_told_after_ten_seconds() {
    let (snapshot, lately) = (snapshot(TEXT), Lately::default());
    let board = Board::default();
    board.decided(at(100), Vec::new());
    let sight = |now: u64| {
        let sight = Sight {
            snapshot: &snapshot,
            board: &board,
            lately: &lately,
            store: None,
            now: at(now),
        };
        sight.conditions(&mut Causes::default(), &|_, _| false)
    };
    assert_eq!(
        sight(100),
        [],
        "one that is alone by its files misses nobody"
    );
    let replica = crate::fleet::ReplicaId::numbered(1);
    let post = Arc::new(crate::live::Post::new(replica, "n", at(99)));
    board.meets_at(Arc::clone(&post));
    let found = sight(100);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, AlertKind::Cluster);
    assert_eq!(found[0].raise_after, Duration::from_secs(10));
    assert!(
        found[0].message.contains("not reached yet"),
        "{}",
        found[0].message
    );
    post.turned(Membership::Joined { since: at(100) });
    assert_eq!(sight(100), []);
    // Two processes with one name, for as long as there are two.
    let (began, since) = (at(50), at(100));
    post.meets(Some(Twin { began, since }));
    let found = sight(100);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, AlertKind::Cluster);
    assert_eq!(found[0].raise_after, Twin::TOLD_AFTER, "a takeover is none");
    assert!(found[0].message.contains("WEIGHBRIDGE_REPLICA"));
    post.meets(None);
    assert_eq!(sight(100), []);
}
