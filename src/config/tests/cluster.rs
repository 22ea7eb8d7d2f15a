//! Claims about `[cluster]`.

use super::{SMALL, World, compiled, good};
use crate::config::{RedisKind, diff};

const PASSWORD: &str = "planted-of-redis";

/// The configuration of this table.
fn with(cluster: &str) -> String {
    format!("{SMALL}[cluster]\n{cluster}\n")
}

/// The problems of this table, or none.
fn problems(cluster: &str) -> Vec<String> {
    match compiled(&[("a.toml", &with(cluster))], &World::default()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn it_names_an_engine_a_namespace_and_this_replica() {
    assert!(good(SMALL).config.cluster.is_none(), "off unless asked for");
    let text = with("url = \"redis://h/2\"\nnamespace = \"production\"\nreplica = \"pod-3\"");
    let cluster = good(&text).config.cluster.unwrap();
    assert_eq!(cluster.url.to_string(), "redis://h:6379/2");
    assert_eq!(cluster.namespace, "production");
    assert_eq!(cluster.replica.as_deref(), Some("pod-3"));
    let cluster = good(&with("url = \"redis-sentinel://a,b/main\"")).config;
    let cluster = cluster.cluster.unwrap();
    assert_eq!(cluster.url.kind, RedisKind::Sentinel("main".to_owned()));
    assert_eq!(cluster.namespace, "weighbridge");
    assert_eq!(cluster.replica, None, "a name is made up");
}

#[test]
fn a_replica_has_the_name_that_its_surroundings_give_it() {
    let named = |variables: &[(&'static str, &'static str)]| {
        let world = World {
            variables: variables.to_vec(),
            ..World::default()
        };
        let text = with("url = \"redis://h\"");
        let compiled = compiled(&[("a.toml", &text)], &world).unwrap();
        compiled.config.cluster.unwrap().replica
    };
    let (ours, theirs) = (("WEIGHBRIDGE_REPLICA", "one"), ("HOSTNAME", "pod-1"));
    assert_eq!(named(&[ours, theirs]).as_deref(), Some("one"));
    assert_eq!(named(&[theirs]).as_deref(), Some("pod-1"));
    let unfit = ("WEIGHBRIDGE_REPLICA", "two words");
    assert_eq!(named(&[unfit, theirs]).as_deref(), Some("pod-1"));
}

#[test]
fn its_password_is_shown_nowhere() {
    let world = World {
        variables: vec![("REDIS_URL", "redis://u:planted-of-redis@h/0")],
        ..World::default()
    };
    let by_variable = compiled(&[("a.toml", &with("url = \"${REDIS_URL}\""))], &world).unwrap();
    let literal = good(&with(&format!("url = \"redis://u:{PASSWORD}@h/1\"")));
    for compiled in [&by_variable, &literal] {
        let shown = format!("{}{:?}", compiled.shown, compiled.config);
        assert!(!shown.contains(PASSWORD), "{shown}");
        assert!(compiled.shown.to_string().contains("redis://u:***@h"));
    }
    let difference = diff(&by_variable.config, &literal.config);
    let lines = difference.changes.concat();
    assert!(lines.contains("cluster: url"), "{lines}");
    assert!(!lines.contains(PASSWORD), "{lines}");
    let told = problems(&format!("url = \"redis://u:{PASSWORD}@h/zero\"")).concat();
    assert!(told.contains("the number of a database") && !told.contains(PASSWORD));
}

#[test]
fn any_change_of_it_waits_for_a_restart() {
    let of = |cluster: &str| good(&with(cluster)).config;
    let before = of("url = \"redis://u:a1234@h\"\nreplica = \"a\"");
    for (after, key) in [
        (good(SMALL).config, "cluster.url"),
        (
            of("url = \"redis://u:b1234@h\"\nreplica = \"a\""),
            "cluster.url",
        ),
        (
            of("url = \"redis://u:a1234@h\"\nreplica = \"b\""),
            "cluster.replica",
        ),
        (
            of("url = \"redis://u:a1234@h\"\nreplica = \"a\"\nnamespace = \"x\""),
            "cluster.url",
        ),
    ] {
        let difference = diff(&before, &after);
        assert_eq!(difference.needs_restart, [key], "{:?}", difference.changes);
        let lines = difference.changes.concat();
        assert!(
            !lines.contains("a1234") && !lines.contains("b1234"),
            "{lines}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (cluster, said) in [
        ("", "expected `url`"),
        ("replica = \"a\"", "expected `url`"),
        ("url = \"http://h\"", "begins with redis://"),
        ("url = 1", "a text in quotes"),
        ("url = \"redis://h\"\nnamspace = \"x\"", "unknown key"),
        (
            "url = \"redis://h\"\nnamespace = \"a b\"",
            "letters, digits",
        ),
        ("url = \"redis://h\"\nreplica = \"\"", "letters, digits"),
        (
            "url = \"redis://h\"\nsentinel_password = \"${P:-long-enough}\"",
            "redis-sentinel://",
        ),
    ] {
        let told = problems(cluster);
        assert_eq!(told.len(), 1, "{cluster}: {told:#?}");
        assert!(told[0].contains(said), "{cluster}: {told:#?}");
    }
}
