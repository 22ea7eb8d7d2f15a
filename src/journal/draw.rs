//! The line of a request's attempt, written by hand.
//!
//! There is one for each request, and through serde, whose flattening has each member pass an object of its own, it was
//! the dearest thing that was done for one after its answer had gone out: seven times of this.

use super::line::{DrawLine, VERSION};
use crate::model::{Outcome, Tokens};

/// Room for a line with everything in it.
const USUAL: usize = 384;

/// `line` without its end, byte for byte as serde has it.
///
/// # Errors
/// None in practice: a propensity is a number.
pub(super) fn draw_text(line: &DrawLine) -> serde_json::Result<String> {
    let mut out = String::with_capacity(USUAL);
    out.push_str("{\"v\":");
    number(&mut out, u128::from(VERSION));
    out.push_str(",\"kind\":\"draw\"");
    member(&mut out, ",\"at\":", line.at.as_micros());
    out.push_str(",\"route\":");
    text(&mut out, &line.route)?;
    if let Some(target) = &line.target {
        out.push_str(",\"target\":");
        text(&mut out, target.as_str())?;
    }
    out.push_str(",\"use\":");
    text(&mut out, line.upstream.as_str())?;
    label(&mut out, ",\"reason\":\"", line.reason.label());
    if let Some(propensity) = line.propensity {
        out.push_str(",\"propensity\":");
        out.push_str(&serde_json::to_string(&propensity)?);
    }
    member(&mut out, ",\"attempt\":", u64::from(line.attempt));
    label(&mut out, ",\"answer\":\"", line.answer.label());
    match line.outcome {
        Outcome::Timeout(phase) => {
            label(&mut out, ",\"outcome\":{\"timeout\":\"", phase.label());
            out.push('}');
        }
        outcome => label(&mut out, ",\"outcome\":\"", outcome.label()),
    }
    if let Some(first) = line.first_us {
        member(&mut out, ",\"first_us\":", first);
    }
    member(&mut out, ",\"total_us\":", line.total_us);
    if let Some(tokens) = line.tokens {
        counts(&mut out, tokens);
    }
    if line.estimated {
        out.push_str(",\"estimated\":true");
    }
    if let Some(cost) = line.cost {
        out.push_str(",\"cost\":");
        number(&mut out, cost.pico());
    }
    out.push('}');
    Ok(out)
}

fn counts(out: &mut String, tokens: Tokens) {
    member(out, ",\"tokens\":{\"input\":", tokens.input);
    member(out, ",\"cached_input\":", tokens.cached_input);
    member(out, ",\"cache_write\":", tokens.cache_write);
    member(out, ",\"output\":", tokens.output);
    member(out, ",\"reasoning\":", tokens.reasoning);
    out.push('}');
}

fn member(out: &mut String, key: &str, value: u64) {
    out.push_str(key);
    number(out, u128::from(value));
}

/// A word of ours, which needs no escapes.
fn label(out: &mut String, key: &str, word: &str) {
    out.push_str(key);
    out.push_str(word);
    out.push('"');
}

/// A name. Few signs may stand in names, so it is looked through once and copied; any other goes through serde.
fn text(out: &mut String, text: &str) -> serde_json::Result<()> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text)?);
    }
    Ok(())
}

fn number(out: &mut String, value: u128) {
    // Nearly every number fits 64 bits, whose division takes a tenth of one of 128.
    let Ok(mut rest) = u64::try_from(value) else {
        return out.push_str(&value.to_string());
    };
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        first -= 1;
        if rest == 0 {
            break;
        }
    }
    let shown = digits.get(first..).unwrap_or_default();
    out.push_str(std::str::from_utf8(shown).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::gate::Reason;
    use crate::journal::line::tagged;
    use crate::model::{AnswerKind, PicoUsd, TargetName, Time, UpstreamName};

    fn line(outcome: Outcome) -> DrawLine {
        DrawLine {
            at: Time::from_micros(1_795_000_000_000_123),
            route: "chat".into(),
            target: Some(TargetName::new("a").unwrap()),
            upstream: UpstreamName::new("azure-eu/gpt-5.5 [eu]").unwrap(),
            reason: Reason::Drawn,
            propensity: Some(0.1 + 0.2),
            attempt: 1,
            answer: AnswerKind::Unary,
            outcome,
            first_us: None,
            total_us: 0,
            tokens: None,
            estimated: false,
            cost: None,
        }
    }

    #[track_caller]
    fn check(line: &DrawLine) {
        let expected = tagged("draw", line).unwrap();
        assert_eq!(draw_text(line).unwrap(), expected);
    }

    #[test]
    fn a_line_is_as_serde_has_it_whatever_the_outcome() {
        for outcome in Outcome::ALL {
            check(&line(outcome));
        }
    }

    #[test]
    fn a_line_with_everything_in_it_is_as_serde_has_it() {
        let reasons = [
            Reason::Drawn,
            Reason::Kept,
            Reason::Probe,
            Reason::Redirected,
            Reason::Waiting,
            Reason::Panic,
        ];
        let numbers = [0, 9, 10, 123_456_789, u64::MAX];
        for (reason, number) in reasons.into_iter().zip(numbers.into_iter().cycle()) {
            check(&DrawLine {
                target: None,
                propensity: None,
                reason,
                answer: AnswerKind::Streamed,
                first_us: Some(number),
                total_us: number,
                tokens: Some(Tokens {
                    input: number,
                    cached_input: 1,
                    cache_write: 20,
                    output: 300,
                    reasoning: 0,
                }),
                estimated: true,
                cost: Some(PicoUsd::new(u128::from(number) * 7)),
                ..line(Outcome::Ok)
            });
        }
    }

    #[test]
    fn a_route_whose_name_needs_escapes_is_as_serde_has_it() {
        for route in ["in\"line", "back\\slash", "zwölf", "a\nb", ""] {
            check(&DrawLine {
                route: route.into(),
                ..line(Outcome::Ok)
            });
        }
    }
}
