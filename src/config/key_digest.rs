//! How the SHA-256 of a key is written down.

const PREFIX: &str = "sha256:";

/// `sha256:` and 64 hexadecimal digits.
pub fn digest_text(digest: &[u8; 32]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    let pairs = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    PREFIX.chars().chain(pairs.map(digit)).collect()
}

/// The digest that `text` writes down; `None` if it is anything else.
pub fn digest_of(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(PREFIX)?;
    let mut nibbles = digits.chars().map(|c| c.to_digit(16));
    let mut digest = [0_u8; 32];
    for byte in &mut digest {
        let (high, low) = (nibbles.next()??, nibbles.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    nibbles.next().is_none().then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_comes_back_from_its_text_and_nothing_else_is_one() {
        let digest: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 8).unwrap());
        let text = digest_text(&digest);
        assert!(text.starts_with("sha256:0008101820"), "{text}");
        assert_eq!(digest_of(&text), Some(digest));
        assert_eq!(
            digest_of(&text.to_uppercase().replace("SHA256", "sha256")),
            Some(digest)
        );
        let short: String = text.chars().take(70).collect();
        for wrong in [
            "",
            "sha256:",
            text.trim_start_matches(PREFIX),
            &short,
            &format!("{text}0"),
        ] {
            assert_eq!(digest_of(wrong), None, "{wrong}");
        }
    }
}
