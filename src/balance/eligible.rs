//! Who may serve a request at all, before anybody is drawn.
//!
//! A rule such as "only targets in the EU" must hold for the draw, for every draw after it, for fallbacks and when all
//! gates are shut. So it is a mask that is computed once, and everything that chooses, chooses within it. What is kept
//! beside the mask is only what a person needs to hear when nobody is left.

use std::fmt;

use super::{Mask, Weight};
use crate::model::{TargetIndex, Time, minute_of};

/// What a request demands of its targets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demand<'a> {
    /// Tags that every target must have.
    pub require: &'a [String],
    /// Tags that no target may have.
    pub forbid: &'a [String],
}

/// The rule that left a target out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It lacks a required tag.
    Require(String),
    /// It has a forbidden tag.
    Forbid(String),
    /// Its weight is 0.
    Drained,
    /// An operator's order has it take nothing until this moment.
    Ordered(Time),
    /// Its provider has no words for the request: what it lacks.
    Lacks(String),
    /// The prompt is longer than its context, which has so many tokens.
    TooLong(u64),
    /// The request would have to be said in other words, and cannot be read: what is wrong with it.
    Unreadable(String),
    /// The request holds what only another provider understands: what.
    NotItsOrigin(String),
    /// What may be spent there is spent: whose budget, and when it begins anew.
    Spent(String, Time),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Require(tag) => write!(f, "the tag {tag:?} is required"),
            Self::Forbid(tag) => write!(f, "the tag {tag:?} is forbidden"),
            Self::Drained => f.write_str("its weight is 0"),
            Self::Ordered(until) => {
                write!(
                    f,
                    "drained by an operator's order until {}",
                    minute_of(*until)
                )
            }
            Self::Lacks(what) => write!(f, "it has no {what}"),
            Self::TooLong(context) => {
                write!(f, "its context has {context} tokens, the prompt is longer")
            }
            Self::Unreadable(what) => write!(f, "the request cannot be translated for it: {what}"),
            Self::NotItsOrigin(what) => write!(f, "{what} comes from another provider"),
            Self::Spent(what, until) => write!(
                f,
                "{what} is spent and begins anew at {}",
                minute_of(*until)
            ),
        }
    }
}

/// Checks one target's `tags` against all `demands`.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(tags: &[String], demands: &[Demand<'_>]) -> Result<(), Rule> {
    for demand in demands {
        if let Some(tag) = demand.require.iter().find(|tag| !tags.contains(tag)) {
            return Err(Rule::Require(tag.clone()));
        }
        if let Some(tag) = demand.forbid.iter().find(|tag| tags.contains(tag)) {
            return Err(Rule::Forbid(tag.clone()));
        }
    }
    Ok(())
}

/// The targets that fulfil all `demands`, are not drained, and that `lack` has nothing against, which is asked by place.
///
/// # Errors
/// Nobody does: the rule that each target broke, in the order of `targets`.
pub fn eligible<'t>(
    targets: impl Iterator<Item = (&'t [String], Weight)>,
    demands: &[Demand<'_>],
    lack: impl Fn(usize) -> Option<Rule>,
) -> Result<Mask, Vec<Rule>> {
    let mut mask = Mask::NONE;
    let mut broken = Vec::new();
    for (index, (tags, weight)) in targets.enumerate() {
        let rule = match check(tags, demands) {
            Ok(()) if weight == Weight::ZERO => Some(Rule::Drained),
            Ok(()) => lack(index),
            Err(rule) => Some(rule),
        };
        match rule {
            None => mask.insert(TargetIndex::at(index)),
            Some(rule) => broken.push(rule),
        }
    }
    if mask == Mask::NONE {
        return Err(broken);
    }
    Ok(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Vec<String> {
        list.iter().map(|tag| (*tag).to_owned()).collect()
    }

    fn weight(value: f64) -> Weight {
        Weight::new(value).unwrap()
    }

    #[test]
    fn required_and_forbidden_tags_hold_together() {
        let (eu, us, eu_beta) = (tags(&["eu"]), tags(&["us"]), tags(&["eu", "beta"]));
        let (require, forbid) = (tags(&["eu"]), tags(&["beta"]));
        let demand = Demand {
            require: &require,
            forbid: &forbid,
        };
        let all = [&eu, &us, &eu_beta].map(|tags| (tags.as_slice(), weight(1.0)));
        let mask = eligible(all.into_iter(), &[demand], |_| None).unwrap();
        let who: Vec<bool> = (0..3).map(|i| mask.contains(TargetIndex::at(i))).collect();
        assert_eq!(who, [true, false, false], "only the first fulfils both");
    }

    #[test]
    fn nobody_left_says_which_rule_each_broke() {
        let (us, none) = (tags(&["us"]), tags(&[]));
        let require = tags(&["us"]);
        let demand = Demand {
            require: &require,
            forbid: &[],
        };
        let all = [(us.as_slice(), weight(0.0)), (none.as_slice(), weight(1.0))];
        let broken = eligible(all.into_iter(), &[demand], |_| None).unwrap_err();
        assert_eq!(broken, [Rule::Drained, Rule::Require("us".into())]);
        assert_eq!(broken[1].to_string(), "the tag \"us\" is required");
    }

    #[test]
    fn every_demand_counts() {
        let eu = tags(&["eu"]);
        let (first, second) = (tags(&["eu"]), tags(&["eu"]));
        let demands = [
            Demand {
                require: &first,
                forbid: &[],
            },
            Demand {
                require: &[],
                forbid: &second,
            },
        ];
        assert_eq!(
            check(&eu, &demands),
            Err(Rule::Forbid("eu".into())),
            "a fallback keeps both"
        );
    }
}
