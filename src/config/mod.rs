//! The configuration: from text to a checked, immutable value. No file access, no environment access.
//!
//! One arrow: [`compile()`] turns the texts of layers into a [`Config`] or into *all* their problems. Start-up, reload and
//! `check` go the same way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::balance::{Overruled, Share, Weight};
use crate::law::Law;
use crate::model::{Price, ProviderName, RouteName, TargetName, UpstreamName};

mod alerts;
mod budget;
mod capabilities;
mod cluster;
mod compile;
mod credential;
mod deadlines;
mod defaults;
mod diff;
mod endpoint;
mod field;
mod goal;
mod headers;
mod interface;
mod interpolate;
mod issued;
mod key_digest;
mod key_wish;
mod keys;
mod kind;
mod law;
mod layer;
mod listen;
mod listing;
mod login;
mod mask;
mod order;
mod overlay;
pub mod preset;
mod prices;
mod problem;
mod provider;
mod quantity;
mod redis_url;
mod rotation;
mod route;
mod secret;
mod section;
mod settings;
mod shown;
mod sticky;
mod store;
mod syntax;
mod target;
mod telemetry;
mod tls;
mod tree;
mod unclosed;
mod wish;
mod world;

#[cfg(test)]
mod tests;

pub use crate::balance::{Goal, Objective, Strategy};
pub use crate::limit::Budget;
pub use alerts::{AlertKind, Alerts, Webhook, WebhookFormat};
pub use budget::{KeyBudget, KeyLimit};
pub use capabilities::Capabilities;
pub use compile::{Compiled, compile};
pub use credential::MOST_KEYS;
pub use deadlines::Phases;
pub use diff::{Diff, diff};
pub use endpoint::{Endpoint, EndpointError};
pub use headers::is_public_header;
pub use interface::Interface;
pub use interpolate::{Lookup, Unusable};
pub use issued::{Deed, Issue, Issued, Made, Rights};
pub use key_digest::{digest_of, digest_text};
pub use key_wish::{KeyWish, deed, key_life};
pub use keys::{ClientKey, Held, is_word};
pub use layer::Layer;
pub use listing::ListPrice;
pub use login::{GoogleLogin, Login};
pub use order::{Act, Order};
pub use overlay::{StandingOrder, nobody_left, overlay};
pub use problem::Problem;
pub use redis_url::{RedisKind, RedisUrl, RedisUrlError};
pub use rotation::{Families, Replaced, Rotation, grace};
pub use secret::Secret;
pub use shown::{Origins, Shown};
pub use tls::Tls;
pub use wish::{Fault, LONGEST_LIFE, Refused, USUAL_LIFE, Wish, life};

/// A whole environment, checked.
///
/// # Invariants
/// Every route has at least one target of weight > 0; every target's upstream names a provider that exists; names are
/// unique. `routes`, `providers` and `upstreams` are in the order of their names.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether the controller decides, and whether it is obeyed.
    pub mode: Mode,
    /// The data plane's listener and limits.
    pub server: Server,
    /// The admin listener.
    pub admin: Admin,
    /// The background controller.
    pub controller: Controller,
    /// How much the books keep.
    pub store: Store,
    /// What an operator is warned of, and where the warnings go.
    pub alerts: Alerts,
    /// Where traces and metrics are sent, if they are.
    pub otlp: Option<Otlp>,
    /// By what several replicas decide as one, if they do.
    pub cluster: Option<Cluster>,
    /// Who may call by what the files say, by name. Who may call at all, [`Config::clients`] tells.
    pub keys: BTreeMap<String, Arc<ClientKey>>,
    /// Keys that were made and revoked while the daemon ran.
    pub issued: Arc<Issued>,
    /// What requests may bring themselves.
    pub requests: Requests,
    /// What routes, and requests without a route, have where nothing else is said.
    pub defaults: Defaults,
    /// All providers, by name.
    pub providers: BTreeMap<ProviderName, Arc<Provider>>,
    /// All upstreams that routes name, by name.
    pub upstreams: BTreeMap<UpstreamName, Arc<Upstream>>,
    /// All routes, by name.
    pub routes: BTreeMap<RouteName, Arc<Route>>,
    /// Prices that are written down, by `provider/model`, also of models that only request lists name. What everything
    /// costs, these and the published ones, [`Config::price`] tells.
    pub prices: BTreeMap<UpstreamName, ListPrice>,
    /// FNV-1a hash of the merged, interpolated values: equal hashes mean nothing changed.
    pub digest: u64,
}

/// Whether shares follow what was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Configured shares; nothing decides, nothing ejects.
    Off,
    /// The controller decides and shows it, and is not obeyed.
    Shadow,
    /// The controller decides and is obeyed.
    #[default]
    Auto,
}

/// The data plane's listener and limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// The certificate and key, if clients are spoken to by TLS.
    pub tls: Option<Arc<Tls>>,
    /// Whether it may listen where others can reach it although it asks for no client key.
    pub allow_unauthenticated: bool,
    /// Whether a key is asked for although the files have none; said to be `false`, nobody needs one that was made elsewhere
    /// either.
    pub require_key: Option<bool>,
    /// Largest request body that is accepted, in bytes.
    pub max_body: u64,
    /// Largest unary answer that is buffered for a check before it is passed on, in bytes.
    pub max_answer: u64,
    /// How long requests in flight may take to finish after SIGTERM.
    pub drain_grace: Duration,
    /// How long a client may take to send the head of its request.
    pub head_timeout: Duration,
    /// How long a client may take to send the whole body of its request.
    pub body_timeout: Duration,
    /// Open client connections above which new ones are turned away.
    pub max_connections: usize,
    /// Requests under way above which new ones are turned away.
    pub max_requests: usize,
    /// Bytes of request bodies that may be held at a time, all together.
    pub max_buffered: u64,
    /// Whether another process may listen at the same addresses, so that one can take over from the other.
    pub reuse_port: bool,
    /// Further request headers that are passed on to targets, in lower case.
    pub forward_headers: Vec<String>,
    /// The folder of the books and of what was learned, if they are kept.
    pub state: Option<PathBuf>,
}

/// How much the books keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// How long usage is kept.
    pub usage: Duration,
    /// How long its minutes are told apart; before, its hours are.
    pub minutes: Duration,
    /// How long moved decisions are kept.
    pub decisions: Duration,
    /// How long alerts are kept that were resolved.
    pub alerts: Duration,
    /// Bytes above which the oldest goes, whatever its age.
    pub size: u64,
}

/// Where traces and metrics are sent, by OpenTelemetry's protocol over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct Otlp {
    /// The collector, without `/v1/traces` and `/v1/metrics`.
    pub endpoint: Endpoint,
    /// Headers that each message has, by their names in lower case, each once.
    pub headers: Vec<(String, Secret)>,
    /// Time between two exports of metrics.
    pub interval: Duration,
    /// Part of the requests that begin a trace and are sampled, 0 to 1. One that continues a trace is sampled if its
    /// client's part is.
    pub sample: f64,
}

/// By what several replicas decide as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The Redis or Valkey.
    pub url: RedisUrl,
    /// What its sentinels are entered with, where they ask for a password of their own.
    pub sentinel_password: Option<Secret>,
    /// What tells the keys of one installation from another's: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub namespace: String,
    /// This replica's name, of the same characters; `None` has one made up at each start.
    pub replica: Option<String>,
}

/// The admin listener.
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    /// Where operators and Prometheus connect.
    pub listen: SocketAddr,
    /// Whether it may listen where others can reach it although it asks for no token.
    pub allow_remote: bool,
    /// What its clients must hold; `None` asks for nothing.
    pub token: Option<Secret>,
}

/// The background controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    /// Time between two decisions.
    pub tick: Duration,
    /// Where decisions are written down, if they are.
    pub journal: Option<Journal>,
}

/// Where decisions are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// The folder.
    pub dir: PathBuf,
    /// Most bytes that all files take together.
    pub size: u64,
}

/// What requests may bring themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// Whether a request may bring its own list of targets.
    pub lists: bool,
    /// What acts on a list whose type asks for nothing else.
    pub strategy: Strategy,
}

/// What holds where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// How long each phase may take.
    pub deadlines: Deadlines,
    /// What is tried again.
    pub retry: Retry,
    /// What becomes of a conversation whose provider is gone.
    pub on_lost_origin: OnLostOrigin,
}

/// What becomes of a conversation that holds state of a provider which cannot be asked any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLostOrigin {
    /// Another provider goes on with what can be read of it; the answer says so.
    #[default]
    Strip,
    /// The client gets an error that says so.
    Fail,
}

/// How a request's place in the shares is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// A low-discrepancy sequence: any hundred requests in a row are split as configured, to within one or two.
    #[default]
    Even,
    /// Independent draws.
    Random,
}

/// What requests of a route have in common that go to the same target as long as that one can take them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sticky {
    /// Nothing: each is drawn by itself.
    #[default]
    Off,
    /// The conversation that they are turns of.
    Conversation,
    /// The user that they are for.
    User,
    /// The value of this header, whose name is in lower case.
    Header(String),
}

/// A provider with its credential.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name in `use` and in requests.
    pub name: ProviderName,
    /// The API it has and where it is.
    pub kind: ProviderKind,
    /// Its credentials, which attempts use in turn; none if it needs none. At most [`MOST_KEYS`], each once.
    pub api_keys: Vec<Secret>,
    /// What its models can do, where that is written down.
    pub capabilities: Capabilities,
    /// How its credential is worked out, if it is not written down.
    pub login: Option<Login>,
    /// How long its phases may take, over what a route says.
    pub deadlines: Phases,
    /// Headers that each request to it has, by their names in lower case, each once.
    pub headers: Vec<(String, Secret)>,
    /// Models it serves; empty means any.
    pub models: Vec<String>,
    /// Facts that routes may require or forbid.
    pub tags: Vec<String>,
    /// Part of the list price that a contract takes off, 0 to 1.
    pub discount: f64,
    /// Providers of one group share a quota: a rate limit at one is a rate limit at all.
    pub quota_group: Option<String>,
    /// What may be spent there.
    pub budget: Option<Budget>,
}

/// The API of a provider and where it is.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// It is called at an address.
    Api {
        /// Which API it has.
        interface: Interface,
        /// What the API's paths hang under, for example `https://api.openai.com/v1`.
        base: Endpoint,
    },
    /// A simulated provider on a loopback socket of this process.
    Simulated {
        /// How it behaves.
        law: Box<Law>,
        /// Which API it has.
        speaks: Interface,
    },
}

impl ProviderKind {
    /// Which API it has.
    pub const fn interface(&self) -> &Interface {
        match self {
            Self::Api { interface, .. } => interface,
            Self::Simulated { speaks, .. } => speaks,
        }
    }
}

/// A provider and a model: what evidence belongs to.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// `provider/model`.
    pub name: UpstreamName,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// Price after the provider's discount; `None` where none is configured and none published.
    pub price: Option<Price>,
}

/// A route: what clients put into `model`.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// How its shares come about.
    pub strategy: Strategy,
    /// The environment's mode, unless the route has its own.
    pub mode: Mode,
    /// How requests are drawn.
    pub draw: Draw,
    /// What requests have in common that go to the same target.
    pub sticky: Sticky,
    /// Its targets, at least one, in the order of the file.
    pub targets: Vec<Target>,
    /// Tags that every target of a request must have.
    pub require: Vec<String>,
    /// Tags that no target of a request may have.
    pub forbid: Vec<String>,
    /// Holds the split between different models at the configured one if `false`.
    pub mix_models: bool,
    /// What is tried again, and how often.
    pub retry: Retry,
    /// What becomes of a conversation whose provider is gone.
    pub on_lost_origin: OnLostOrigin,
    /// Where requests go when no target of the route is left, in order.
    pub fallbacks: Vec<Fallback>,
    /// Where requests go that are longer than a target's model takes, in order.
    pub context_fallbacks: Vec<Fallback>,
    /// Where requests go that a target's content policy refuses, in order.
    pub content_filter_fallbacks: Vec<Fallback>,
    /// How long each phase may take.
    pub deadlines: Deadlines,
    /// How much latency, cost and errors count.
    pub objective: Objective,
    /// What is good enough: comes before the objective.
    pub goal: Goal,
    /// The mean score of its answers below which a target leaves, 0 to 1.
    pub min_quality: Option<f64>,
    /// Whether an operator has drained all its targets: nobody of them is asked.
    pub closed: bool,
    /// What may be spent for its requests.
    pub budget: Option<Budget>,
}

/// Where requests go when a route has nobody left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Another route.
    Route(RouteName),
    /// One upstream.
    Upstream(UpstreamName),
}

/// One way to serve a route.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its name within the route.
    pub name: TargetName,
    /// What serves it.
    pub upstream: Arc<Upstream>,
    /// The configured weight, relative within the tier; 0 drains.
    pub weight: Weight,
    /// Lower tiers are filled first; the next takes what they have no room for.
    pub tier: u8,
    /// The share it is never given less of while it works, as part of the route's traffic.
    pub min_share: Share,
    /// The share it is never given more of.
    pub max_share: Share,
    /// Its own price (`prepaid` is zero, no discount is taken off), else the upstream's; `None` where there is none.
    pub price: Option<Price>,
    /// Facts about it: its provider's tags and its own, sorted, each once.
    pub tags: Vec<String>,
    /// What its model can do: as written here, else at its provider, else as published.
    pub capabilities: Capabilities,
    /// How long its phases may take: its own, else its provider's, else what the route says.
    pub deadlines: Phases,
    /// The operator's order that made its weight or bounds what they are, if one did.
    pub overruled: Option<Overruled>,
    /// The share that the files ask for, where an operator's order, of this target or of another, makes it another.
    pub as_filed: Option<Share>,
    /// What may be spent there for the route's requests.
    pub budget: Option<Budget>,
}

/// What is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Attempts after the first.
    pub count: u32,
    /// Statuses after which another attempt is made; a timeout counts as 408.
    pub on_codes: Vec<u16>,
}

/// How long each phase of a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the response's header of a streamed answer.
    pub header_streamed: Duration,
    /// Until the response's header of a unary answer.
    pub header_unary: Duration,
    /// Until the first content of a streamed answer.
    pub first_token: Duration,
    /// Between two pieces of content.
    pub between_tokens: Duration,
    /// One attempt.
    pub attempt: Duration,
    /// The whole request, retries and waits included.
    pub total: Duration,
}
