//! The beginning of a text: [`beginning`].

/// The longest beginning of a text that has at most that many octets and ends with a whole character.
///
/// From Rust 1.91 on, `str::floor_char_boundary` finds the same end.
pub(crate) fn beginning(text: &str, octets: usize) -> &str {
    let mut end = octets.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_with_a_whole_character() {
        let text = "a\u{fc}\u{65e5}\u{1f642}";
        let all = (0..=11).map(|octets| beginning(text, octets).chars().count());
        assert_eq!(Vec::from_iter(all), [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4]);
        assert_eq!(beginning("", 3), "");
    }
}
