//! What the product is started with: two targets, and everything on.

use std::io;
use std::net::SocketAddr;

/// The product, built for this benchmark.
pub(crate) const PRODUCT: &str = env!("CARGO_BIN_EXE_weighbridge");

/// What the client sends in `Authorization`: a key of the configuration's.
pub(crate) const AUTHORIZATION: &str = "Bearer sk-client-of-the-benchmark";

/// How often the controller decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ticks {
    /// As often as it does by itself.
    AsShipped,
    /// As rarely as it can: where instructions are counted, those of a tick would be shared out among however many requests
    /// the machine manages between two of them.
    Rare,
}

/// How much is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Keys, journal and books too.
    Everything,
    /// What is on by itself: an older product knows no more.
    Plain,
}

/// A configuration in a folder that goes with it.
#[derive(Debug)]
pub(crate) struct Configured {
    folder: tempfile::TempDir,
    path: String,
}

impl Configured {
    /// Targets at `mock`.
    pub(crate) fn new(mock: SocketAddr, ticks: Ticks, extent: Extent) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().to_string_lossy().into_owned();
        let mut text = format!("config_version = 1\n{}", targets(mock));
        if extent == Extent::Everything {
            text.push_str(&further(ticks, &path));
        }
        std::fs::write(folder.path().join("base.toml"), text)?;
        std::fs::write(folder.path().join("bench.toml"), "")?;
        Ok(Self { folder, path })
    }

    /// The same with so many targets of the route `chat`, and so many routes beside it.
    pub(crate) fn grown(mock: SocketAddr, targets: usize, routes: usize) -> io::Result<Self> {
        let configured = Self::new(mock, Ticks::Rare, Extent::Everything)?;
        std::fs::write(
            configured.folder.path().join("bench.toml"),
            more(targets, routes),
        )?;
        Ok(configured)
    }

    /// Writes it anew with so many routes, as an operator would.
    pub(crate) fn rewrite(&self, routes: usize) -> io::Result<usize> {
        let text = more(2, routes);
        std::fs::write(self.folder.path().join("bench.toml"), &text)?;
        Ok(text.lines().count())
    }

    /// The arguments of the product.
    pub(crate) fn serve(&self) -> [&str; 9] {
        [
            "serve",
            "--env",
            "bench",
            "--config",
            &self.path,
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ]
    }

    /// Where callgrind is to write.
    pub(crate) fn callgrind(&self) -> std::path::PathBuf {
        self.folder.path().join("callgrind.out")
    }
}

/// What somebody writes who wants to know everything: keys, journal and books.
fn further(ticks: Ticks, folder: &str) -> String {
    let tick = match ticks {
        Ticks::AsShipped => "250ms",
        Ticks::Rare => "10s",
    };
    let key = AUTHORIZATION.trim_start_matches("Bearer ");
    format!(
        r#"
[server]
state = "{folder}/state"

[controller]
tick = "{tick}"
journal = "{folder}/journal"

[keys.bench]
key = "{key}"
"#
    )
}

/// Two targets with prices and the adaptive strategy, and a third whose answers come in pieces.
fn targets(mock: SocketAddr) -> String {
    format!(
        r#"
[providers.a]
kind = "openai"
base_url = "http://{mock}/v1"
api_key = "sk-bench-a"

[providers.b]
kind = "openai"
base_url = "http://{mock}/v1"
api_key = "sk-bench-b"

[providers.c]
kind = "openai"
base_url = "http://{mock}/paced/v1"
api_key = "sk-bench-c"

[prices]
"a/m" = {{ input = "$1.00", output = "$4.00" }}
"b/m" = {{ input = "$1.00", output = "$4.00" }}
"c/m" = {{ input = "$1.00", output = "$4.00" }}

[routes.chat.targets]
a = {{ use = "a/m", weight = 60 }}
b = {{ use = "b/m", weight = 40 }}

[routes.paced.targets]
c = {{ use = "c/m" }}
"#
    )
}

/// Targets of `chat` beyond the first two, and routes beyond the first, tables of six lines each.
fn more(targets: usize, routes: usize) -> String {
    let more_targets = (2..targets).map(|i| {
        [
            "[routes.chat.targets.t",
            "]\nuse = \"a/m",
            "\"\nweight = 50\n",
        ]
        .join(&i.to_string())
    });
    let targets: String = more_targets.collect();
    let routes: String = (1..routes)
        .map(|i| {
            let name = format!("[routes.r{i}.targets");
            [
                &name,
                ".a]\nuse = \"a/m\"\nweight = 60\n",
                &name,
                ".b]\nuse = \"b/m\"\nweight = 40\n",
            ]
            .concat()
        })
        .collect();
    targets + &routes
}
