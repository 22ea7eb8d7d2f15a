//! Each kind of engine that `cluster.url` may name is entered: as a user with few rights, by TLS, behind sentinels, as a cluster.

use std::path::Path;
use std::process::Command;

use super::daemon::{Daemon, live, until, weighbridge};
use super::redis::Redis;

/// What CONFIGURATION.md says that a user of one namespace needs.
const RIGHTS: &str = "~wb*:{weighbridge}:* &wb*:{weighbridge}:* +@all -@dangerous";

/// A daemon with this engine, and what its environment has beside.
fn daemon(folder: &Path, url: &str, environment: Option<(&str, &Path)>) -> Daemon {
    let text = format!(
        "config_version = 1\n[cluster]\nurl = \"{url}\"\nreplica = \"one\"\n[providers.a]\nkind = \"simulated\"\n\
         [routes.chat]\nbudget = {{ day_usd = 1, at_limit = \"refuse\" }}\ntargets.a = {{ use = \"a/m\" }}\n"
    );
    std::fs::write(live(folder), text).unwrap();
    let mut command: Command = weighbridge();
    command.envs(environment);
    Daemon::start_as(command, folder)
}

/// Waits until `daemon` has exchanged something, a lease included, three times over; and has it write an order there.
async fn joins(daemon: &Daemon) {
    until("the replica must join", async || {
        let fleet = daemon.json("/api/v1/fleet").await;
        let exchanges = fleet["exchanges"].as_u64().unwrap_or_default();
        (fleet["state"] == "joined" && exchanges >= 3).then_some(())
    })
    .await;
    let order = r#"{"action":"freeze","route":"chat","seconds":60,"reason":"a test"}"#;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = http.post(format!("http://{}/api/v1/steering", daemon.admin));
    let told = asked
        .body(order)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(told.contains("freeze"), "{told}");
    assert!(
        !told.contains("the other replicas"),
        "they can read it: {told}"
    );
}

#[tokio::test]
async fn a_user_with_the_rights_that_the_documents_name_is_enough_and_another_password_is_not() {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONFIGURATION.md");
    let named = RIGHTS.replace("weighbridge", "NAMESPACE");
    let text = std::fs::read_to_string(documents).unwrap();
    assert!(text.contains(&named), "CONFIGURATION.md must say {named}");
    let Some(redis) = Redis::start().await else {
        return;
    };
    let made = redis
        .ask(&format!("ACL SETUSER wb on >s3:cr@t/x {RIGHTS}"))
        .await
        .unwrap();
    assert!(made.starts_with("+OK"), "{made}");
    redis.ask("ACL SETUSER default off").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redis://wb:s3:cr@t/x@{}/0", redis.address);
    let good = daemon(folder.path(), &url, None);
    joins(&good).await;
    good.terminate();
    let log = good.ended().await.log;
    assert!(!log.contains("s3:cr@t"), "{log}");

    let wrong = daemon(folder.path(), &url.replace("s3:", "s4:"), None);
    until("it must notice", async || {
        let fleet = wrong.json("/api/v1/fleet").await;
        (fleet["state"] == "degraded").then_some(())
    })
    .await;
    wrong.terminate();
    let log = wrong.ended().await.log;
    assert!(log.contains("invalid username-password pair"), "{log}");
    assert!(!log.contains("cr@t"), "{log}");
}

#[tokio::test]
async fn an_engine_is_spoken_to_by_tls_if_its_certificate_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let [certificate_text, key_text] = [&certificate, &key].map(|it| it.to_str().unwrap());
    let listens = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listens.local_addr().unwrap().port();
    drop(listens);
    let arguments = [
        "--tls-port",
        &port.to_string(),
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        certificate_text,
        "--tls-key-file",
        key_text,
        "--tls-ca-cert-file",
        certificate_text,
        "--requirepass",
        "pw",
    ];
    let Some(redis) = Redis::spawned(&arguments) else {
        return;
    };
    redis.listens().await;
    let url = format!("rediss://:pw@localhost:{port}/0");
    let trusting = daemon(folder.path(), &url, Some(("SSL_CERT_FILE", &certificate)));
    joins(&trusting).await;
    drop(trusting);
    let doubting = daemon(folder.path(), &url, None);
    until("it must notice", async || {
        let fleet = doubting.json("/api/v1/fleet").await;
        (fleet["state"] == "degraded").then_some(())
    })
    .await;
    doubting.terminate();
    let log = doubting.ended().await.log;
    assert!(log.contains("certificate"), "{log}");
}

#[tokio::test]
async fn a_cluster_is_one_engine() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let arguments = ["--cluster-enabled", "yes", "--dir", place];
    let Some(redis) = Redis::spawned(&arguments) else {
        return;
    };
    redis.is_up().await;
    redis.ask("CLUSTER ADDSLOTSRANGE 0 16383").await.unwrap();
    until("the cluster must be whole", async || {
        let told = redis.ask("CLUSTER INFO").await?;
        told.contains("cluster_state:ok").then_some(())
    })
    .await;
    let url = format!("redis-cluster://{}", redis.address);
    joins(&daemon(folder.path(), &url, None)).await;
}

#[tokio::test]
async fn sentinels_say_where_the_engine_is() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let right = "+role";
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONFIGURATION.md");
    let text = std::fs::read_to_string(documents).unwrap();
    assert!(text.contains(&format!("Behind sentinels it needs `{right}`")));
    let made = redis
        .ask(&format!("ACL SETUSER wb on >s3cret {RIGHTS} {right}"))
        .await
        .unwrap();
    assert!(made.starts_with("+OK"), "{made}");
    let file = folder.path().join("sentinel.conf");
    let port = redis.address.port();
    let place = folder.path().display();
    std::fs::write(
        &file,
        format!("dir {place}\nsentinel monitor main 127.0.0.1 {port} 1\n"),
    )
    .unwrap();
    let arguments = [file.to_str().unwrap(), "--sentinel"];
    let Some(sentinel) = Redis::spawned(&arguments) else {
        return;
    };
    sentinel.is_up().await;
    let url = format!("redis-sentinel://wb:s3cret@{}/main", sentinel.address);
    joins(&daemon(folder.path(), &url, None)).await;
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which_and_how_it_is_granted_from_the_first_warning_on() {
    let Some(redis) = Redis::start().await else {
        return;
    };
    for (lacks, may_not, grant) in [
        (
            "-hgetall",
            "may not run the command `hgetall`",
            "`+hgetall`",
        ),
        ("resetkeys", "may not use the keys", "`~wb*:{NAMESPACE}:*`"),
    ] {
        let rights = format!("ACL SETUSER wb reset on >s3cret {RIGHTS} {lacks}");
        let made = redis.ask(&rights).await.unwrap();
        assert!(made.starts_with("+OK"), "{made}");
        let folder = tempfile::tempdir().unwrap();
        let url = format!("redis://wb:s3cret@{}/0", redis.address);
        let lacking = daemon(folder.path(), &url, None);
        let why = until("it must notice", async || {
            let fleet = lacking.json("/api/v1/fleet").await;
            let why = fleet["why"].as_str()?.to_owned();
            why.contains("NOPERM").then_some(why)
        })
        .await;
        lacking.terminate();
        let log = lacking.ended().await.log;
        let mut warnings = log.lines().filter(|line| line.contains("NOPERM"));
        let first = warnings.next().unwrap().replace("\\\"", "\"");
        for told in [&first, &why] {
            assert!(told.contains(may_not) && told.contains(grant), "{told}");
        }
        assert!(log.contains("this one begins without"), "{log}");
    }
}
