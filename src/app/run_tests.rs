use super::*;
use crate::control::Text;

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

/// What a start under these options is refused with.
async fn refused(options: Options) -> String {
    match App::build(options).await {
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
    let said = refused(data).await;
    assert!(said.contains("--listen"), "{said}");
    assert!(
        said.contains("expected a loopback address, found 0.0.0.0"),
        "{said}"
    );
    assert!(
        said.contains("server.allow_unauthenticated = true"),
        "{said}"
    );
    let said = refused(admin).await;
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
    assert!(App::build(options).await.is_ok(), "the file allows both");
    assert!(
        App::build(self::options(TEXT)).await.is_ok(),
        "loopback needs no leave"
    );
}
