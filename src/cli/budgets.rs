//! What was spent, as a table under the routes.

use super::table::{Align, table};
use crate::admin::BudgetReport;
use crate::model::{Time, minute_of};

/// The budgets as a table with an empty line before it; nothing where there is none.
pub(super) fn rendered(budgets: &[BudgetReport]) -> String {
    if budgets.is_empty() {
        return String::new();
    }
    let heads = [
        ("BUDGET", Align::Left),
        ("OF", Align::Left),
        ("WINDOW", Align::Left),
        ("SPENT", Align::Right),
        ("LIMIT", Align::Right),
        ("PART", Align::Right),
        ("AT THE LIMIT", Align::Left),
        ("STATE", Align::Left),
        ("BEGINS ANEW", Align::Left),
    ];
    let rows: Vec<[String; 9]> = budgets.iter().map(row).collect();
    format!("\n{}", table(heads, &rows))
}

fn row(budget: &BudgetReport) -> [String; 9] {
    let part = budget.spent_usd / budget.limit_usd * 100.0;
    [
        budget.scope.clone(),
        budget.subject.clone(),
        budget.window.clone(),
        dollars(budget.spent_usd),
        dollars(budget.limit_usd),
        format!("{part:.1} %"),
        budget.at_cap.clone(),
        budget.state.clone(),
        minute_of(Time::from_secs_f64(budget.resets_at)),
    ]
}

/// To the cent; to the micro-dollar where it is less than a dollar.
pub(super) fn dollars(usd: f64) -> String {
    if usd <= 0.0 || usd >= 1.0 {
        return format!("${usd:.2}");
    }
    format!("${usd:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_line_a_window() {
        let budget = BudgetReport {
            name: "provider openai, month".to_owned(),
            scope: "provider".to_owned(),
            subject: "openai".to_owned(),
            window: "month".to_owned(),
            limit_usd: 500.0,
            spent_usd: 0.0125,
            left_usd: 499.9875,
            began_at: 1_793_491_200.0,
            resets_at: 1_796_083_200.0,
            alert_at: vec![0.5],
            at_cap: "avoid".to_owned(),
            state: "open".to_owned(),
        };
        let expected = "\n\
BUDGET    OF      WINDOW      SPENT    LIMIT   PART  AT THE LIMIT  STATE  BEGINS ANEW
provider  openai  month   $0.012500  $500.00  0.0 %  avoid         open   2026-12-01 00:00 UTC
";
        assert_eq!(rendered(&[budget]), expected);
        assert_eq!(rendered(&[]), "", "nothing where there is none");
    }
}
