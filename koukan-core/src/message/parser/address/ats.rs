//! Recognizes addresses.

/// URI schemes that some programs write before an address.
const SCHEMES: [&str; 2] = ["mailto:", "smtp:"];

/// An address without a scheme, and without what follows the address in a `mailto:` URI.
pub(super) fn without_scheme(text: &str) -> &str {
    let scheme = SCHEMES.iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    match scheme {
        Some(rest) => rest.split('?').next().unwrap_or(rest),
        None => text,
    }
}

/// The address in brackets at the end of a text, as in `Joe [SMTP:j@example.com]`. An address
/// literal does not count.
pub(super) fn bracketed(text: &str) -> Option<&str> {
    let (before, inner) = text.strip_suffix(']')?.rsplit_once('[')?;
    let address = without_scheme(inner);
    (!before.ends_with('@') && address.contains('@')).then_some(address)
}

/// Whether a text in `<>` is an address, possibly without a domain.
pub(super) fn is_address(text: &str) -> bool {
    match text.rfind('@') {
        Some(at) => at > 0 && at + 1 < text.len(),
        None => !text.is_empty() && !text.contains([' ', ':', ';', '(', ')', ',']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_brackets_and_behind_schemes() {
        for (text, expected) in [
            ("[j@x]", Some("j@x")),
            ("Joe[SMTP:j@x]", Some("j@x")),
            ("[mailto:j@x?subject=y]", Some("j@x")),
            ("j@[192.0.2.1]", None),
            ("[ann]", None),
            ("j@x", None),
        ] {
            assert_eq!(bracketed(text), expected, "{text}");
        }
        for (text, expected) in [
            ("MailTo:j@x", "j@x"),
            ("smtp:j@x", "j@x"),
            ("j@x", "j@x"),
            ("ü", "ü"),
        ] {
            assert_eq!(without_scheme(text), expected, "{text}");
        }
        for (text, expected) in [
            ("j@x", true),
            ("root", true),
            ("@x", false),
            ("j@", false),
            ("", false),
            ("j at x", false),
            ("undisclosed-recipients:;", false),
        ] {
            assert_eq!(is_address(text), expected, "{text}");
        }
    }
}
