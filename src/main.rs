//! The `weighbridge` command.
use weighbridge::{app::*, control::Source, demo};
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter("info")
        .init();
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "serve" {
        let app = App::build(Options {
            source: Source::Files {
                dir: "config".into(),
                env: args[2].clone(),
            },
            listen: None,
            admin_listen: None,
        })
        .await
        .unwrap();
        println!(
            "{}",
            serde_json::to_string(&app.running().unwrap().ready).unwrap()
        );
        println!("{:?}", app.serve(std::future::pending()).await);
    } else {
        let app = App::build(Options {
            source: Source::Text {
                name: "demo.toml",
                text: demo::ENVIRONMENT,
            },
            listen: None,
            admin_listen: None,
        })
        .await
        .unwrap();
        let running = app.running().unwrap();
        let (s, r) = tokio::sync::oneshot::channel::<()>();
        let t = tokio::spawn(app.serve(async move {
            r.await.ok();
        }));
        let report = demo::tell(
            &running,
            demo::Pace {
                seconds: args[2].parse().unwrap(),
            },
            args.get(3).map_or(1, |s| s.parse().unwrap()),
            &mut std::io::stderr(),
        )
        .await
        .unwrap();
        s.send(()).ok();
        eprintln!("{:?}", t.await);
        println!("{}", serde_json::to_string_pretty(&report).unwrap());
    }
}
