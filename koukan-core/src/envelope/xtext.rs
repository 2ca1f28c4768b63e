//! The encodings of values in parameters.

use std::fmt::Write;

/// Hexadecimal digits of an escape, at most: RFC 6533 section 3 (`HEXPOINT`).
const MAX_DIGITS: usize = 6;

/// Decodes xtext; `None` where it is malformed, or encodes anything but printable ASCII.
///
/// *Source*: RFC 3461 sections 4, 4.2 and 4.4.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let octet = match first {
            b'+' => {
                rest = tail.get(2..)?;
                hex(*tail.first()?)? * 16 + hex(*tail.get(1)?)?
            }
            b'!'..=b'~' if *first != b'=' => {
                rest = tail;
                *first
            }
            _ => return None,
        };
        if !matches!(octet, b' '..=b'~') {
            return None;
        }
        decoded.push(char::from(octet));
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// Decodes an address that contains `\x{HEX}`; `None` where it is malformed, or contains control
/// characters, which no address has. Characters beyond ASCII may stand for themselves.
///
/// *Source*: RFC 6533 section 3 (`utf-8-addr-xtext`, `utf-8-addr-unitext`), RFC 6531 section 3.3.
pub(super) fn decode_utf8(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '\\' => {
                let escape = rest.strip_prefix("\\x{")?;
                let (c, tail) = code_point(escape)?;
                let is_short = !escape.starts_with('0');
                let needs_it = !c.is_ascii() || matches!(c, '+' | '=' | '\\' | ' ');
                if !is_short || !needs_it || c.is_control() {
                    return None;
                }
                decoded.push(c);
                tail
            }
            '+' | '=' | ' ' => return None,
            c if c.is_control() => return None,
            c => {
                decoded.push(c);
                &rest[c.len_utf8()..]
            }
        };
    }
    Some(decoded)
}

/// The character whose digits a text begins with, and what follows the `}` behind them.
pub(crate) fn code_point(text: &str) -> Option<(char, &str)> {
    let beginning = text.bytes().take(MAX_DIGITS);
    let length = beginning.take_while(u8::is_ascii_hexdigit).count();
    let (digits, tail) = text.split_at(length);
    let tail = tail.strip_prefix('}')?;
    let point = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(point)?, tail))
}

/// A text in which some characters are written as `\x{HEX}`.
pub(crate) fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if is_escaped(c) {
            // Writing into a string does not fail.
            let _ = write!(escaped, "\\x{{{:X}}}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_stands_for_printable_ascii() {
        for (text, decoded) in [
            ("bob@y", Some("bob@y")),
            ("a+2Bb+3Dc+20d+5ce", Some("a+b=c d\\e")),
            ("", Some("")),
            ("a+2", None),
            ("a+", None),
            ("a+2g", None),
            ("a+-1b", None),
            ("a=b", None),
            ("a b", None),
            ("a+0Ab", None),
            ("a+7F", None),
            ("a+E4", None),
            ("ä", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
    }

    #[test]
    fn addresses_in_utf8_have_escapes() {
        for (text, decoded) in [
            (r"b\x{F8}b@y", Some("bøb@y")),
            ("bøb@y", Some("bøb@y")),
            (r"a\x{2B}b\x{3d}\x{5C}\x{1F600}", Some("a+b=\\😀")),
            ("a+b", None),
            ("a=b", None),
            (r"a\b", None),
            (r"a\x{}", None),
            (r"a\x{110000}", None),
            (r"a\x{0000041}", None),
            (r"a\x{D800}", None),
            (r"a\x{41", None),
            ("a\tb", None),
            ("a b", None),
            (r"a\x{20}b", Some("a b")),
            ("a\u{80}b", None),
            ("a\u{7f}b", None),
            // No address has control characters.
            (r"a\x{D}", None),
            (r"a\x{A}b", None),
            (r"a\x{0}", None),
            (r"a\x{01}", None),
            (r"a\x{1F}", None),
            (r"a\x{7F}", None),
            (r"a\x{85}", None),
            (r"a\x{A0}", Some("a\u{a0}")),
            // Nothing is escaped that stands for itself, and no digit is to spare.
            (r"a\x{41}", None),
            (r"a\x{0000E4}", None),
            (r"a\x{0E4}", None),
            (r"a\x{10FFFF}", Some("a\u{10ffff}")),
        ] {
            assert_eq!(decode_utf8(text).as_deref(), decoded, "{text}");
        }
    }
}
