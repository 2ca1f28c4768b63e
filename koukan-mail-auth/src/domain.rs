//! Domain names.

/// The longest DNS name, in octets.
const NAME_MAX: usize = 253;
/// The longest domain outside of ASCII, in octets.
const UNICODE_MAX: usize = 1024;

/// The domain in lower case and as A-labels, without a final dot; `None` where the text cannot be a
/// domain.
pub(crate) fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = match domain.is_ascii() {
        _ if domain.len() > UNICODE_MAX => return None,
        true => domain.to_ascii_lowercase(),
        false => idna::domain_to_ascii(domain).ok()?,
    };
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    // Also checked after the conversion: U+FF20 becomes `@`.
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
    let is_fine = !ascii.is_empty() && ascii.len() <= NAME_MAX && ascii.bytes().all(is_plain);
    is_fine.then(|| ascii.to_owned())
}

/// Whether the DNS can be asked for this name: labels of 1 to 63 octets, with or without a final dot.
pub(crate) fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| (1..=63).contains(&label.len());
    name.is_ascii() && name.len() <= NAME_MAX && name.split('.').all(is_label)
}

/// Whether `name` is `domain` or below it. Case and a final dot do not matter.
pub(crate) fn is_within(name: &str, domain: &str) -> bool {
    let [name, domain] = [name, domain].map(|name| name.strip_suffix('.').unwrap_or(name));
    let Some(before) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let ends = name.as_bytes()[before..].eq_ignore_ascii_case(domain.as_bytes());
    ends && (before == 0 || name.as_bytes()[before - 1] == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_in_ascii() {
        let long = format!("{}.example", "\u{e4}".repeat(1000));
        for (domain, ascii) in [
            ("Example.COM.", Some("example.com")),
            ("_a-b.example", Some("_a-b.example")),
            ("b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            (
                "B\u{dc}CHER\u{3002}example\u{3002}",
                Some("xn--bcher-kva.example"),
            ),
            // Invisible characters are dropped.
            ("ex\u{ad}ample.com", Some("example.com")),
            // Characters that become others.
            ("a\u{ff20}b.example", None),
            ("ex\u{ff0f}ample.com", None),
            ("a\u{ff1b}b.example", None),
            ("ex\u{fffd}ample.com", None),
            ("[192.0.2.1]", None),
            ("a b.example", None),
            (&long, None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(ascii_domain(domain).as_deref(), ascii, "{domain:?}");
        }
    }

    #[test]
    fn which_names_can_be_asked_for() {
        let label = "a".repeat(63);
        let long = [&*label; 4].join(".");
        for (name, is_one) in [
            ("example.com", true),
            ("example.com.", true),
            ("a+b=c.example", true),
            (&label, true),
            (&format!("{label}a"), false),
            (&long, false),
            (&long[3..], true),
            ("a..b", false),
            (".a", false),
            ("", false),
            ("\u{e4}.example", false),
        ] {
            assert_eq!(is_name(name), is_one, "{name}");
        }
    }

    #[test]
    fn which_names_are_below_a_domain() {
        for (name, domain, is_one) in [
            ("example.com", "Example.com.", true),
            ("a.Example.com.", "example.com", true),
            ("aexample.com", "example.com", false),
            ("com", "example.com", false),
            ("", "example.com", false),
        ] {
            assert_eq!(is_within(name, domain), is_one, "{name} {domain}");
        }
    }
}
