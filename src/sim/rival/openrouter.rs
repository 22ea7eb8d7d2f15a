//! `openrouter`: OpenRouter's documented default.
//!
//! Source: <https://openrouter.ai/docs/guides/routing/provider-selection>, as it stood until August 2026: prefer providers that
//! have not seen significant outages in the last thirty seconds; among those, draw by the inverse square of the price (one
//! at $1 is taken nine times as often as one at $3). A newer page, providers/traffic-routing, tells of learned shares
//! without a constant that could be built from.
//!
//! What "significant" means is not published. Here it is more than 20 % failures among at least three requests; a 429
//! counts, as the newer page says that it does. Prices are those of the latest answers: the product knows them from its
//! catalogue.
//!
//! Tuned: 20 % and three requests, from an earlier numerical prototype; the square and the thirty seconds are the product's.

use std::collections::VecDeque;

use super::choice::{Luck, allowed_or_all, members};
use super::verdict::said;
use crate::model::{Event, Time};
use crate::sim::policy::{Asked, Attempt, Picked, Policy, Score};

/// Seconds that an outage is looked for in.
const WINDOW: f64 = 30.0;
/// Share of failures, and number of requests, that make an outage significant.
const OUTAGE: f64 = 0.2;
const ENOUGH: usize = 3;
/// Free answers count as this cheap, since nothing can be divided by.
const LEAST_PRICE: f64 = 1e-3;

#[derive(Clone, Debug)]
struct Provider {
    price: f64,
    /// When requests of the window ended, and whether they failed.
    ends: VecDeque<(Time, bool)>,
    failures: usize,
}

impl Provider {
    const NEW: Self = Self {
        price: 1.0,
        ends: VecDeque::new(),
        failures: 0,
    };

    fn forget(&mut self, now: Time) {
        while let Some((at, failed)) = self.ends.front() {
            if now.secs_since(*at) <= WINDOW {
                break;
            }
            self.failures -= usize::from(*failed);
            self.ends.pop_front();
        }
    }

    fn has_outage(&self) -> bool {
        self.ends.len() >= ENOUGH && self.failures as f64 > OUTAGE * self.ends.len() as f64
    }
}

/// Price to the power of −2 among the stable.
#[derive(Debug)]
pub(super) struct OpenRouter {
    providers: Vec<Provider>,
    luck: Luck,
}

impl OpenRouter {
    pub(super) fn new(count: usize, luck: Luck) -> Self {
        Self {
            providers: vec![Provider::NEW; count],
            luck,
        }
    }
}

impl Policy for OpenRouter {
    fn set_present(&mut self, _: usize, _: bool, _: Time) {}

    fn pick(&mut self, asked: &Asked<'_>) -> Option<Picked> {
        for provider in &mut self.providers {
            provider.forget(asked.now);
        }
        let all = &self.providers;
        let stable = |target: usize| !all[target].has_outage();
        let stable = allowed_or_all(asked.eligible, all.len(), stable);
        let candidates = members(&stable, all.len());
        let weight = |target: usize| all[target].price.max(LEAST_PRICE).powi(-2);
        self.luck.by_weight(&candidates, weight).map(Picked::of)
    }

    fn began(&mut self, attempt: &Attempt, _: Time) {
        self.providers[attempt.target].price = attempt.price;
    }

    fn happened(&mut self, attempt: &Attempt, event: &Event, _: Option<&Score>, now: Time) {
        let Some(verdict) = said(event) else {
            return;
        };
        let provider = &mut self.providers[attempt.target];
        provider.failures += usize::from(verdict.is_fault());
        provider.ends.push_back((now, verdict.is_fault()));
    }

    fn tick(&mut self, _: Time) {}
}
