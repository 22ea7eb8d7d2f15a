//! What an engine's refusal means, in words for whoever runs it.

use redis::RedisError;

/// What the engine, or the way to it, said; and where that is a state of the engine, what it is and what to do about it.
pub(super) fn words(error: &RedisError) -> String {
    let refusals = error.clone().into_server_errors();
    let refusal = refusals.as_deref().and_then(|all| all.first());
    let Some((_, refusal)) = refusal else {
        return error.to_string();
    };
    let (code, details) = (refusal.code(), refusal.details().unwrap_or_default());
    let said = format!("{code} {details}");
    let said = said.trim_end();
    if code == "NOPERM" {
        return format!("{} (it says: {said})", missing(details));
    }
    match meaning(code) {
        Some(meaning) => format!("{meaning} (it says: {said})"),
        None => said.to_owned(),
    }
}

/// The codes are those of Redis 7 and Valkey 8. Source: `src/server.c`, `createSharedObjects`, of both, as of 2026-11.
fn meaning(code: &str) -> Option<&'static str> {
    let meaning = match code {
        "OOM" => {
            "its memory is full and it takes no writes: give it more `maxmemory`, or remove from it what is not of [cluster]"
        }
        "READONLY" => {
            "it is a copy of another server and takes no writes: `cluster.url` must name the primary, or sentinels that know it \
             (`redis-sentinel://`)"
        }
        "MISCONF" => {
            "it cannot write its data to disk and takes no writes until it can: its log says why; nothing of [cluster] needs \
             to be on disk"
        }
        "NOREPLICAS" => {
            "it has fewer copies than `min-replicas-to-write` asks for and takes no writes"
        }
        "LOADING" => "it is reading its data from disk; it will answer when it has",
        "MASTERDOWN" | "CLUSTERDOWN" => {
            "its primary or a part of its cluster is missing: `INFO replication` or `CLUSTER INFO` says which"
        }
        "MOVED" | "ASK" | "CROSSSLOT" => {
            "it is one of a cluster: `cluster.url` must begin with `redis-cluster://`"
        }
        "NOAUTH" => "it asks for a password: `cluster.url` must have one",
        "BUSY" => "a script has held it up for seconds: `SCRIPT KILL` ends it",
        _ => return None,
    };
    Some(meaning)
}

/// Which right its user lacks, and what grants it. The sentences are those of `src/acl.c`, `getAclErrorMessage`, of Redis 7 and
/// Valkey 8, as of 2026-11; earlier versions say the same in other words.
fn missing(details: &str) -> String {
    let has = |part: &str| details.contains(part);
    let (may_not, grant) = match named(details) {
        Some(command) => {
            let command = command.to_ascii_lowercase();
            (
                format!("run the command `{command}`"),
                format!("`+{}`", command.replace(' ', "|")),
            )
        }
        None if has("channel") => (
            "use the channels of its namespace".to_owned(),
            "`&wb*:{NAMESPACE}:*`".to_owned(),
        ),
        None if has("key") => (
            "use the keys of its namespace".to_owned(),
            "`~wb*:{NAMESPACE}:*`".to_owned(),
        ),
        None => ("do that".to_owned(), "what it lacks".to_owned()),
    };
    format!(
        "its user may not {may_not}: `ACL SETUSER` with {grant} lets it; CONFIGURATION.md, `[cluster]`, has all the rights that it \
         needs"
    )
}

/// The command that the engine names between quotes, if that is one: what it says may have been written by anybody.
fn named(details: &str) -> Option<&str> {
    let (_, rest) = details.split_once("run the '")?;
    let (command, _) = rest.split_once('\'')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "|-_. ".contains(c);
    (!command.is_empty() && command.len() <= 60 && command.chars().all(fits)).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_to_do_and_anything_else_what_it_is() {
        let parsed = |text: &[u8]| redis::parse_redis_value(text).unwrap();
        let refused = |text: &[u8]| {
            let error = parsed(text).extract_error().unwrap_err();
            words(&error)
        };
        let full = refused(b"-OOM command not allowed when used memory > 'maxmemory'.\r\n");
        assert!(full.starts_with("its memory is full"), "{full}");
        assert!(
            full.ends_with("(it says: OOM command not allowed when used memory > 'maxmemory'.)")
        );
        let copy = refused(b"-READONLY You can't write against a read only replica.\r\n");
        assert!(copy.contains("must name the primary"), "{copy}");
        assert_eq!(refused(b"-NEW words\r\n"), "NEW words");
        for (said, may_not, grant) in [
            (
                &b"-NOPERM User wb has no permissions to run the 'publish' command\r\n"[..],
                "may not run the command `publish`",
                "with `+publish` lets it",
            ),
            (
                b"-NOPERM this user has no permissions to run the 'client|setinfo' command\r\n",
                "may not run the command `client|setinfo`",
                "with `+client|setinfo` lets it",
            ),
            (
                b"-NOPERM No permissions to access a key\r\n",
                "may not use the keys",
                "`~wb*:{NAMESPACE}:*`",
            ),
            (
                b"-NOPERM No permissions to access a channel\r\n",
                "may not use the channels",
                "`&wb*:{NAMESPACE}:*`",
            ),
            (
                b"-NOPERM for other reasons\r\n",
                "may not do that",
                "all the rights",
            ),
        ] {
            let told = refused(said);
            assert!(told.contains(may_not) && told.contains(grant), "{told}");
            assert!(told.contains("(it says: NOPERM "), "{told}");
        }
        let broken = RedisError::from(std::io::Error::other("no way there"));
        assert_eq!(words(&broken), broken.to_string());
    }
}
