//! Macros of SPF: RFC 7208 section 7.

use std::{fmt::Write, net::IpAddr};

/// The longest domain name, in octets.
const DOMAIN_MAX: usize = 253;

/// The values of macros.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) local: &'a str,
    pub(super) sender_domain: &'a str,
    /// The domain whose record is evaluated.
    pub(super) domain: &'a str,
    pub(super) client: IpAddr,
    pub(super) helo: &'a str,
    /// The validated name of the client.
    pub(super) validated: &'a str,
    /// The name of this host.
    pub(super) receiver: &'a str,
    /// The current time, in seconds since 1970.
    pub(super) now: i64,
}

/// A part of a text with macros.
enum Part<'a> {
    Literal(&'a str),
    Macro {
        letter: char,
        /// How many labels stay, counted from the right; all if there is no number.
        count: usize,
        is_reversed: bool,
        delimiters: &'a str,
    },
}

/// The parts of a text; `None` at a malformed part.
fn parts(text: &str) -> impl Iterator<Item = Option<Part<'_>>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(after) = rest.strip_prefix('%') else {
            let (literal, after) = rest.split_at(rest.find('%').unwrap_or(rest.len()));
            rest = after;
            return Some(Some(Part::Literal(literal)));
        };
        let plain = match after.as_bytes().first() {
            Some(b'%') => Some("%"),
            Some(b'_') => Some(" "),
            Some(b'-') => Some("%20"),
            _ => None,
        };
        if let Some(plain) = plain {
            rest = &after[1..];
            return Some(Some(Part::Literal(plain)));
        }
        let inner = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'));
        rest = inner.map_or("", |(_, after)| after);
        Some(inner.and_then(|(inner, _)| one_macro(inner)))
    })
}

fn one_macro(inner: &str) -> Option<Part<'_>> {
    let letter = inner.chars().next().filter(char::is_ascii_alphabetic)?;
    if !"slodiphcrtv".contains(letter.to_ascii_lowercase()) {
        return None;
    }
    let rest = &inner[1..];
    let digits = rest.len()
        - rest
            .trim_start_matches(|char: char| char.is_ascii_digit())
            .len();
    let count = match &rest[..digits] {
        "" => 0,
        // A number too large to read keeps all labels.
        digits => digits.parse().unwrap_or(usize::MAX),
    };
    if digits > 0 && count == 0 {
        return None;
    }
    let rest = &rest[digits..];
    let reversed = rest.strip_prefix(['r', 'R']);
    let delimiters = reversed.unwrap_or(rest);
    let is_known = delimiters.chars().all(|char| ".-+,/_=".contains(char));
    is_known.then_some(Part::Macro {
        letter,
        count,
        is_reversed: reversed.is_some(),
        delimiters,
    })
}

/// Whether the text consists of visible characters and well-formed macros.
pub(super) fn is_macro_string(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_graphic()) && parts(text).all(|part| part.is_some())
}

/// Whether the text is a domain with macros: it ends in a macro, or in a dot and a label that is not
/// a number. Macros for explanations are not permitted.
pub(super) fn is_domain_spec(text: &str) -> bool {
    let is_here = |part: Option<Part<'_>>| match part {
        Some(Part::Macro { letter, .. }) => !"crtCRT".contains(letter),
        Some(Part::Literal(_)) => true,
        None => false,
    };
    is_macro_string(text) && parts(text).all(is_here) && has_domain_end(text)
}

fn has_domain_end(text: &str) -> bool {
    if let Some(Some(Part::Macro { .. })) = parts(text).last() {
        return true;
    }
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((_, label)) = text.rsplit_once('.') else {
        return false;
    };
    let is_inner = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    !label.is_empty()
        && label.bytes().all(is_inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.bytes().all(|octet| octet.is_ascii_digit())
}

/// Whether the text uses the client's validated name.
pub(super) fn wants_validated(text: &str) -> bool {
    parts(text).any(|part| {
        matches!(
            part,
            Some(Part::Macro {
                letter: 'p' | 'P',
                ..
            })
        )
    })
}

/// Expands the macros of a text.
pub(super) fn expand(text: &str, values: &Values<'_>) -> String {
    let mut expanded = String::new();
    for part in parts(text).flatten() {
        match part {
            Part::Literal(literal) => expanded.push_str(literal),
            Part::Macro {
                letter,
                count,
                is_reversed,
                delimiters,
            } => {
                let value = value(letter.to_ascii_lowercase(), values);
                let delimiters = if delimiters.is_empty() {
                    "."
                } else {
                    delimiters
                };
                let mut labels: Vec<_> = value.split(|char| delimiters.contains(char)).collect();
                if is_reversed {
                    labels.reverse();
                }
                let skipped = match count {
                    0 => 0,
                    count => labels.len().saturating_sub(count),
                };
                let text = labels[skipped..].join(".");
                match letter.is_ascii_uppercase() {
                    true => escape(&text, &mut expanded),
                    false => expanded.push_str(&text),
                }
            }
        }
    }
    expanded
}

/// Expands the macros of a domain. Labels at the left are dropped where the result is too long.
pub(super) fn expand_domain(text: &str, values: &Values<'_>) -> String {
    let expanded = expand(text, values);
    let mut name = expanded.strip_suffix('.').unwrap_or(&expanded);
    while name.len() > DOMAIN_MAX {
        let Some((_, rest)) = name.split_once('.') else {
            break;
        };
        name = rest;
    }
    name.to_owned()
}

fn value(letter: char, values: &Values<'_>) -> String {
    match letter {
        's' => format!("{}@{}", values.local, values.sender_domain),
        'l' => values.local.to_owned(),
        'o' => values.sender_domain.to_owned(),
        'd' => values.domain.to_owned(),
        'i' => dotted(values.client),
        'p' => values.validated.to_owned(),
        'h' => values.helo.to_owned(),
        'c' => values.client.to_string(),
        'r' => values.receiver.to_owned(),
        't' => values.now.to_string(),
        _ => match values.client {
            IpAddr::V4(_) => "in-addr".to_owned(),
            IpAddr::V6(_) => "ip6".to_owned(),
        },
    }
}

/// An address with dots. For IPv6 there is a dot between any two hexadecimal digits.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let digits = address
                .octets()
                .into_iter()
                .flat_map(|octet| [octet >> 4, octet & 15]);
            let mut text = String::with_capacity(63);
            for digit in digits {
                if !text.is_empty() {
                    text.push('.');
                }
                // Writing to a string cannot fail.
                let _ = write!(text, "{digit:x}");
            }
            text
        }
    }
}

fn escape(text: &str, to: &mut String) {
    for octet in text.bytes() {
        match octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            true => to.push(char::from(octet)),
            false => {
                // Writing to a string cannot fail.
                let _ = write!(to, "%{octet:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7208 section 7.4.
    #[test]
    fn the_examples_of_the_standard() {
        let values = Values {
            local: "strong-bad",
            sender_domain: "email.example.com",
            domain: "email.example.com",
            client: "192.0.2.3".parse().unwrap(),
            helo: "mx.example.com",
            validated: "mx.example.org",
            receiver: "mail.example.net",
            now: 7,
        };
        for (text, expanded) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            (
                "%{ir}.%{v}._spf.%{d2}",
                "3.2.0.192.in-addr._spf.example.com",
            ),
            (
                "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
            ),
            (
                "%{d2}.trusted-domains.example.net",
                "example.com.trusted-domains.example.net",
            ),
            ("%%%_%-%{t}%{r}%{c}", "% %207mail.example.net192.0.2.3"),
            ("%{S}", "strong-bad%40email.example.com"),
        ] {
            assert_eq!(expand(text, &values), expanded, "{text}");
        }
        let client = "2001:db8::cb01".parse().unwrap();
        let values = Values { client, ..values };
        assert_eq!(
            expand("%{ir}.%{v}._spf.%{d2}", &values),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        );
    }
}
