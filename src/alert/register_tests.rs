use super::*;

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn condition(about: &str, raise: u64, over: u64) -> Condition {
    Condition {
        kind: AlertKind::Ejected,
        about: about.to_owned(),
        subject: format!("target {about}"),
        message: "it is out".to_owned(),
        raise_after: Duration::from_secs(raise),
        over_after: Duration::from_secs(over),
    }
}

/// What is told, as `+about` and `-about`.
fn told(news: &[Alert]) -> Vec<String> {
    let one = |alert: &Alert| {
        let sign = if alert.resolved.is_some() { '-' } else { '+' };
        format!("{sign}{}", about(alert).unwrap())
    };
    news.iter().map(one).collect()
}

#[test]
fn what_holds_is_told_once_and_once_more_when_it_is_over() {
    let mut register = Register::default();
    for second in 0..50 {
        let news = register.look(at(second), vec![condition("a", 0, 0)]);
        let expected: &[&str] = if second == 0 { &["+a"] } else { &[] };
        assert_eq!(told(&news), expected, "in second {second}");
    }
    assert_eq!(told(&register.look(at(50), Vec::new())), ["-a"]);
    assert_eq!(told(&register.look(at(51), Vec::new())), [""; 0]);
    let again = register.look(at(60), vec![condition("a", 0, 0)]);
    assert_eq!(told(&again), ["+a"], "it is another one");
    let over: Vec<&Alert> = register.over().collect();
    assert_eq!((over.len(), over[0].resolved), (1, Some(at(50))));
    assert_ne!(over[0].id, again[0].id);
}

#[test]
fn what_flickers_is_not_told() {
    let mut register = Register::default();
    for second in 0..100 {
        let holds = second % 5 != 4;
        let conditions = if holds {
            vec![condition("a", 10, 0)]
        } else {
            Vec::new()
        };
        assert_eq!(register.look(at(second), conditions), [], "second {second}");
    }
    let mut raised = Vec::new();
    for second in 100..140 {
        raised.extend(register.look(at(second), vec![condition("a", 10, 0)]));
    }
    assert_eq!(told(&raised), ["+a"]);
    assert_eq!(raised[0].since, at(110));
}

#[test]
fn what_is_away_for_a_moment_is_not_over() {
    let mut register = Register::default();
    register.look(at(0), vec![condition("a", 0, 10)]);
    for second in 1..100 {
        let holds = second % 5 == 0;
        let conditions = if holds {
            vec![condition("a", 0, 10)]
        } else {
            Vec::new()
        };
        assert_eq!(register.look(at(second), conditions), [], "second {second}");
    }
    let mut over = Vec::new();
    for second in 100..120 {
        over.extend(register.look(at(second), Vec::new()));
    }
    assert_eq!(told(&over), ["-a"]);
}

#[test]
fn one_is_told_from_another() {
    let mut register = Register::default();
    let both = || vec![condition("a", 0, 0), condition("b", 0, 0)];
    assert_eq!(told(&register.look(at(0), both())), ["+a", "+b"]);
    let news = register.look(at(1), vec![condition("b", 0, 0)]);
    assert_eq!(told(&news), ["-a"]);
    assert!(register.is_raised(AlertKind::Ejected, "b"));
    assert!(!register.is_raised(AlertKind::Ejected, "a"));
    assert_eq!(register.open().len(), 1);
}

#[test]
fn a_restart_tells_nothing_again_and_what_is_over() {
    let mut before = Register::default();
    let both = || vec![condition("a:1@x", 0, 60), condition("b", 0, 60)];
    before.look(at(0), both());
    let mut register = Register::resumed(before.open());
    assert_eq!(
        register.look(at(100), Vec::new()),
        [],
        "nothing is known yet"
    );
    for second in 101..175 {
        let news = register.look(at(second), vec![condition("a:1@x", 0, 60)]);
        assert_eq!(news, [], "second {second}");
    }
    let news = register.look(at(175), vec![condition("a:1@x", 0, 60)]);
    assert_eq!(told(&news), ["-b"], "which went while nobody looked");
    assert_eq!(register.open()[0].since, at(0));
}
