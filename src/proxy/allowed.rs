//! Whether something is left of what may be spent.
//!
//! `avoid` is a rule of eligibility like any other: who has nothing left is not drawn, and the fallbacks count. `refuse` is
//! asked for when somebody was chosen: a request that would be paid for there is turned away rather than sent to somebody
//! else, so that no other bill grows by it.

use super::reply::Reject;
use crate::balance::Rule;
use crate::limit::AtLimit;
use crate::live::{Allowance, Clock, Member, Route};
use crate::model::Time;
use crate::wire::Code;

/// The rule that keeps requests of `route`, if they are of one, from `member`.
pub(super) fn avoided(route: Option<&Route>, member: &Member, clock: Clock) -> Option<Rule> {
    let spent = member.kept_away(route, clock)?;
    Some(Rule::Spent(spent.budget, spent.until))
}

/// The answer to a request that `member` was chosen for, if nothing may be spent there any more.
pub(super) fn refused_at(member: &Member, clock: Clock) -> Option<Reject> {
    [member.provider.budget.as_ref(), member.budget.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|allowance| refused(allowance, clock))
}

/// The answer to a request of `route`, if nothing may be spent for it any more.
pub(super) fn refused_for(route: &Route, clock: Clock) -> Option<Reject> {
    refused(route.budget.as_deref()?, clock)
}

fn refused(allowance: &Allowance, clock: Clock) -> Option<Reject> {
    let now = clock.now();
    let (window, until) = allowance.spent_until(AtLimit::Refuse, now)?;
    let message = allowance.closed(window, (until, now));
    let reject = Reject::new(Code::BudgetExceeded, message);
    Some(reject.retry_after(Some(until.since(now))).final_word())
}

/// When one of those that were kept from `broken` targets by a budget may be asked again.
pub(super) fn anew(broken: &[Rule]) -> Option<Time> {
    let until = broken.iter().filter_map(|rule| match rule {
        Rule::Spent(_, until) => Some(*until),
        Rule::Require(_)
        | Rule::Forbid(_)
        | Rule::Drained
        | Rule::Ordered(_)
        | Rule::Lacks(_)
        | Rule::TooLong(_)
        | Rule::Unreadable(_)
        | Rule::NotItsOrigin(_) => None,
    });
    until.min()
}
