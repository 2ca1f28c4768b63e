//! Domains in the form in which they are compared.

/// The same text for all spellings of a domain: in lower case, and as A-labels where it is not ASCII.
///
/// Settings, orders, lists and searches compare domains in this form. So what is said of `bücher.example` holds
/// for mail to `BÜCHER.example` and to `xn--bcher-kva.example`, which the DNS takes for the same.
///
/// *Shape*: a leading dot stays. A literal in brackets, and text outside of ASCII that is no domain, is only put in lower
/// case; without the feature `idn`, all text outside of ASCII is.
///
/// *Source*: RFC 5890 section 2.3.2.4, UTS 46.
///
/// # Example
///
/// ```
/// use koukan_core::path::domain_key;
///
/// assert_eq!(domain_key("Example.COM"), "example.com");
/// # #[cfg(feature = "idn")]
/// assert_eq!(domain_key("BÜCHER.example"), "xn--bcher-kva.example");
/// ```
pub fn domain_key(domain: &str) -> String {
    match (domain.is_ascii(), domain.starts_with('[')) {
        (true, _) => domain.to_ascii_lowercase(),
        (false, true) => domain.to_lowercase(),
        (false, false) => in_a_labels(domain).unwrap_or_else(|| domain.to_lowercase()),
    }
}

/// Whether both are spellings of the same domain, as by [`domain_key`].
pub fn is_same_domain(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || !(one.is_ascii() && other.is_ascii()) && domain_key(one) == domain_key(other)
}

/// The domain in lower case and as A-labels; `None` if a label is invalid. Without the feature `idn`, only ASCII can be
/// converted, and A-labels are not checked.
pub(crate) fn in_a_labels(domain: &str) -> Option<String> {
    #[cfg(feature = "idn")]
    return idna::domain_to_ascii(domain).ok();
    #[cfg(not(feature = "idn"))]
    return domain.is_ascii().then(|| domain.to_ascii_lowercase());
}

/// A domain as people read it: with U-labels in the place of its A-labels, as far as these are valid, and in lower case.
/// Without the feature `idn`, as it is.
///
/// *Source*: RFC 5890 section 2.3.2.1, UTS 46.
///
/// # Example
///
/// ```
/// use koukan_core::path::domain_in_unicode;
///
/// # #[cfg(feature = "idn")]
/// assert_eq!(domain_in_unicode("xn--bcher-kva.example"), "bücher.example");
/// ```
pub fn domain_in_unicode(domain: &str) -> String {
    #[cfg(feature = "idn")]
    return idna::domain_to_unicode(domain).0;
    #[cfg(not(feature = "idn"))]
    return domain.to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_differs_only_in_case() {
        for (text, key) in [
            ("example.com", "example.com"),
            ("EXAMPLE.com.", "example.com."),
            (".Example", ".example"),
            ("[IPv6:::1]", "[ipv6:::1]"),
            ("xn--BCHER-kva.example", "xn--bcher-kva.example"),
            ("xn--\u{7f}", "xn--\u{7f}"),
            ("", ""),
        ] {
            assert_eq!(domain_key(text), key);
            assert!(is_same_domain(text, key));
        }
        assert!(!is_same_domain("a.example", "b.example"));
    }

    #[cfg(feature = "idn")]
    #[test]
    fn all_spellings_of_an_international_domain_are_one() {
        let key = "xn--bcher-kva.example";
        for text in [
            "bücher.example",
            "BÜCHER.Example",
            "bu\u{308}cher.example",
            "XN--BCHER-KVA.example",
            "bücher\u{3002}example",
        ] {
            assert_eq!(domain_key(text), key);
            assert!(is_same_domain(text, "Bücher.example"));
        }
        assert_eq!(domain_key(".bücher.example"), format!(".{key}"));
        assert!(!is_same_domain("bücher.example", "bucher.example"));
    }

    #[test]
    fn what_is_no_domain_is_put_in_lower_case() {
        assert_eq!(domain_key("[X:\u{c4}]"), "[x:\u{e4}]");
    }
}
