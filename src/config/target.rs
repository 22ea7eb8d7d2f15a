//! `[routes.NAME.targets]`: who serves a route, with which weight and within which bounds.

use std::collections::{BTreeMap, BTreeSet};

use crate::balance::{Share, Weight, WeightTable};
use crate::model::TargetName;

use super::budget::{budget, notice_unpriced};
use super::capabilities::capabilities;
use super::deadlines::phases;
use super::field::Field;
use super::mask::quote;
use super::prices::own_price;
use super::section::Section;
use super::tree::Value;
use super::world::World;
use super::{Provider, Target};

/// A target and where it was written.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) target: Target,
    field: Field<'a>,
}

/// Keys of targets that later versions know.
const UNSUPPORTED: &[&str] = &[
    "limits",
    "max_in_flight",
    "quota_group",
    "rpm",
    "shadow",
    "tpm",
];

/// One target. The only one of its tier needs no weight; where there are several each says its own, because what is left
/// out would be guessed.
pub(super) fn target<'a>(
    name: &str,
    field: Field<'a>,
    alone: bool,
    world: &mut World<'_>,
) -> Option<Entry<'a>> {
    let mut section = field.section()?;
    let _enabled = section.field("enabled").and_then(|field| field.boolean());
    let name = TargetName::new(name)
        .map_err(|error| field.problem(error.to_string(), ""))
        .ok();
    let used = section.field("use");
    let weight = weight(&field, section.field("weight"), alone);
    let tier = section.field("tier");
    let tier = tier.map_or(Some(1), |field| field.whole(1..=9));
    let bounds = bounds(&mut section);
    let own_price = section.field("price").map(|field| own_price(&field));
    let tags = section.field("tags").map(|field| field.texts());
    let capabilities = capabilities(section.section("capabilities"));
    let deadlines = phases(section.section("deadlines"));
    let limited = section.field("budget");
    section.finish(UNSUPPORTED);
    let Some(used) = used else {
        field.missing("use", "write use = \"provider/model\"");
        return None;
    };
    let upstream = world.upstream(&used)?;
    let (min_share, max_share) = bounds?;
    let price = match own_price {
        Some(price) => Some(price?),
        None => upstream.price,
    };
    if let (Some(limited), None) = (&limited, price) {
        notice_unpriced(limited, &[upstream.name.as_str()]);
    }
    let target = Target {
        name: name?,
        weight: weight?,
        tier: tier?,
        min_share,
        max_share,
        price,
        budget: limited.as_ref().and_then(budget),
        tags: all_tags(&upstream.provider, tags.unwrap_or_default()),
        capabilities: capabilities.or(upstream.provider.capabilities_of(upstream.name.model())),
        deadlines: deadlines.or(upstream.provider.deadlines),
        overruled: None,
        as_filed: None,
        upstream,
    };
    Some(Entry { target, field })
}

fn all_tags(provider: &Provider, own: Vec<String>) -> Vec<String> {
    let tags: BTreeSet<String> = provider.tags.iter().cloned().chain(own).collect();
    tags.into_iter().collect()
}

fn weight(target: &Field<'_>, field: Option<Field<'_>>, alone: bool) -> Option<Weight> {
    let Some(field) = field else {
        if alone {
            return Weight::new(1.0).ok();
        }
        target.missing(
            "weight",
            "only a target that is alone in its tier can do without",
        );
        return None;
    };
    let number = field.number()?;
    match Weight::new(number) {
        Ok(weight) => Some(weight),
        Err(error) => {
            field.problem(error.to_string(), "0 drains, 70 and 30 are 70 % and 30 %");
            None
        }
    }
}

/// The tier of `target` as it will be read: 1 where nothing good is written.
pub(super) fn tier_of(target: &Field<'_>) -> i64 {
    let Value::Table(table) = &target.node.value else {
        return 1;
    };
    match table.get("tier").map(|tier| &tier.value) {
        Some(Value::Integer(tier)) => *tier,
        Some(_) | None => 1,
    }
}

fn bounds(section: &mut Section<'_>) -> Option<(Share, Share)> {
    let (min, max) = (section.field("min_share"), section.field("max_share"));
    let least = min.as_ref().map_or(Some(0.0), Field::fraction);
    let most = max.as_ref().map_or(Some(1.0), Field::fraction);
    let (least, most) = (Share::from_fraction(least?), Share::from_fraction(most?));
    if let Some(field) = min.as_ref().filter(|_| least > most) {
        field.conflict(format!("min_share {least} is above max_share {most}"), "");
        return None;
    }
    if let Some(field) = max.as_ref().filter(|_| most == Share::ZERO) {
        field.problem("expected a max_share above 0", "weight = 0 drains a target");
        return None;
    }
    Some((least, most))
}

/// Checks what no target shows alone: twice the same, no weight at all, bounds that no shares can meet.
pub(super) fn together<'a>(
    targets: &Field<'_>,
    mut entries: Vec<Entry<'a>>,
) -> Option<Vec<Entry<'a>>> {
    let tiered = |entry: &Entry<'_>| (entry.target.weight, entry.target.tier);
    let weights: Vec<(Weight, u8)> = entries.iter().map(tiered).collect();
    let Ok(table) = WeightTable::from_tiers(&weights) else {
        targets.conflict(
            "expected at least one weight above 0, found only zeros",
            "0 drains",
        );
        return None;
    };
    unique(&entries)?;
    let has_tiers = weights.iter().any(|(_, tier)| *tier != weights[0].1);
    for (entry, configured) in entries.iter_mut().zip(table.shares()) {
        // With tiers a bound says how far one is filled, and contradicts no weight.
        let (least, most) = (entry.target.min_share, entry.target.max_share);
        let asked = if has_tiers {
            (*configured).clamp(least, most)
        } else {
            *configured
        };
        settle(entry, asked);
    }
    let live: Vec<&Target> = entries
        .iter()
        .map(|entry| &entry.target)
        .filter(|target| target.weight.value() > 0.0)
        .collect();
    shares_exist(targets, &live)?;
    Some(entries)
}

/// Some shares that sum to 1 lie within all bounds.
fn shares_exist(targets: &Field<'_>, live: &[&Target]) -> Option<()> {
    let sum = |bound: fn(&Target) -> Share| -> u64 {
        live.iter()
            .map(|target| u64::from(bound(target).ppm()))
            .sum()
    };
    let floors = sum(|target| target.min_share);
    let ceilings = sum(|target| target.max_share);
    let whole = u64::from(Share::WHOLE.ppm());
    let percent = |ppm: u64| format!("{:.1} %", ppm as f64 / 1e4);
    if floors > whole {
        let found = percent(floors);
        let message = format!("expected `min_share`s that sum to at most 1, found {found}");
        targets.conflict(message, "");
        return None;
    }
    if ceilings < whole {
        let found = percent(ceilings);
        let message = format!("expected `max_share`s that sum to at least 1, found {found}");
        targets.conflict(message, "else some requests would have nobody to go to");
        return None;
    }
    Some(())
}

/// The same upstream twice would have one body of evidence and two shares that pull at it.
fn unique(entries: &[Entry<'_>]) -> Option<()> {
    let mut seen = BTreeMap::new();
    let mut unique = Some(());
    for entry in entries {
        let target = &entry.target;
        if let Some(first) = seen.insert(&target.upstream.name, &target.name) {
            let name = quote(target.upstream.name.as_str());
            entry.field.conflict(
                format!("uses {name}, as target {} does", quote(first.as_str())),
                "add their weights and keep one",
            );
            unique = None;
        }
    }
    unique
}

/// Tells where bounds and configured share disagree, and drops the floor of a target that is drained.
fn settle(entry: &mut Entry<'_>, configured: Share) {
    let target = &mut entry.target;
    if target.weight.value() <= 0.0 {
        if target.min_share > Share::ZERO {
            entry
                .field
                .warn("min_share has no effect while weight is 0", "");
            target.min_share = Share::ZERO;
        }
    } else if configured > target.max_share {
        let message = format!(
            "its weight asks for {configured}, its max_share is {}",
            target.max_share
        );
        entry.field.warn(message, "the bound wins");
    } else if configured < target.min_share {
        let message = format!(
            "its weight asks for {configured}, its min_share is {}",
            target.min_share
        );
        entry.field.warn(message, "the bound wins");
    }
}
