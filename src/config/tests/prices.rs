//! What prices and discounts become.

use super::super::ProviderKind;
use super::good;
use crate::model::{Price, RouteName, Tier, Tiers, UpstreamName};

#[test]
fn a_price_has_all_that_providers_charge_for() {
    let text = r#"
[providers.a]
kind = "openai"
base_url = "http://127.0.0.1:1/v1"
discount = 0.5
[prices."a/m"]
input = "$1"
cached_input = "$0.10"
cache_write = "$1.25"
output = "$4"
reasoning = "$3"
request = "$5 / 1K requests"
date = 2026-11-23
source = "their price page"
[prices."a/m".tiers]
200_000 = { input = "$2", output = "$6" }
"500000" = { input = "$3", output = "$8", cached_input = "$0.3" }
[prices]
"a/n" = { input = "$1", output = "$2", date = "2026-11-24" }
[routes.r]
targets.only = { use = "a/m" }
"#;
    let config = good(text).config;
    let written = &config.prices[&UpstreamName::new("a/m").unwrap()];
    let tier = |above, input, cached_input, output| Tier {
        above,
        input,
        cached_input,
        cache_write: input,
        output,
        reasoning: output,
    };
    let tiers = [
        tier(200_000, 2_000_000, 2_000_000, 6_000_000),
        tier(500_000, 3_000_000, 300_000, 8_000_000),
    ];
    let list = Price {
        cached_input: 100_000,
        cache_write: 1_250_000,
        reasoning: 3_000_000,
        request: 5_000_000_000,
        tiers: Tiers::new(&tiers).unwrap(),
        ..Price::flat(1_000_000, 4_000_000)
    };
    assert_eq!(written.list, list);
    assert_eq!(written.net, list.each(|amount| amount / 2));
    assert_eq!(written.date.as_deref(), Some("2026-11-23"));
    assert_eq!(written.source.as_deref(), Some("their price page"));
    let target = &config.routes[&RouteName::new("r").unwrap()].targets[0];
    assert_eq!(target.price, Some(written.net));
    let other = &config.prices[&UpstreamName::new("a/n").unwrap()];
    assert_eq!(other.date.as_deref(), Some("2026-11-24"));
}

#[test]
fn a_published_price_is_taken_where_none_is_written() {
    let text = r#"
[providers.openai]
kind = "openai"
api_key = "none"
discount = 0.5
[providers.groq]
kind = "openai"
base_url = "https://api.groq.com/openai/v1"
api_key = "none"
[providers.ours]
kind = "openai"
base_url = "http://127.0.0.1:1/v1"
[prices]
"openai/gpt-4o" = { input = "$1", output = "$2" }
[routes.r.targets]
listed = { use = "openai/gpt-4o-mini", weight = 1 }
written = { use = "openai/gpt-4o", weight = 1 }
unknown = { use = "openai/of-our-own", weight = 1 }
ours = { use = "ours/gpt-4o", weight = 1 }
groq = { use = "groq/openai/gpt-oss-120b", weight = 1 }
"#;
    let config = good(text).config;
    let route = &config.routes[&RouteName::new("r").unwrap()];
    let price = |index: usize| route.targets[index].price;
    let list = |kind, model| crate::catalogue::find(kind, model).unwrap().price.unwrap();
    let halved = list("openai", "gpt-4o-mini").each(|amount| amount.div_ceil(2));
    assert_eq!(price(0), Some(halved), "less the discount");
    assert_eq!(
        price(1),
        Some(Price::flat(500_000, 1_000_000)),
        "what is written wins"
    );
    assert_eq!(price(2), None, "what is not known is not guessed");
    assert_eq!(price(3), None, "a server of one's own has no list price");
    assert_eq!(price(4), Some(list("groq", "openai/gpt-oss-120b")));
    let stranger = UpstreamName::new("openai/gpt-4.1").unwrap();
    let openai = &config.providers[stranger.provider()];
    let expected = list("openai", "gpt-4.1").each(|amount| amount.div_ceil(2));
    assert_eq!(
        config.price(&stranger, openai),
        Some(expected),
        "also of strangers"
    );
}

#[test]
fn prices_and_discounts_and_own_prices_meet_in_the_target() {
    let text = r#"
[providers.a]
kind = "openai"
base_url = "http://127.0.0.1:1/v1/"
discount = 0.18
tags = ["eu"]
[prices]
"a/m" = { input = "$0.60 / 1M tokens", cached_input = "$0.30", output = "$0.0024 / 1K tokens" }
"a/n" = { input = "$1", output = "$2" }
[routes.r.targets]
m = { use = "a/m", weight = 1, tags = ["fast"] }
n = { use = "a/n", weight = 1, price = { input = "$0.5", output = "$1" } }
p = { use = "a/o", weight = 1, price = "prepaid" }
q = { use = "a/q", weight = 1 }
"#;
    let config = good(text).config;
    let route = &config.routes[&RouteName::new("r").unwrap()];
    let prices: Vec<Option<Price>> = route.targets.iter().map(|target| target.price).collect();
    let price = |input, cached_input, output| {
        Some(Price {
            cached_input,
            ..Price::flat(input, output)
        })
    };
    assert_eq!(
        prices,
        [
            price(492_000, 246_000, 1_968_000),
            price(500_000, 500_000, 1_000_000),
            price(0, 0, 0),
            None
        ]
    );
    assert_eq!(route.targets[0].tags, ["eu", "fast"]);
    let provider = &route.targets[0].upstream.provider;
    let ProviderKind::Api { base, .. } = &provider.kind else {
        panic!("kind openai was written");
    };
    assert_eq!(
        (base.origin.as_str(), base.path.as_str()),
        ("http://127.0.0.1:1", "/v1")
    );
}
