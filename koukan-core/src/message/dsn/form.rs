//! Text outside of ASCII, where only ASCII is permitted.

use std::borrow::Cow;

pub(super) use crate::envelope::xtext::escaped;
use crate::{envelope::xtext::code_point, path::address_literal};

/// The character set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// ASCII: any other character becomes `\x{HEX}`, as RFC 6533 section 3 writes addresses.
    Ascii,
    /// UTF-8, for recipients that must accept it anyway.
    Utf8,
}

impl Form {
    /// Text of a field.
    pub(super) fn text(self, text: &str) -> Cow<'_, str> {
        if self == Self::Utf8 || text.is_ascii() {
            return text.into();
        }
        escaped(text, |c| !c.is_ascii()).into()
    }

    /// An address with its type, as in `rfc822; bob@example.com`.
    ///
    /// *Source*: RFC 6533 section 3 (`utf-8-addr-xtext`, `utf-8-addr-unitext`).
    pub(super) fn address(self, address: &str) -> String {
        if address.is_ascii() {
            return format!("rfc822; {address}");
        }
        format!("utf-8; {}", self.utf8_address(address))
    }

    fn utf8_address(self, address: &str) -> String {
        match self {
            Self::Utf8 => address.to_owned(),
            Self::Ascii => escaped(address, |c| {
                !c.is_ascii_graphic() || matches!(c, '\\' | '+' | '=')
            }),
        }
    }

    /// The recipient's original address with its type, from ORCPT (RFC 3461 section 4.2, RFC 6533
    /// section 3). `None` where ORCPT is malformed.
    pub(super) fn original_recipient(self, orcpt: &str) -> Option<String> {
        let (kind, address) = orcpt.split_once(';')?;
        Some(if kind.eq_ignore_ascii_case("utf-8") {
            // What is escaped again anyway may be a control character.
            let is_meant = |c: char| self == Self::Ascii || !c.is_control();
            format!(
                "{kind}; {}",
                self.utf8_address(&decode_escapes(address, is_meant))
            )
        } else {
            format!("{kind}; {}", decode_xtext(address))
        })
    }
}

/// A host, an address in brackets (RFC 5321 section 4.1.3).
pub(super) fn host(host: &str) -> Cow<'_, str> {
    match host.parse() {
        Ok(address) => address_literal(address).into(),
        Err(_) => host.into(),
    }
}

/// Decodes `\x{HEX}` for the characters that `is_meant` selects. Other text is unchanged.
pub(in super::super) fn decode_escapes(text: &str, is_meant: impl Fn(char) -> bool) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x{") {
        decoded.push_str(before);
        let found = code_point(after).filter(|(c, _)| is_meant(*c));
        rest = match found {
            Some((c, tail)) => {
                decoded.push(c);
                tail
            }
            None => {
                decoded.push_str("\\x{");
                after
            }
        };
    }
    decoded + rest
}

/// Decodes xtext (RFC 3461 section 4). Malformed parts are unchanged.
pub(super) fn decode_xtext(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        // A number may have a sign before it, which no octet has.
        let hex = hex.filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let octet = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match octet {
            Some(octet) if *first == b'+' => {
                decoded.push(octet);
                rest = &tail[2..];
            }
            _ => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_form_in_ascii() {
        assert_eq!(Form::Ascii.address("b@y"), "rfc822; b@y");
        assert_eq!(Form::Ascii.address("bø+b@y"), r"utf-8; b\x{F8}\x{2B}b@y");
        assert_eq!(Form::Utf8.address("bø+b@y"), "utf-8; bø+b@y");
        assert_eq!(Form::Ascii.text("a + ü"), r"a + \x{FC}");
    }

    #[test]
    fn original_recipients_are_decoded() {
        for (orcpt, ascii, utf8) in [
            ("rfc822;bob+2Bx@y", "rfc822; bob+x@y", "rfc822; bob+x@y"),
            (r"utf-8;b\x{F8}b@y", r"utf-8; b\x{F8}b@y", "utf-8; bøb@y"),
            ("utf-8;bøb@y", r"utf-8; b\x{F8}b@y", "utf-8; bøb@y"),
            (r"UTF-8;a\x{2B}b@y", r"UTF-8; a\x{2B}b@y", "UTF-8; a+b@y"),
            (
                r"utf-8;\x{110000}\x{}\x{zz@y",
                r"utf-8; \x{5C}x{110000}\x{5C}x{}\x{5C}x{zz@y",
                r"utf-8; \x{110000}\x{}\x{zz@y",
            ),
            (
                r"utf-8;\x{+41}\x{0000041}\x{000041}@y",
                r"utf-8; \x{5C}x{\x{2B}41}\x{5C}x{0000041}A@y",
                r"utf-8; \x{+41}\x{0000041}A@y",
            ),
            // What could end the field early.
            (r"utf-8;a\x{A}b@y", r"utf-8; a\x{A}b@y", r"utf-8; a\x{A}b@y"),
            ("rfc822;a++4@y", "rfc822; a++4@y", "rfc822; a++4@y"),
        ] {
            let form = |form: Form| form.original_recipient(orcpt).unwrap();
            assert_eq!(form(Form::Ascii), ascii);
            assert_eq!(form(Form::Utf8), utf8);
        }
        assert_eq!(Form::Ascii.original_recipient("nothing"), None);
    }

    #[test]
    fn each_of_many_escapes_costs_no_look_at_all_that_follows() {
        for one in [r"\x{", r"\x{1", r"\x{000000", r"\x{zz}"] {
            let many = one.repeat(2_000_000);
            assert_eq!(decode_escapes(&many, |_| true), many);
        }
    }

    #[test]
    fn addresses_of_hosts_are_literals() {
        for (name, literal) in [
            ("mx.example.com", "mx.example.com"),
            ("127.0.0.1", "[127.0.0.1]"),
            ("2001:db8::1", "[IPv6:2001:db8::1]"),
            ("[127.0.0.1]", "[127.0.0.1]"),
        ] {
            assert_eq!(host(name), literal);
        }
    }
}
