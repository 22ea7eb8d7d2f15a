//! The daemon under incidents: real sockets, simulated providers in this process, and the simulator for a yardstick.
//!
//! Every incident is one scenario ([`worlds`]). The simulator runs it under eight seeds; the daemon lives through it once,
//! with the requests that the simulator has under the first one. Both are judged by the simulator's own figures, made of
//! what targets were asked and when. What is compared are counts of requests, so that a machine that is slow for a moment
//! does not decide; all incidents are played at once, each on a route of its own, since an incident is mostly waiting.
//!
//! How long a target takes to come back hangs on chance: of the simulator's own runs one in ten is not within twice the mean
//! of eight others. So returns are judged by their sum over all incidents, which in a thousand of its runs never was. That a
//! target comes back at all is judged for each, but for those whose return only a few exploring requests can show.
//!
//! The whole needs two fifths of a core. On a machine that has not so much left, deadlines pass that would not have passed,
//! and the daemon lives through another incident than the simulator. A route where nothing happens tells: if its answers are
//! late, nothing is judged, and the output says so.

mod play;
mod providers;
mod suspended;
mod worlds;

use std::fmt::Write as _;
use std::io::Write as _;

use weighbridge::sim::{Candidate, End, Failover, Figures, Run, Scenario};

use self::play::Played;
use self::worlds::{FROM, Incident, Judged, RPS, TARGETS, TO};
use super::daemon::machine;

/// Runs of the simulator that its mean is taken over.
const SEEDS: u64 = 8;
/// Nothing may take more than so many times the simulator's mean.
const TIMES: f64 = 2.0;
/// The figures look at shares every half second, from a tick on that may just have passed: so many requests of a route in a
/// second make no difference.
const GRAIN: f64 = RPS;

/// Seconds that no healthy answer takes, at the simulated providers' pace, where processes get their turn.
const LATE: f64 = 1.5;

/// One late request in so many and the machine is too busy to be judged on.
const TOO_LATE: usize = 20;

/// Counts of requests of one incident.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Met the sick target until it was shed.
    exposed: f64,
    /// Met it while it was sick.
    met: f64,
    /// Came after the trouble until it had four fifths of its share again.
    awaited: f64,
    /// Met it after the trouble.
    after: f64,
    /// Met the one that was met least of all while the trouble lasted.
    least: f64,
    /// Were not answered.
    failed: f64,
}

impl Counts {
    fn of(scenario: &Scenario, run: &Run) -> Self {
        let figures = Figures::of(scenario, run);
        let met = |target: Option<usize>, from: f64, to: f64| {
            let within = run.tried.iter().filter(|tried| {
                let at = tried.at.as_secs_f64();
                (from..to).contains(&at) && target.is_none_or(|target| tried.target == target)
            });
            within.count() as f64
        };
        let recovered = figures.recover_s.expect("a fault that ends");
        let each = (0..TARGETS.len()).map(|target| met(Some(target), FROM, TO));
        let failed = run.served.iter().filter(|it| it.end != End::Answered);
        Self {
            exposed: figures.exposed.expect("a target that had a share"),
            met: met(Some(0), FROM, TO),
            awaited: met(None, TO, TO + recovered),
            after: met(Some(0), TO, scenario.seconds),
            least: each.fold(f64::INFINITY, f64::min),
            failed: failed.count() as f64,
        }
    }

    fn with(self, other: Self, of: fn(f64, f64) -> f64) -> Self {
        Self {
            exposed: of(self.exposed, other.exposed),
            met: of(self.met, other.met),
            awaited: of(self.awaited, other.awaited),
            after: of(self.after, other.after),
            least: of(self.least, other.least),
            failed: of(self.failed, other.failed),
        }
    }
}

/// What the simulator's runs brought.
#[derive(Debug)]
struct Simulated {
    mean: Counts,
    most: Counts,
    least: Counts,
}

impl Simulated {
    fn of(scenario: &Scenario) -> Self {
        let ours = Candidate::named("adaptive").unwrap();
        let run = |seed| {
            let run = ours.run(scenario, seed, Failover::On).unwrap();
            Counts::of(scenario, &run)
        };
        let first = run(1);
        let (mut sum, mut most, mut least) = (first, first, first);
        for counts in (2..=SEEDS).map(run) {
            sum = sum.with(counts, |sum, count| sum + count);
            most = most.with(counts, f64::max);
            least = least.with(counts, f64::min);
        }
        let mean = sum.with(sum, |sum, _| sum / SEEDS as f64);
        Self { mean, most, least }
    }
}

/// What of `daemon` is not within the bounds that the simulator gives: twice its mean, or what one of its own runs took.
fn strange(incident: &Incident, daemon: Counts, simulated: &Simulated) -> String {
    let (Simulated { mean, most, least }, mut strange) = (simulated, String::new());
    let mut told = |what: &str, count: f64, holds: bool, bound: &str| {
        if !holds {
            let name = incident.name;
            writeln!(strange, "{name}: {count} {what}, expected {bound}").unwrap();
        }
    };
    let mut at_most = |what: &str, of: fn(&Counts) -> f64, grain: f64| {
        let (count, bound) = (of(&daemon), of(most).max(TIMES * of(mean)) + grain);
        told(what, count, count <= bound, &format!("at most {bound:.1}"));
    };
    let share = TARGETS[0].1;
    if incident.judged == Judged::ShedAndBack {
        let met = "requests met the sick target until it was shed";
        at_most(met, |it| it.exposed, GRAIN * share);
    }
    if incident.judged != Judged::All {
        at_most("requests met the sick target", |it| it.met, GRAIN * share);
    }
    let grain = if incident.may_fail { GRAIN } else { 0.0 };
    at_most("requests were not answered", |it| it.failed, grain);
    let mut at_least = |what: &str, of: fn(&Counts) -> f64| {
        let (count, bound) = (of(&daemon), of(least).min(of(mean) / TIMES));
        told(what, count, count >= bound, &format!("at least {bound:.1}"));
    };
    if incident.judged == Judged::All {
        at_least("requests met the least asked target", |it| it.least);
    }
    if !incident.is_seen_late {
        let met = "requests met it after the trouble";
        told(
            met,
            daemon.after,
            daemon.after >= mean.after / 10.0,
            "a tenth of the simulator's",
        );
    }
    strange
}

/// What is strange of all incidents together: whether targets come back.
fn strange_returns(daemon: Counts, mean: Counts) -> String {
    let mut strange = String::new();
    if daemon.awaited > TIMES * mean.awaited {
        let (came, bound) = (daemon.awaited, TIMES * mean.awaited);
        let told = "requests came until targets had their shares again";
        writeln!(strange, "{came} {told}, expected at most {bound:.1}").unwrap();
    }
    if daemon.after < mean.after / TIMES {
        let (met, bound) = (daemon.after, mean.after / TIMES);
        let told = "requests met them after the trouble";
        writeln!(strange, "{met} {told}, expected at least {bound:.1}").unwrap();
    }
    strange
}

/// What is strange of what was played.
fn check(played: &[&Played]) -> String {
    let (mut told, mut all, mut means) = (String::new(), Counts::default(), Counts::default());
    for played in played {
        let daemon = Counts::of(&played.scenario, &played.run);
        let simulated = Simulated::of(&played.scenario);
        let (name, mean) = (played.incident.name, simulated.mean);
        println!("{name}\n  daemon    {daemon:?}\n  simulated {mean:?}");
        told += &strange(&played.incident, daemon, &simulated);
        all = all.with(daemon, |sum, count| sum + count);
        means = means.with(mean, |sum, count| sum + count);
    }
    println!("together\n  daemon    {all:?}\n  simulated {means:?}");
    told + &strange_returns(all, means)
}

/// Says it whatever becomes of the output of a test that passes: nobody is to take a skipped test for a passed one.
fn say(text: &str) {
    let told = std::io::stderr().write_all(text.as_bytes());
    told.expect("standard error takes a line");
}

/// Requests that were late where nothing happened, and all of that route: where processes get their turn, none is.
fn late(played: &[Played]) -> (usize, usize) {
    let mut calm = played
        .iter()
        .filter(|it| it.incident.judged == Judged::Calm);
    let served = &calm.next().expect("it is played too").run.served;
    let late = served.iter().filter(|it| it.took > LATE).count();
    println!(
        "{late} of {} requests were late where nothing happened",
        served.len()
    );
    (late, served.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_sheds_and_returns_within_twice_the_simulators_time() {
    let _machine = machine().await;
    let played = play::play().await;
    let (late, of) = late(&played);
    if late * TOO_LATE > of {
        say(&format!(
            "incidents: skipped, {late} of {of} requests were late where nothing happened: this machine is too busy for real \
             time to mean anything\n"
        ));
        return;
    }
    let judged = played
        .iter()
        .filter(|it| it.incident.judged != Judged::Calm);
    let strange = check(&judged.collect::<Vec<_>>());
    assert!(strange.is_empty(), "{strange}");
}
