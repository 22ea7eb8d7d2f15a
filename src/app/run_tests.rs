use super::*;
use crate::control::{ReloadError, Text, Why};

const TEXT: &str =
    "[providers.sim]\nkind = \"simulated\"\n[routes.chat]\ntargets.only = { use = \"sim/m\" }\n";

fn options(text: &'static str) -> Options {
    Options {
        source: Source::Text {
            name: "test",
            text: Text::new(text),
        },
        listen: Some(([127, 0, 0, 1], 0).into()),
        admin_listen: Some(([127, 0, 0, 1], 0).into()),
    }
}

#[tokio::test]
async fn files_that_would_leave_a_listener_open_to_everybody_are_refused_until_the_restart() {
    const GUARDED: &str = "[server]\nlisten = \"0.0.0.0:0\"\n[admin]\nlisten = \"0.0.0.0:0\"\n\
        token = \"a-token-of-a-test\"\n[keys.app]\nkey = \"a-key-of-a-client-of-a-test\"\n\
        [providers.sim]\nkind = \"simulated\"\n[routes.chat]\ntargets.only = { use = \"sim/m\" }\n";
    let text = Text::new(GUARDED);
    let app = App::build(Options {
        source: Source::Text {
            name: "test",
            text: text.clone(),
        },
        listen: None,
        admin_listen: None,
    });
    let App {
        handle,
        controller,
        reloader,
        published,
        ..
    } = app.unwrap();
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(controller.run(stopped));
    tokio::spawn(reloader.run());
    // Good for a process that starts with it, on loopback.
    text.set(TEXT.to_owned());
    let Err(ReloadError::Refused(problems)) = handle.reload(Why::Asked).await else {
        panic!("expected a refusal");
    };
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    for part in ["listens at 0.0.0.0:", "server.listen", "admin.listen"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(published.read().config.admin.token.is_some(), "still asked");
    text.set(GUARDED.replace("only", "other"));
    assert!(
        handle.reload(Why::Asked).await.is_ok(),
        "what is kept out may change"
    );
}

/// What a start under these options is refused with.
fn refused(options: Options) -> String {
    match App::build(options) {
        Err(AppError::Config(problems)) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
        Err(other) => panic!("expected a refused configuration, found {other:?}"),
        Ok(_) => panic!("expected a refused configuration, found a daemon"),
    }
}

#[tokio::test]
async fn an_address_of_the_command_line_obeys_the_rule_of_those_in_the_file() {
    let everywhere = Some(([0, 0, 0, 0], 0).into());
    let data = Options {
        listen: everywhere,
        ..options(TEXT)
    };
    let admin = Options {
        admin_listen: everywhere,
        ..options(TEXT)
    };
    let said = refused(data);
    assert!(said.contains("--listen"), "{said}");
    assert!(
        said.contains("expected a loopback address, found 0.0.0.0"),
        "{said}"
    );
    assert!(
        said.contains("server.allow_unauthenticated = true"),
        "{said}"
    );
    let said = refused(admin);
    assert!(said.contains("--admin-listen"), "{said}");
    assert!(said.contains("admin.allow_remote = true"), "{said}");
}

#[tokio::test]
async fn an_allowed_address_of_the_command_line_is_listened_at() {
    const ALLOWED: &str = "[server]\nallow_unauthenticated = true\n[admin]\nallow_remote = true\n\
        [providers.sim]\nkind = \"simulated\"\n[routes.chat]\ntargets.only = { use = \"sim/m\" }\n";
    let everywhere = Some(([0, 0, 0, 0], 0).into());
    let options = Options {
        listen: everywhere,
        admin_listen: everywhere,
        ..options(ALLOWED)
    };
    assert!(App::build(options).is_ok(), "the file allows both");
    assert!(
        App::build(self::options(TEXT)).is_ok(),
        "loopback needs no leave"
    );
}
