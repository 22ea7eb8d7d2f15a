//! Budgets and prices as they are written, so that a difference can be read.

use std::fmt::Display;

use crate::config::Budget;
use crate::limit::Window;
use crate::model::Price;

/// A budget as it is written: `$500 a month, told at 50 %, 100 %, then avoid`.
pub(super) fn budget_text(budget: Option<&Budget>) -> String {
    let Some(budget) = budget else {
        return "unset".to_owned();
    };
    let limits = Window::ALL.into_iter().filter_map(|window| {
        let limit = budget.limit(window)?.exact();
        Some(format!("${limit} {}", window.each()))
    });
    let told = budget.alert_at().iter();
    let told = told.map(|it| format!("{} %", it.percent()));
    format!(
        "{}, told at {}, then {}",
        limits.collect::<Vec<_>>().join(", "),
        told.collect::<Vec<_>>().join(", "),
        budget.at_limit().label()
    )
}

/// A price in dollars for a million tokens; what is plain is left out.
pub(super) struct Priced<'a>(pub(super) &'a Price);

impl Display for Priced<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let price = self.0;
        let usd = |pico: u64| pico as f64 / 1e6;
        let [input, cached, output] = [price.input, price.cached_input, price.output].map(usd);
        write!(f, "${input} in, ${cached} cached, ")?;
        if price.cache_write != price.input {
            write!(f, "${} written to the cache, ", usd(price.cache_write))?;
        }
        write!(f, "${output} out")?;
        if price.reasoning != price.output {
            write!(f, ", ${} reasoning", usd(price.reasoning))?;
        }
        f.write_str(" / 1M tokens")?;
        if price.request != 0 {
            write!(f, ", ${} / request", price.request as f64 / 1e12)?;
        }
        for tier in price.tiers.iter() {
            let above = price.for_prompt(tier.above.saturating_add(1));
            let above = Price {
                request: 0,
                ..above
            };
            write!(f, "; above {} tokens {}", tier.above, Priced(&above))?;
        }
        Ok(())
    }
}
