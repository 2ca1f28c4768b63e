//! Tokens, as used in MIME fields.

/// Whether a character may be in a token: RFC 2045 section 5.1.
pub(super) fn is_token_char(c: char) -> bool {
    c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c)
}

/// Whether a text is a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// Whether a text is `type/subtype`.
pub(super) fn is_media_type(text: &str) -> bool {
    let parts = text.split_once('/');
    parts.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Whether a text is a token without the characters to which RFC 2231 section 7 gives a special
/// meaning.
pub(super) fn is_attribute(text: &str) -> bool {
    is_token(text) && !text.contains(['*', '\'', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_other_text() {
        for (text, token, attribute) in [
            ("x-y.z+1_2", true, true),
            ("a*0*", true, false),
            ("us-ascii'en'%41", true, false),
            ("a b", false, false),
            ("a/b", false, false),
            ("gr\u{fc}n", false, false),
            ("", false, false),
        ] {
            assert_eq!(
                (is_token(text), is_attribute(text)),
                (token, attribute),
                "{text}"
            );
        }
        for (text, expected) in [
            ("text/plain", true),
            ("text/", false),
            ("text", false),
            ("text/plain/x", false),
            ("text/pl ain", false),
        ] {
            assert_eq!(is_media_type(text), expected, "{text}");
        }
    }
}
