//! A number and what it counts.

use std::fmt::Display;

/// `1 problem`, `3 problems`: for nouns whose plural is made with an s.
pub fn counted<N: Display + PartialEq + From<u8> + Copy>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_nothing_is_many() {
        let said = [0, 1, 2].map(|count: usize| counted(count, "problem"));
        assert_eq!(said, ["0 problems", "1 problem", "2 problems"]);
        assert_eq!(counted(1_u64, "tick"), "1 tick");
    }
}
