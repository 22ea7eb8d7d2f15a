//! Parts of a whole as percentages that add up as they are shown.
//!
//! Each rounded by itself, three thirds make 99.9 %, and who adds them up looks for the rest. So what rounding leaves goes to
//! those that lost most by it (the method of the largest remainder, as seats are given to parties).

/// Tenths of a percent in the whole.
const WHOLE: u32 = 1_000;
/// How far parts may be from a whole and still be meant as one: they come rounded to a millionth each.
const CLOSE: f64 = 1e-4;

/// `parts` in tenths of a percent, in their order. Where they are no whole, or one is not known, each is rounded by itself.
pub(super) fn parts(parts: &[Option<f64>]) -> Vec<Option<String>> {
    let known: Option<Vec<f64>> = parts.iter().copied().collect();
    let whole = known.filter(|known| (known.iter().sum::<f64>() - 1.0).abs() < CLOSE);
    let Some(known) = whole else {
        let alone = parts.iter().map(|part| part.map(|part| shown(part * 1e3)));
        return alone.collect();
    };
    let down: Vec<f64> = known.iter().map(|part| (part * 1e3).floor()).collect();
    let rest = f64::from(WHOLE) - down.iter().sum::<f64>();
    let lost = |i: usize| known[i] * 1e3 - down[i];
    let mut by_loss: Vec<usize> = (0..known.len()).collect();
    by_loss.sort_by(|a, b| lost(*b).total_cmp(&lost(*a)).then(a.cmp(b)));
    let mut tenths = down.clone();
    for (given, i) in by_loss.into_iter().enumerate() {
        if (given as f64) < rest {
            tenths[i] += 1.0;
        }
    }
    tenths.into_iter().map(|it| Some(shown(it))).collect()
}

fn shown(tenths: f64) -> String {
    format!("{:.1} %", tenths / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: &[&str]) {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        let shown: Vec<String> = parts(&values).into_iter().flatten().collect();
        assert_eq!(shown, expected, "{values:?}");
    }

    #[test]
    fn what_rounding_leaves_goes_to_those_that_lost_most() {
        check(&[0.5, 0.5], &["50.0 %", "50.0 %"]);
        check(&[1.0 / 3.0; 3], &["33.4 %", "33.3 %", "33.3 %"]);
        check(&[0.62_55, 0.37_45], &["62.6 %", "37.4 %"]);
        check(&[0.000_4, 0.999_6], &["0.0 %", "100.0 %"]);
        check(&[1.0], &["100.0 %"]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_no_whole_is_rounded_by_itself() {
        check(&[0.25, 0.333_33], &["25.0 %", "33.3 %"]);
        let shown = parts(&[Some(0.5), None]);
        assert_eq!(shown, [Some("50.0 %".to_owned()), None]);
    }
}
