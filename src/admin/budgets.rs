//! What may be spent and what was.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Admin;
use super::reply::{self, Reply};
use crate::limit::{AtLimit, Spending};
use crate::live::{Allowance, Snapshot};
use crate::model::Time;

/// All budgets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct BudgetReports {
    /// A row for each window of each budget: providers first, then routes with their targets.
    budgets: Vec<BudgetReport>,
}

/// A budget in one of its windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetReport {
    /// `scope subject, window`: no other row has it.
    pub name: String,
    /// `provider`, `route`, `target` or `key`.
    pub scope: String,
    /// Its name; of a target `route/target`.
    pub subject: String,
    /// `hour`, `day` or `month`, of the calendar, by UTC.
    pub window: String,
    /// What may be spent in one window, in dollars.
    pub limit_usd: f64,
    /// What was spent in the one under way, in dollars.
    pub spent_usd: f64,
    /// What is left of it, in dollars; 0 where more was spent.
    pub left_usd: f64,
    /// When it began, in seconds since 1970.
    pub began_at: f64,
    /// When it begins anew, in seconds since 1970.
    pub resets_at: f64,
    /// Parts of the limit at which an alert is raised.
    pub alert_at: Vec<f64>,
    /// What happens at the limit: `alert`, `avoid` or `refuse`.
    pub at_cap: String,
    /// `open`, or what happens now: `over`, `avoided`, `refused`.
    pub state: String,
}

/// `GET /api/v1/budgets`.
pub(super) fn list(admin: &Admin) -> Reply {
    let snapshot = admin.published.read();
    let budgets = reports(&snapshot, admin.clock.now());
    reply::json(StatusCode::OK, &BudgetReports { budgets })
}

/// All budgets, a row each window.
pub(super) fn reports(snapshot: &Snapshot, now: Time) -> Vec<BudgetReport> {
    let all = snapshot.budgets.all().iter();
    all.flat_map(|allowance| {
        let standings = allowance.standings(now).into_iter();
        standings.map(|standing| report(allowance, &standing))
    })
    .collect()
}

fn report(allowance: &Allowance, standing: &Spending) -> BudgetReport {
    let (scope, subject) = (allowance.scope.kind(), allowance.scope.subject());
    let window = standing.window.label();
    let left = standing.limit.usd() - standing.spent.usd();
    let at_limit = allowance.budget.at_limit();
    let state = match at_limit {
        _ if !standing.is_spent() => "open",
        AtLimit::Alert => "over",
        AtLimit::Avoid => "avoided",
        AtLimit::Refuse => "refused",
    };
    BudgetReport {
        name: format!("{scope} {subject}, {window}"),
        scope: scope.to_owned(),
        subject,
        window: window.to_owned(),
        limit_usd: standing.limit.usd(),
        spent_usd: standing.spent.usd(),
        left_usd: left.max(0.0),
        began_at: standing.began.as_secs_f64(),
        resets_at: standing.ends.as_secs_f64(),
        alert_at: allowance
            .budget
            .alert_at()
            .iter()
            .map(|it| it.part())
            .collect(),
        at_cap: at_limit.label().to_owned(),
        state: state.to_owned(),
    }
}
