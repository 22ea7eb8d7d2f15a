//! What happened in each outage under each policy: figures for programs, sentences for people.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::super::Failure;
use super::super::cells::{Question, spread};
use super::shown::Assumed;
use super::{Environment, Outage};
use crate::sim::{Candidate, Cost, Course, Fault, Scenario, Span};

/// A share that is at most this much larger than before took nothing over.
const TAKEN_OVER: f64 = 0.01;

/// A report with what happened in the outages, and what the worlds are made of.
#[derive(Debug, Serialize)]
pub(in super::super) struct Document<'a> {
    #[serde(flatten)]
    report: serde_json::Value,
    assumed: Vec<Assumed<'a>>,
    outages: &'a [Tale],
}

impl<'a> Document<'a> {
    /// `report` with the rest.
    pub(in super::super) fn new(
        report: serde_json::Value,
        environment: &'a Environment,
        outages: &'a [Tale],
    ) -> Self {
        Self {
            report,
            assumed: environment.assumed(),
            outages,
        }
    }
}

/// What happened in one outage under one policy; means over the seeds.
#[derive(Debug, Serialize)]
pub(in super::super) struct Tale {
    route: String,
    policy: &'static str,
    /// Whether it is what the route has.
    in_force: bool,
    target: String,
    /// What it does, in words.
    does: String,
    from_s: f64,
    to_s: f64,
    share: f64,
    /// Of the seeds in which it was left.
    shed_s: Option<f64>,
    /// The part of the seeds in which it was.
    shed: f64,
    exposed: f64,
    met: f64,
    recovered_s: Option<f64>,
    recovered: f64,
    shares_before: BTreeMap<String, f64>,
    shares_during: BTreeMap<String, f64>,
    before: Had,
    during: Had,
    after: Had,
    /// Whether some target's price is not known.
    priceless: bool,
    sentences: Vec<String>,
}

/// What callers had in a stretch of time.
#[derive(Clone, Copy, Debug, Serialize)]
struct Had {
    failed: Option<f64>,
    p95_s: Option<f64>,
    dollars_per_1000: Option<f64>,
}

/// What happened in all outages: by route, then by outage, then by policy. The oracle is left out, who knows of an outage
/// before it begins.
pub(in super::super) fn tales(
    environment: &Environment,
    question: &Question<'_>,
) -> Result<Vec<Tale>, Failure> {
    let worlds = question.groups.iter().flat_map(|group| &group.scenarios);
    let worlds: Vec<(&Scenario, &super::Plan)> = worlds.zip(&environment.plans).collect();
    let told = || question.candidates.iter().filter(|who| !who.is_oracle());
    let failing = worlds.iter().enumerate();
    let failing = failing.filter(|(_, (_, plan))| !plan.outages.is_empty());
    let jobs: Vec<(usize, &Candidate)> = failing
        .flat_map(|(world, _)| told().map(move |who| (world, who)))
        .collect();
    // By seed, the courses of the world's outages.
    let courses = |(world, who): (usize, &Candidate)| -> Result<Vec<Vec<Course>>, Failure> {
        let (scenario, plan) = worlds[world];
        let runs = question.seeds.clone().map(|seed| {
            let run = who.run(scenario, seed, question.failover);
            let run = run.map_err(|error| Failure::Told(format!("{}: {error}", scenario.name)))?;
            let faults = plan.outages.iter();
            Ok(faults
                .map(|(fault, _)| Course::of(scenario, &run, fault))
                .collect())
        });
        runs.collect()
    };
    let found = spread(&jobs, courses, None::<&mut std::io::Sink>);
    let mut tales = Vec::new();
    for ((world, who), seeds) in jobs.iter().zip(found) {
        let (seeds, (scenario, plan)) = (seeds?, worlds[*world]);
        for (i, (fault, outage)) in plan.outages.iter().enumerate() {
            let courses: Vec<&Course> = seeds.iter().filter_map(|seed| seed.get(i)).collect();
            let mut tale = Tale::of(scenario, fault, outage, &courses);
            (tale.policy, tale.in_force) = (who.name, **who == plan.own);
            tale.sentences = tale.sentences();
            tales.push(tale);
        }
    }
    Ok(tales)
}

impl Tale {
    fn of(scenario: &Scenario, fault: &Fault, outage: &Outage, courses: &[&Course]) -> Self {
        let all = courses.len().max(1) as f64;
        let sum = |of: &dyn Fn(&Course) -> f64| courses.iter().map(|it| of(it)).sum::<f64>();
        let known = |of: &dyn Fn(&Course) -> Option<f64>| {
            let known: Vec<f64> = courses.iter().filter_map(|it| of(it)).collect();
            let count = known.len() as f64;
            let mean = (count > 0.0).then(|| known.iter().sum::<f64>() / count);
            (mean, count / all)
        };
        let shares = |of: fn(&Course) -> &Vec<f64>| {
            let names = scenario.targets.keys().cloned().enumerate();
            let share = |i: usize| sum(&|course| of(course).get(i).copied().unwrap_or(0.0)) / all;
            names.map(|(i, name)| (name, share(i))).collect()
        };
        let had = |span: usize| {
            let mean = |of: fn(&Span) -> Option<f64>| known(&|it: &Course| of(&it.spans[span])).0;
            Had {
                failed: mean(|span| span.failed),
                p95_s: mean(|span| span.p95_s),
                dollars_per_1000: mean(|span| span.dollars_per_1000),
            }
        };
        let (shed_s, shed) = known(&|course| course.shed_s);
        let (recovered_s, recovered) = known(&|course| course.recovered_s);
        let targets = scenario.targets.values();
        Self {
            route: scenario.name.clone(),
            policy: "",
            in_force: false,
            target: fault.target.clone(),
            does: outage.kind.to_string(),
            from_s: fault.from,
            to_s: fault.to,
            share: sum(&|course| course.share) / all,
            shed_s,
            shed,
            exposed: sum(&|course| course.exposed) / all,
            met: sum(&|course| course.met) / all,
            recovered_s,
            recovered,
            shares_before: shares(|course| &course.shares_before),
            shares_during: shares(|course| &course.shares_during),
            before: had(0),
            during: had(1),
            after: had(2),
            priceless: targets
                .map(|it| it.terms.cost)
                .any(|cost| cost == Cost::Unknown),
            sentences: Vec::new(),
        }
    }

    fn sentences(&self) -> Vec<String> {
        let mut sentences = vec![self.left()];
        sentences.extend(self.went());
        sentences.extend(self.had());
        sentences.extend(self.back());
        sentences
    }

    /// When it was left, and who met it.
    fn left(&self) -> String {
        let (share, met) = (percent(self.share), self.met);
        let seeds = seeds(self.shed);
        match self.shed_s {
            Some(after) if after < AT_ONCE => {
                format!(
                    "It is left at once{seeds}; {met:.0} requests meet it in all, probes among them."
                )
            }
            Some(after) => format!(
                "{after:.1} s later it has a tenth of its {share} left{seeds}; {:.0} requests meet it until then, \
                 {met:.0} in all, probes among them.",
                self.exposed
            ),
            None if self.share <= LEAST => format!(
                "It had {share} of the requests before: there is next to nothing to leave, and {met:.0} meet it."
            ),
            None => format!(
                "It is never left: it had {share} of the requests before, and {met:.0} meet it."
            ),
        }
    }

    /// Where its share went.
    fn went(&self) -> Option<String> {
        self.shed_s?;
        let mut gained: Vec<(&String, f64, f64)> = Vec::new();
        for (name, during) in &self.shares_during {
            let before = self.shares_before.get(name).copied().unwrap_or_default();
            if during - before > TAKEN_OVER {
                gained.push((name, before, *during));
            }
        }
        gained.sort_by(|a, b| (b.2 - b.1).total_cmp(&(a.2 - a.1)));
        let parts: Vec<String> = gained
            .iter()
            .map(|(name, before, during)| {
                format!(
                    "{name} ({} before, {} then)",
                    percent(*before),
                    percent(*during)
                )
            })
            .collect();
        let kept = self.shares_during.get(&self.target).copied();
        let kept = kept.filter(|kept| *kept > 2.0 * SHED * self.share + TAKEN_OVER);
        let kept = kept.map_or_else(String::new, |kept| {
            format!(
                " It comes back before it is well: it has {} from then to the end.",
                percent(kept)
            )
        });
        (!parts.is_empty()).then(|| format!("Its share goes to {}.{kept}", parts.join(" and ")))
    }

    /// What callers had before, during and after.
    fn had(&self) -> Option<String> {
        let spans = [self.before, self.during, self.after];
        let p95 = spans.map(|span| span.p95_s.map(|seconds| format!("{seconds:.1} s")));
        let failed = spans.map(|span| span.failed.map(|part| format!("{:.2} %", 100.0 * part)));
        let dollars = spans.map(|span| span.dollars_per_1000.map(|it| format!("${it:.2}")));
        let mut parts = vec![format!("p95 is {}", three(p95, "")?)];
        parts.extend(three(failed, " of the requests fail"));
        let is_free = spans
            .iter()
            .all(|span| span.dollars_per_1000.unwrap_or(0.0) <= 0.0);
        parts.extend(
            three(dollars, "").map(|dollars| match (self.priceless, is_free) {
                (true, true) => "what answers cost is not known".to_owned(),
                (true, false) => {
                    format!("1,000 answers cost {dollars}, without those of unknown price")
                }
                (false, _) => format!("1,000 answers cost {dollars}"),
            }),
        );
        Some(format!("{}.", parts.join("; ")))
    }

    /// When it was back.
    fn back(&self) -> Option<String> {
        self.shed_s?;
        let seeds = seeds(self.recovered);
        Some(match self.recovered_s {
            Some(after) if after < AT_ONCE => {
                format!("It has four fifths of its share again at once when it is over{seeds}.")
            }
            Some(after) => {
                format!("It has four fifths of its share again {after:.1} s after its end{seeds}.")
            }
            None => {
                "It does not have four fifths of its share again before the run ends.".to_owned()
            }
        })
    }

    /// As it is told below the tables.
    pub(in super::super) fn text(&self) -> String {
        let own = if self.in_force {
            ", which the route has"
        } else {
            ""
        };
        let head = format!(
            "{} under {}{own}: {} {} from {:.0} s to {:.0} s\n",
            self.route, self.policy, self.target, self.does, self.from_s, self.to_s
        );
        let sentences = self.sentences.iter().map(|it| format!("  {it}\n"));
        std::iter::once(head).chain(sentences).collect()
    }
}

/// Whoever had less than this share is not followed.
const LEAST: f64 = 0.015;

/// Fewer seconds are none: shares are looked at each half second.
const AT_ONCE: f64 = 0.5;
/// Left is who has at most this part of what it had.
const SHED: f64 = 0.1;

/// How often, if not always.
fn seeds(part: f64) -> String {
    if part >= 1.0 || part <= 0.0 {
        String::new()
    } else {
        format!(" (in {} of the seeds)", percent(part))
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", 100.0 * part)
}

/// `a, what is said of it, before, b during and c after`; `None` where none of them is known.
fn three(parts: [Option<String>; 3], said: &str) -> Option<String> {
    if parts.iter().all(Option::is_none) {
        return None;
    }
    let [a, b, c] = parts.map(|part| part.unwrap_or_else(|| "unknown".to_owned()));
    Some(format!("{a}{said} before, {b} during and {c} after"))
}
