//! `simulate --env NAME`: the routes of an environment as worlds, so that a change is tried before it is deployed.
//!
//! What the files say is taken as they say it: targets with weights, tiers, bounds and prices, goals, objectives, deadlines,
//! retries, stickiness, and the laws of simulated providers. What no file knows (how quick the targets are, how often they
//! fail, what comes in) is told by the command line, learned from a journal of that environment, or taken from a table of
//! what was published; a table above the results says which.
//!
//! How it fails: fallbacks beyond a route's own targets, deadlines of single targets, failures of several targets for one
//! reason, limits of providers that no file names and what a prompt cache does beyond conversations are not simulated.

use std::path::PathBuf;

use super::super::Failure;
use super::super::source::configured;
use super::worlds::Group;
use crate::config::{Config, Mode, Route, Strategy};
use crate::sim::{Candidate, Fault};

mod guess;
mod learned;
mod outage;
mod shown;
mod tale;
mod world;

use learned::Learned;
use outage::Outage;
pub(super) use shown::assumed;
pub(super) use tale::{Document, Tale, tales};
use world::Taken;

/// Virtual seconds of a route's world: five minutes each before, during and after an outage.
const SECONDS: f64 = 900.0;

/// What `simulate` is told of an environment.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct EnvArgs {
    /// The routes of this environment, as its files say, in place of scenarios
    #[arg(long, value_name = "NAME", conflicts_with_all = ["scenario", "suite", "random", "exposure", "report"])]
    env: Option<String>,
    /// The folder with the configuration files of --env
    #[arg(long, value_name = "DIR", default_value = "config")]
    config: PathBuf,
    /// Only this route of the environment; may be given more than once
    #[arg(long = "route", value_name = "NAME", requires = "env")]
    routes: Vec<String>,
    /// Makes a target fail in the middle third of the time, by its name, its provider/model or its provider; more than once
    #[arg(long = "outage", value_name = "TARGET[=503|429|hang|slow]", requires = "env", value_parser = Outage::read)]
    outages: Vec<Outage>,
    /// Requests a second that come to each route
    #[arg(long, value_name = "N", requires = "env")]
    rate: Option<f64>,
    /// Virtual seconds of each route's world
    #[arg(long, value_name = "N", requires = "env", default_value_t = SECONDS)]
    seconds: f64,
    /// Tokens of a prompt in the median
    #[arg(long, value_name = "N", requires = "env")]
    tokens_in: Option<f64>,
    /// Tokens of an answer in the median
    #[arg(long, value_name = "N", requires = "env")]
    tokens_out: Option<f64>,
    /// A journal of the environment, a folder or a file, to learn load, times and failures from
    #[arg(long, value_name = "FILE|DIR", requires = "env")]
    journal: Option<PathBuf>,
}

/// An environment to simulate: its routes as worlds, and what is to be told of them.
#[derive(Debug)]
pub(super) struct Environment {
    /// The worlds, in the order of the routes' names.
    pub(super) group: Group,
    /// What is to be told, by world.
    plans: Vec<Plan>,
    /// What a journal does not tell, in sentences.
    notes: Vec<String>,
}

/// What is to be told of one world.
#[derive(Debug)]
struct Plan {
    /// The policy that the route has.
    own: Candidate,
    /// Who fails, when and how.
    outages: Vec<(Fault, Outage)>,
    /// What the targets are taken for.
    targets: Vec<Taken>,
}

impl EnvArgs {
    /// Whether an environment is asked for.
    pub(super) const fn is_given(&self) -> bool {
        self.env.is_some()
    }

    /// Reads the environment and makes its worlds; `None` if none is asked for.
    pub(super) fn read(&self) -> Result<Option<Environment>, Failure> {
        let Some(env) = &self.env else {
            return Ok(None);
        };
        self.check()?;
        let config = configured(&self.config, env)?;
        let routes = self.chosen(env, &config)?;
        outage::check(&self.outages, &routes)?;
        let learned = match &self.journal {
            Some(path) => Some(Learned::read(path)?),
            None => None,
        };
        let mut environment = Environment {
            group: Group {
                name: env.clone(),
                scenarios: Vec::new(),
            },
            plans: Vec::new(),
            notes: Vec::new(),
        };
        for route in routes {
            if let Some(learned) = &learned {
                environment.notes.extend(learned.note(route));
            }
            let (scenario, targets) = world::of(route, self, learned.as_ref())?;
            let (scenario, outages) = outage::put_in(scenario, route, &self.outages);
            environment.group.scenarios.push(scenario);
            environment.plans.push(Plan {
                own: own(route)?,
                outages,
                targets,
            });
        }
        Ok(Some(environment))
    }

    /// Whether the numbers are such.
    fn check(&self) -> Result<(), Failure> {
        let numbers = [
            ("--rate", "a number of requests a second", self.rate),
            ("--seconds", "a number of seconds", Some(self.seconds)),
            ("--tokens-in", "a number of tokens", self.tokens_in),
            ("--tokens-out", "a number of tokens", self.tokens_out),
        ];
        for (option, what, number) in numbers {
            if let Some(number) = number.filter(|number| !(number.is_finite() && *number > 0.0)) {
                return Err(Failure::Told(format!(
                    "{option}: expected {what} above 0, found {number}"
                )));
            }
        }
        Ok(())
    }

    /// The routes that are asked for, all if none is.
    fn chosen<'a>(&self, env: &str, config: &'a Config) -> Result<Vec<&'a Route>, Failure> {
        let all = || config.routes.values().map(|route| &**route);
        for wanted in &self.routes {
            if !all().any(|route| route.name.as_str() == wanted) {
                let names: Vec<&str> = all().map(|route| route.name.as_str()).collect();
                return Err(Failure::Told(format!(
                    "--route: expected a route of {env} ({}), found {wanted:?}",
                    names.join(", ")
                )));
            }
        }
        let is_wanted = |route: &&Route| {
            self.routes.is_empty() || self.routes.iter().any(|name| name == route.name.as_str())
        };
        Ok(all().filter(is_wanted).collect())
    }
}

/// The policy that the route has: in `shadow` and `off` its configured shares hold and nobody is ejected.
fn own(route: &Route) -> Result<Candidate, Failure> {
    let name = match (route.mode, route.strategy) {
        (Mode::Auto, Strategy::Adaptive | Strategy::Trial(_)) => "adaptive",
        (Mode::Auto, Strategy::Fixed) => "fixed",
        (Mode::Shadow | Mode::Off, _) => "static",
    };
    Candidate::named(name).ok_or_else(|| Failure::Told(format!("there is no policy {name}")))
}

#[cfg(test)]
mod tests;
