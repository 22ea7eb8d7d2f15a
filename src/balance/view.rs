//! A decision as the API shows it: the same content in a shape that scripts may rely on.
//!
//! [`Decision`] is what the controller and the journal keep; its fields may change with the algorithm. This one may only
//! grow. Shares are fractions, other numbers are rounded to a millionth: more digits would only make two equal states look
//! different.

use serde::{Deserialize, Serialize};

use super::aims::aims;
use super::decision::{Decision, Evidence, Rail, Row, Terms};
use super::explain::explain_target;
use super::goal::{Attainment, Verdict};
use super::quality::Quality;
use super::{Health, Share, Strategy};
use crate::model::{RouteName, TargetName, UpstreamName};

/// One word for what a target may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its share.
    Serving,
    /// Nothing: it failed.
    Ejected,
    /// One request at a time: does it work again?
    Probing,
    /// A growing part of its share.
    Returning,
    /// Nothing for a while: it asked for that.
    Blocked,
    /// Nothing: its configured weight is 0.
    Drained,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Serving,
        Self::Ejected,
        Self::Probing,
        Self::Returning,
        Self::Blocked,
        Self::Drained,
    ];

    /// Its name in metrics and messages, the same as in the API.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Ejected => "ejected",
            Self::Probing => "probing",
            Self::Returning => "returning",
            Self::Blocked => "blocked",
            Self::Drained => "drained",
        }
    }

    /// What the target of `row` may take, at the time of `decision`.
    pub fn of(row: &Row, decision: &Decision) -> Self {
        match row.health {
            _ if row.configured == Share::ZERO => Self::Drained,
            Health::Ejected { .. } => Self::Ejected,
            Health::Probing { .. } => Self::Probing,
            Health::Serving | Health::Returning { .. } if row.blocked_until > decision.at => {
                Self::Blocked
            }
            Health::Returning { .. } => Self::Returning,
            Health::Serving => Self::Serving,
        }
    }
}

/// A route as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteView {
    /// Its name.
    pub route: RouteName,
    /// How its shares come about.
    pub strategy: Strategy,
    /// What they are after, in words.
    #[serde(default)]
    pub aims: String,
    /// How many tables were published for it.
    pub table_version: u64,
    /// Requests per second, smoothed.
    pub demand: f64,
    /// Its targets, in its order.
    pub targets: Vec<TargetView>,
}

/// A target of a route as the API shows it; shares are fractions of 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct TargetView {
    /// Its name within the route.
    #[cfg_attr(feature = "daemon", schemars(with = "String"))]
    pub name: TargetName,
    /// What serves it.
    #[serde(rename = "use")]
    #[cfg_attr(feature = "daemon", schemars(with = "String"))]
    pub upstream: UpstreamName,
    /// Its tier: lower ones are filled first.
    #[serde(default = "TargetView::lowest_tier")]
    pub tier: u8,
    /// The share that the weights in the files ask for; what an operator's order makes of it is in `granted`.
    pub configured: f64,
    /// The share that the strategy proposes.
    pub proposed: f64,
    /// The share in force.
    pub granted: f64,
    /// The share that would be in force if the controller were obeyed; left out where it is, or decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_obeyed: Option<f64>,
    /// The share of the recent requests that went there; `None` if there were none.
    pub actual: Option<f64>,
    /// Answers since the start.
    pub samples: u64,
    /// How much is known, 0 to 1.
    pub confidence: f64,
    /// What it may take.
    pub state: State,
    /// Its loss in parts.
    pub terms: Terms,
    /// What stood between proposal and grant.
    pub rails: Vec<Rail>,
    /// What was measured.
    pub evidence: Evidence,
    /// How it stands to each level of the route's goal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelView>,
    /// All of this in a sentence.
    pub sentence: String,
}

impl TargetView {
    const fn lowest_tier() -> u8 {
        1
    }
}

/// How a target stands to one level, as the API shows it; times are seconds, error rates fractions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "daemon", derive(schemars::JsonSchema))]
pub struct LevelView {
    /// As it is spelled in the goal.
    pub level: String,
    /// The largest good value.
    pub at_most: f64,
    /// What was measured; `None` while nothing was, and where more requests fail than may be late.
    pub value: Option<f64>,
    /// Requests that it is known from; old ones count less.
    pub samples: f64,
    /// How far it is over the level, as a part of it.
    pub excess: f64,
    /// Standard deviation of that by chance.
    pub deviation: f64,
    /// Whether the level is met, as far as is known.
    pub verdict: Verdict,
}

impl LevelView {
    fn of(attainment: &Attainment) -> Self {
        Self {
            level: attainment.level.measure.key(),
            at_most: attainment.level.at_most,
            value: attainment.value.map(rounded),
            samples: rounded(attainment.samples),
            excess: rounded(attainment.excess),
            deviation: rounded(attainment.deviation),
            verdict: attainment.verdict(),
        }
    }
}

/// `decision` as the API shows it. `actual` has the targets' shares of recent requests as fractions, in the route's order,
/// and is empty if there were none.
pub fn view(decision: &Decision, table_version: u64, actual: &[f64]) -> RouteView {
    let target = |(i, row): (usize, &Row)| TargetView {
        name: row.name.clone(),
        upstream: row.upstream.clone(),
        tier: row.tier,
        configured: row.filed().fraction(),
        proposed: row.proposed.fraction(),
        granted: row.granted.fraction(),
        if_obeyed: row.if_obeyed.map(Share::fraction),
        actual: actual.get(i).copied().map(rounded),
        samples: row.samples,
        confidence: rounded(row.confidence),
        state: State::of(row, decision),
        terms: Terms {
            latency: rounded(row.terms.latency),
            cost: rounded(row.terms.cost),
            error: rounded(row.terms.error),
            quality: rounded(row.terms.quality),
        },
        rails: row.rails.iter().copied().collect(),
        evidence: evidence(&row.evidence),
        levels: row.levels.iter().map(LevelView::of).collect(),
        sentence: explain_target(decision, row),
    };
    RouteView {
        route: decision.route.clone(),
        strategy: decision.strategy,
        aims: aims(&decision.goal, &decision.objective),
        table_version,
        demand: rounded(decision.demand),
        targets: decision.rows.iter().enumerate().map(target).collect(),
    }
}

fn evidence(evidence: &Evidence) -> Evidence {
    Evidence {
        first_token: evidence.first_token.map(rounded),
        per_token: evidence.per_token.map(rounded),
        slowness: rounded(evidence.slowness),
        faults: rounded(evidence.faults),
        // A typical answer costs thousandths of a cent.
        cost: evidence.cost.map(|cost| (cost * 1e12).round() / 1e12),
        cached: evidence.cached.map(rounded),
        quality: evidence.quality.map(quality),
        deviation: rounded(evidence.deviation),
        gap: rounded(evidence.gap),
    }
}

fn quality(quality: Quality) -> Quality {
    Quality {
        mean: rounded(quality.mean),
        deviation: rounded(quality.deviation),
        scores: rounded(quality.scores),
        histogram: quality.histogram.map(rounded),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::super::explain::tests::{attainment, decision, row};
    use super::*;
    use crate::model::Time;

    #[test]
    fn the_api_shows_what_scripts_rely_on() {
        let mut slow = row("slow");
        slow.granted = Share::from_ppm(120_000);
        slow.proposed = Share::from_ppm(80_000);
        slow.rails = [Rail::Step].into();
        slow.evidence.first_token = Some(1.900_000_04);
        let shown = view(&decision(vec![slow]), 7, &[0.123_456_78]);
        let text = serde_json::to_string_pretty(&shown).unwrap();
        assert_eq!(text, GOLDEN, "the shape may only grow");
        let again: RouteView = serde_json::from_str(&text).unwrap();
        assert_eq!(again, shown, "the command line reads what the API writes");
    }

    #[test]
    fn levels_are_shown_as_the_goal_spells_them() {
        let mut late = row("late");
        late.levels = vec![attainment(1.9, 0.27)];
        let shown = view(&decision(vec![late]), 1, &[]);
        let text = serde_json::to_string(&shown.targets[0].levels).unwrap();
        assert_eq!(
            text,
            r#"[{"level":"first_token_p95","at_most":1.5,"value":1.9,"samples":200.0,"excess":0.27,"deviation":0.05,"verdict":"missed"}]"#
        );
    }

    #[test]
    fn one_word_says_what_a_target_may_take() {
        let at = Time::from_secs_f64(100.0);
        let cause = crate::balance::gate::Cause::Faults;
        let ejected = Health::Ejected { until: at, cause };
        let returning = Health::Returning {
            part: 0.5,
            on_probation: true,
        };
        let later = Time::from_secs_f64(101.0);
        let cases = [
            (Health::Serving, Time::ZERO, 500_000, State::Serving),
            (ejected, Time::ZERO, 500_000, State::Ejected),
            (ejected, later, 500_000, State::Ejected),
            (returning, Time::ZERO, 500_000, State::Returning),
            (Health::Serving, later, 500_000, State::Blocked),
            (Health::Serving, Time::ZERO, 0, State::Drained),
        ];
        for (health, blocked_until, ppm, expected) in cases {
            let row = Row {
                health,
                blocked_until,
                configured: Share::from_ppm(ppm),
                ..row("a")
            };
            let shown = view(&decision(vec![row]), 1, &[]);
            assert_eq!(shown.targets[0].state, expected, "{health:?}, {ppm} ppm");
            assert_eq!(
                shown.targets[0].actual, None,
                "no requests, no share of them"
            );
        }
    }

    const GOLDEN: &str = r#"{
  "route": "chat",
  "strategy": "adaptive",
  "aims": "follow latency, cost and errors",
  "table_version": 7,
  "demand": 12.345,
  "targets": [
    {
      "name": "slow",
      "use": "slow/m",
      "tier": 1,
      "configured": 0.5,
      "proposed": 0.08,
      "granted": 0.12,
      "actual": 0.123457,
      "samples": 2000,
      "confidence": 0.99,
      "state": "serving",
      "terms": {
        "latency": 1.1,
        "cost": 0.5,
        "error": 0.01
      },
      "rails": [
        "step"
      ],
      "evidence": {
        "first_token": 1.9,
        "per_token": 0.018,
        "slowness": 1.0,
        "faults": 0.002,
        "cost": 0.00021,
        "deviation": 0.05,
        "gap": 0.0
      },
      "sentence": "slow: takes 12 % instead of its configured 50 %; on its way to 8.0 %, a step at a time"
    }
  ]
}"#;
}
