use super::*;

fn priced() -> Price {
    Price {
        input: 150_000,
        cached_input: 75_000,
        cache_write: 187_500,
        output: 600_000,
        reasoning: 700_000,
        request: 5_000_000_000,
        tiers: Tiers::default(),
    }
}

#[test]
fn cost_is_tokens_times_price_to_the_pico_dollar() {
    let tokens = Tokens {
        input: 1_000,
        cached_input: 400,
        cache_write: 90,
        output: 7,
        reasoning: 3,
    };
    let expected = 400 * 75_000 + 90 * 187_500 + 510 * 150_000 + 3 * 700_000 + 4 * 600_000;
    assert_eq!(priced().of(tokens).pico(), expected + 5_000_000_000);
}

#[test]
fn a_part_never_counts_for_more_than_its_whole() {
    let price = Price {
        request: 0,
        ..priced()
    };
    let tokens = Tokens {
        input: 5,
        cached_input: 9,
        cache_write: 9,
        output: 2,
        reasoning: 8,
    };
    assert_eq!(price.of(tokens).pico(), 5 * 75_000 + 2 * 700_000);
    let tokens = Tokens {
        input: 5,
        cached_input: 3,
        cache_write: 9,
        ..Tokens::default()
    };
    assert_eq!(price.of(tokens).pico(), 3 * 75_000 + 2 * 187_500);
}

#[test]
fn above_its_size_a_tier_replaces_all_rates() {
    let tier = |above, factor: u64| Tier {
        above,
        input: 1_000 * factor,
        cached_input: 100 * factor,
        cache_write: 1_250 * factor,
        output: 5_000 * factor,
        reasoning: 5_000 * factor,
    };
    let tiers = Tiers::new(&[tier(500_000, 4), tier(200_000, 2)]).unwrap();
    let price = Price {
        tiers,
        ..Price::flat(1_000, 5_000)
    };
    for (input, factor) in [
        (200_000, 1),
        (200_001, 2),
        (500_000, 2),
        (500_001, 4),
        (9_000_000, 4),
    ] {
        let tokens = Tokens {
            input,
            output: 10,
            ..Tokens::default()
        };
        let expected = u128::from(factor * (input * 1_000 + 10 * 5_000));
        assert_eq!(price.of(tokens).pico(), expected, "of {input} tokens");
    }
    assert!(Tiers::new(&[tier(1, 1), tier(2, 1), tier(3, 1)]).is_none());
}

#[test]
fn the_largest_counts_and_rates_saturate() {
    let all = u64::MAX;
    let price = Price {
        request: all,
        ..Price::flat(all, all)
    };
    let tokens = Tokens {
        input: all,
        cached_input: all,
        cache_write: all,
        output: all,
        reasoning: all,
    };
    assert_eq!(price.of(tokens).pico(), u128::MAX);
}

#[test]
fn what_was_written_before_the_new_fields_is_read() {
    let price: Price =
        serde_json::from_str(r#"{"input":10,"cached_input":5,"output":20}"#).unwrap();
    let expected = Price {
        cached_input: 5,
        ..Price::flat(10, 20)
    };
    assert_eq!(price, expected);
    let tokens: Tokens =
        serde_json::from_str(r#"{"input":9,"cached_input":4,"output":2}"#).unwrap();
    assert_eq!((tokens.cache_write, tokens.reasoning), (0, 0));
}

#[test]
fn a_price_is_written_whole_and_read_back() {
    let tier = Tier {
        above: 200_000,
        input: 1,
        cached_input: 2,
        cache_write: 3,
        output: 4,
        reasoning: 5,
    };
    let price = Price {
        tiers: Tiers::new(&[tier]).unwrap(),
        ..priced()
    };
    let text = serde_json::to_string(&price).unwrap();
    assert_eq!(serde_json::from_str::<Price>(&text).unwrap(), price);
    assert!(!text.contains("null"), "only the tiers that it has: {text}");
    let older = text.replace("}]", "},null]");
    assert_ne!(older, text);
    assert_eq!(serde_json::from_str::<Price>(&older).unwrap(), price);
    let more = serde_json::to_string(&[Some(tier); 3]).unwrap();
    assert!(serde_json::from_str::<Tiers>(&more).is_err(), "{more}");
    let text = serde_json::to_string(&Price::flat(1, 2)).unwrap();
    assert_eq!(
        text,
        r#"{"input":1,"cached_input":1,"cache_write":1,"output":2,"reasoning":2}"#
    );
}

#[test]
fn a_change_reaches_every_amount() {
    let tier = Tier {
        above: 200_000,
        input: 10,
        cached_input: 10,
        cache_write: 10,
        output: 10,
        reasoning: 10,
    };
    let price = Price {
        tiers: Tiers::new(&[tier]).unwrap(),
        ..priced()
    };
    let halved = price.each(|amount| amount / 2);
    assert_eq!(halved.request, 2_500_000_000);
    let tier = halved.tiers.iter().next().unwrap();
    assert_eq!((tier.above, tier.input, tier.reasoning), (200_000, 5, 5));
    assert_eq!(halved.each(|amount| amount * 2), price);
}
