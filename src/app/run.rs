//! The daemon from its first file to its exit status.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::background::{Background, again};
use super::descriptors;
use super::exporting::export;
use super::fleet::Fleet;
use super::kept::{finish, kept};
use super::notify;
use super::recorders::Recorders;
use super::replicas::{Replicas, replicas};
use super::signals::{Lever, Signals};
use crate::admin::{self, Admin, Stage, Watch};
use crate::alert::{self, Alerts};
use crate::config::{Compiled, Config, Problem, ProviderKind};
use crate::control::{self, Handle, Source};
use crate::live::{Board, Clock, Journal, Ledger, Published, Snapshot, trusted};
use crate::login::Keeper;
use crate::mock::Laws;
use crate::model::counted;
use crate::proxy::{self, Caller, Chance, DrainReport, Proxy, Sharing};
use crate::store::Books;
use crate::telemetry::{Metrics, Raised};

/// How long the admin listener stays after the data plane has drained, so that the end can be watched.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// What a start may override.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the configuration is.
    pub source: Source,
    /// The data plane's address instead of the configured one.
    pub listen: Option<SocketAddr>,
    /// The admin address instead of the configured one.
    pub admin_listen: Option<SocketAddr>,
}

/// The addresses of a daemon that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Ready {
    /// The data plane's.
    pub data: SocketAddr,
    /// The admin listener's.
    pub admin: SocketAddr,
}

/// Why a daemon did not start or did not stay.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong.
    #[error("{} in the configuration", counted(.0.len(), "problem"))]
    Config(Vec<Problem>),
    /// An address that cannot be listened at.
    #[error(
        "cannot listen at {address}: {source}; is another process there? --listen and --admin-listen choose others"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Anything else of the system.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A part that must not end has ended.
    #[error("the {0} ended unexpectedly")]
    Ended(&'static str),
}

/// A daemon whose listeners are bound and whose controller is ready.
#[derive(Debug)]
pub struct App {
    data: TcpListener,
    admin_listener: TcpListener,
    proxy: Arc<Proxy>,
    admin: Arc<Admin>,
    published: Published,
    board: Arc<Board>,
    handle: Handle,
    source: Source,
    controller: control::Controller,
    replicas: Replicas,
    reloader: control::Reloader,
    journal: Option<Arc<Journal>>,
    books: Books,
    laws: Laws,
    clock: Clock,
    signals: Signals,
}

/// What can be seen of a running daemon from inside its process.
#[derive(Clone, Debug)]
pub struct Running {
    /// What is in force.
    pub published: Published,
    /// What the controller shows.
    pub board: Arc<Board>,
    /// The laws of simulated providers.
    pub laws: Laws,
    /// The daemon's clock.
    pub clock: Clock,
    /// Where it listens.
    pub ready: Ready,
    /// The demo's stage, if this is a demo.
    stage: Arc<OnceLock<Arc<dyn Stage>>>,
}

impl Running {
    /// Shows a demo's stage on the dashboard. Only the first call counts.
    pub fn show(&self, stage: Arc<dyn Stage>) {
        self.stage.get_or_init(|| stage);
    }
}

/// Where these listen.
fn ready(data: &TcpListener, admin: &TcpListener) -> Result<Ready, AppError> {
    let what = "a listener's address";
    let address = |listener: &TcpListener| {
        let found = listener.local_addr();
        found.map_err(|source| AppError::System { what, source })
    };
    Ok(Ready {
        data: address(data)?,
        admin: address(admin)?,
    })
}

fn signals() -> Result<Signals, AppError> {
    let what = "signals";
    Signals::listen().map_err(|source| AppError::System { what, source })
}

impl App {
    /// Reads the configuration, binds the listeners, builds everything. Must be called within a runtime.
    pub fn build(options: Options) -> Result<Self, AppError> {
        let clock = Clock::start();
        let Compiled { config, shown, .. } = first_configuration(&options)?;
        let sharing = Sharing::of(&config.server);
        let most_connections = descriptors::most_connections(&config.server);
        let data = bind(options.listen.unwrap_or(config.server.listen), sharing)?;
        let admin_listener = bind(options.admin_listen.unwrap_or(config.admin.listen), sharing)?;
        let phase = rand::random();
        let mut fleet = Fleet::new(clock);
        let laws = fleet.laws();
        let snapshot = first_snapshot(config, phase, &mut fleet)?;
        let (published, publisher) = Published::first(snapshot);
        let board = Arc::new(Board::starting_with(shown));
        let metrics = Arc::new(Metrics::new(published.clone()));
        let ledger = Arc::new(Ledger::default());
        let (journal, books, resumed) = kept(&published.read().config, &metrics, clock)?;
        let (heard, noted) = ((&metrics, &ledger), journal.clone());
        let proxy = data_plane(&published, clock, heard, noted, most_connections);
        let (handle, asked) = Handle::new();
        let (controller, reloader) = control::reloads(
            options.source.clone(),
            publisher,
            Arc::clone(&board),
            clock,
            phase,
            Box::new(fleet),
            asked,
        );
        let controller = controller.noting(journal.clone()).keeping(&books, resumed);
        let (replicas, controller) = replicas(&published, &board, clock, &handle, controller);
        control::seed(&published.read(), &books, clock.now());
        let bound = ready(&data, &admin_listener)?;
        let reloader = reloader.bound_at(bound.data, bound.admin);
        let alerts = alerts(&books, &metrics);
        let admin = Admin {
            published: published.clone(),
            board: Arc::clone(&board),
            metrics,
            ledger,
            watch: Watch::default(),
            stage: Arc::default(),
            environment: options.source.environment().to_owned(),
            started: clock.now(),
            handle: handle.clone(),
            alerts,
            books: books.clone(),
            clock,
        };
        Ok(Self {
            data,
            admin_listener,
            proxy,
            admin: Arc::new(admin),
            published,
            board,
            handle,
            source: options.source,
            controller,
            replicas,
            reloader,
            journal,
            books,
            laws,
            clock,
            signals: signals()?,
        })
    }

    /// Where it listens, and what can be seen of it from inside.
    pub fn running(&self) -> Result<Running, AppError> {
        let ready = ready(&self.data, &self.admin_listener)?;
        Ok(Running {
            published: self.published.clone(),
            board: Arc::clone(&self.board),
            laws: self.laws.clone(),
            clock: self.clock,
            ready,
            stage: Arc::clone(&self.admin.stage),
        })
    }

    /// Serves until a signal or `stop`, then drains. The report says how many requests were cut.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<DrainReport, AppError> {
        let Signals { mut ends, others } = self.signals;
        let published = self.published.clone();
        // Asked when draining begins: a reload may have changed it.
        let grace = move || published.read().config.server.drain_grace;
        let (closing, closed) = watch::channel(false);
        let (last, ended) = watch::channel(false);
        let mut tasks = Background::default();
        decide(&mut tasks, self.controller, self.replicas, &ended).await;
        look_on(&mut tasks, &self.admin, &ended);
        let exporting = export(&self.admin, ended.clone());
        tasks.spawn(
            "admin listener",
            admin::serve(self.admin_listener, self.admin, turned(ended.clone())),
        );
        tasks.spawn("reloader", self.reloader.run());
        let (alive, published) = (Arc::clone(&self.board), self.published.clone());
        let alive = notify::watchdog(published, alive, self.clock, ended.clone());
        tasks.spawn("watchdog", alive);
        let lever = Lever::of(&self.published, &self.books, self.clock);
        tasks.spawn("signal handler", others.heed(self.handle.clone(), lever));
        let watcher = match &self.source {
            Source::Files { .. } => Some(watcher(self.source.clone(), self.handle)?),
            Source::Text { .. } => None,
        };
        // Clients that connect meanwhile wait, rather than be told that there is no credential yet.
        let mut keeper = Keeper::new(self.published.clone(), self.clock);
        keeper.first().await;
        tasks.spawn("renewal of credentials", keeper.run(ended));
        let proxy = Arc::clone(&self.proxy);
        let data = tokio::spawn(proxy::serve(self.data, self.proxy, turned(closed), grace));
        let (mut data, mut stop) = (std::pin::pin!(data), std::pin::pin!(stop));
        notify::ready(self.published.read().generation);
        let failure = tokio::select! {
            signal = ends.next() => {
                tracing::info!(signal, "draining");
                None
            }
            () = &mut stop => None,
            _ = &mut data => return Err(AppError::Ended("data plane")),
            what = tasks.first_end() => Some(what),
        };
        if let Some(what) = failure {
            tracing::error!(what, "ended unexpectedly; shutting down");
        }
        notify::stopping(self.published.read().config.server.drain_grace);
        self.board.drain();
        closing.send_replace(true);
        let report = tokio::select! {
            report = &mut data => report.unwrap_or_default(),
            signal = ends.next() => {
                tracing::warn!(signal, "again: cutting what is open");
                // What is cut has ended too, and what it used belongs into the books.
                let cut = proxy.open_requests();
                data.abort();
                drop((&mut data).await);
                DrainReport { cut }
            }
        };
        tokio::time::sleep(LAST_LOOK).await;
        last.send_replace(true);
        tasks.end().await;
        exporting.end().await;
        finish(self.journal.as_deref(), &self.books);
        drop(watcher);
        failure.map_or(Ok(report), |what| Err(AppError::Ended(what)))
    }
}

/// What is in force first.
fn first_snapshot(config: Config, phase: u32, fleet: &mut Fleet) -> Result<Snapshot, AppError> {
    let what = "simulated providers";
    let snapshot = control::first_snapshot(config, phase, fleet);
    snapshot.map_err(|source| AppError::System { what, source })
}

/// Those who decide: the controller, which begins with what the fleet has learned, and its exchange with the other replicas.
async fn decide(
    tasks: &mut Background,
    mut controller: control::Controller,
    replicas: Replicas,
    ended: &watch::Receiver<bool>,
) {
    replicas.endow(&mut controller).await;
    tasks.spawn_keeper("controller", controller.run(ended.clone()));
    replicas.exchange(tasks, ended);
}

/// Sees to it that changed files are read.
fn watcher(source: Source, handle: Handle) -> Result<impl Sized + use<>, AppError> {
    let what = "file watcher";
    control::watch(source, handle).map_err(|source| AppError::System { what, source })
}

/// What was raised before the start and is not over, where the metrics find it.
fn alerts(books: &Books, metrics: &Metrics) -> Arc<Alerts> {
    let alerts = Arc::new(Alerts::resumed(books));
    let shown = Arc::clone(&alerts);
    metrics.watch_alerts(move || {
        let open = shown.open().into_iter();
        Raised {
            open: open.map(|(kind, open)| (kind.label(), open)).collect(),
            undelivered: shown.undelivered(),
        }
    });
    alerts
}

/// Those who look at what happens: into the books, at budgets, for the dashboard.
fn look_on(tasks: &mut Background, admin: &Arc<Admin>, ended: &watch::Receiver<bool>) {
    let (books, clock) = (admin.books.clone(), admin.clock);
    if books.are_kept() {
        let ledger = Arc::clone(&admin.ledger);
        let keeping = control::keep_books(ledger, books.clone(), clock, ended.clone());
        tasks.spawn_keeper("bookkeeper", keeping);
    }
    let seeding = control::keep_seeding(admin.published.clone(), books, clock, ended.clone());
    tasks.spawn("budgets' beginnings", seeding);
    let finding = control::find_keys(
        admin.published.clone(),
        admin.books.clone(),
        admin.handle.clone(),
        ended.clone(),
    );
    tasks.spawn("keys of the books", finding);
    let watched = alert::Watched {
        alerts: Arc::clone(&admin.alerts),
        published: admin.published.clone(),
        board: Arc::clone(&admin.board),
        ledger: Arc::clone(&admin.ledger),
        books: admin.books.clone(),
        clock,
        environment: admin.environment.clone(),
    };
    let stop = ended.clone();
    let watching = move || alert::watch(watched.clone(), stop.clone());
    tasks.spawn_keeper("alerts", again("alerts", watching));
    let (admin, stop) = (Arc::clone(admin), ended.clone());
    let looking = move || admin::look(Arc::clone(&admin), stop.clone());
    tasks.spawn("dashboard's feed", again("dashboard's feed", looking));
}

/// The data plane, and who hears of what it does.
fn data_plane(
    published: &Published,
    clock: Clock,
    (metrics, ledger): (&Arc<Metrics>, &Arc<Ledger>),
    journal: Option<Arc<Journal>>,
    most_connections: usize,
) -> Arc<Proxy> {
    let caller = Caller::new();
    trust(&published.read().config);
    let recorder = Arc::new(Recorders {
        metrics: Arc::clone(metrics),
        ledger: Arc::clone(ledger),
        published: published.clone(),
        clock,
    });
    let chance = Chance::from_system();
    let proxy = Proxy::new(published.clone(), clock, caller, recorder, chance);
    let proxy = proxy.noting(journal).at_most(most_connections);
    let proxy = Arc::new(proxy);
    // Weak: the proxy holds the metrics.
    let counted = Arc::downgrade(&proxy);
    metrics.watch_open_requests(move || counted.upgrade().map_or(0, |it| it.open_requests()));
    proxy
}

/// Has whom this machine trusts be read beside the start, where a provider is called by `https`: its first request would wait
/// for that. The runtime waits for the thread when it ends.
fn trust(config: &Config) {
    let is_secure = |kind: &ProviderKind| matches!(kind, ProviderKind::Api { base, .. } if base.origin.starts_with("https:"));
    if config.providers.values().any(|it| is_secure(&it.kind)) {
        tokio::task::spawn_blocking(|| {
            if let Err(problem) = trusted() {
                tracing::warn!(%problem, "https targets cannot be reached");
            }
        });
    }
}

/// The configuration to start with, its warnings said, and the command line's addresses checked like its own.
fn first_configuration(options: &Options) -> Result<Compiled, AppError> {
    let compiled = options.source.read().result.map_err(AppError::Config)?;
    for warning in &compiled.warnings {
        tracing::warn!(%warning, "configuration");
    }
    let config = &compiled.config;
    let refused = config.refused_addresses(options.listen, options.admin_listen);
    if refused.is_empty() {
        Ok(compiled)
    } else {
        Err(AppError::Config(refused))
    }
}

/// Ready once `flag` is true, or nobody can make it so.
async fn turned(mut flag: watch::Receiver<bool>) {
    drop(flag.wait_for(|on| *on).await);
}

fn bind(address: SocketAddr, sharing: Sharing) -> Result<TcpListener, AppError> {
    proxy::bind(address, sharing).map_err(|source| AppError::Listen { address, source })
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
