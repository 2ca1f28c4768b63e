//! The values of a delivery status's fields.

use std::borrow::Cow;

use serde_json::Value;

use crate::message::dsn::decode_escapes;

use super::super::{
    charset,
    comments::{find_plain, without_comments},
    encoded_word, fields,
};

/// The kind of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// The first word, in lower case.
    Word,
    /// An enhanced status code.
    Status,
    Date,
    /// The name of a host, after its type.
    Host,
    /// A reply, after its type.
    Diagnostic,
    /// An address, after its type.
    Address,
}

impl Kind {
    /// The value of a line. A usual type before a semicolon is left out; another one stays.
    pub(super) fn read(self, line: &str) -> Value {
        match self {
            Self::Text => charset::one_line(&encoded_word::decode(line)).into(),
            Self::Word => word(line).into(),
            Self::Status => match status(&without_comments(line)) {
                Some(status) => status.into(),
                None => word(line).into(),
            },
            Self::Date => fields::date(line).unwrap_or_else(|| line.into()),
            Self::Host => match typed(line, &["dns"]) {
                Some((_, host)) => without_comments(host).trim().into(),
                None => line.into(),
            },
            // The text after the type may contain parentheses, which are part of it.
            Self::Diagnostic => {
                let text = typed(line, &["smtp"]).map_or(line, |(_, text)| text);
                let text = charset::one_line(&encoded_word::decode(text));
                // Only characters outside of ASCII are escaped there: any other backslash stays
                // one.
                decode_escapes(&text, |c| !c.is_ascii() && !c.is_control()).into()
            }
            Self::Address => address(line).into(),
        }
    }
}

fn word(line: &str) -> String {
    let text = without_comments(line).to_ascii_lowercase();
    let word = text.split_whitespace().next().unwrap_or_default();
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_owned()
}

/// The first enhanced status code in a text: RFC 3463 section 2.
fn status(text: &str) -> Option<&str> {
    let is_code = |word: &&str| {
        let parts: Vec<_> = word.split('.').collect();
        let is_number = |part: &&str| {
            (1..=3).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_digit())
        };
        parts.len() == 3 && matches!(parts[0], "2" | "4" | "5") && parts.iter().all(is_number)
    };
    let words = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    words.map(|word| word.trim_matches('.')).find(is_code)
}

fn address(line: &str) -> String {
    let (kind, text) = match typed(line, &["rfc822", "utf-8"]) {
        Some((kind, text)) => (kind, without_comments(text).into()),
        None => (String::new(), Cow::Borrowed(line)),
    };
    let text = text.trim();
    let inner = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    let address = inner.unwrap_or(text).trim();
    match kind.eq_ignore_ascii_case("utf-8") {
        // A line end would begin another field if the address is written again.
        true => decode_escapes(address, |c| !c.is_control()),
        false => address.to_owned(),
    }
}

/// A usual type, and what follows its semicolon.
fn typed<'a>(line: &'a str, usual: &[&str]) -> Option<(String, &'a str)> {
    let end = find_plain(line, ';').or_else(|| line.find(';'))?;
    let kind = without_comments(&line[..end]).trim().to_owned();
    let is_usual = usual.iter().any(|usual| usual.eq_ignore_ascii_case(&kind));
    is_usual.then(|| (kind, line[end + 1..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_without_their_types_and_comments() {
        use Kind::{Address, Diagnostic, Host, Status, Text, Word};
        for (kind, line, expected) in [
            (Address, "rfc822; bob@x", "bob@x"),
            (Address, "rfc822 (c); bob@x (Bob)", "bob@x"),
            (Address, "(c; d) RFC822;bob@x", "bob@x"),
            (Address, "rfc822; < bob@x >", "bob@x"),
            (Address, "rfc822; \"a (b)\"@x", "\"a (b)\"@x"),
            (Address, "rfc822; bob@x (Bob", "bob@x"),
            (Address, r"utf-8; j\x{F6}\x{2B}@x", "jö+@x"),
            (Address, "utf-8; jö@x", "jö@x"),
            (
                Address,
                r"utf-8; j\x{F6}\x{0D}\x{A}\x{0}\x{85}@x",
                r"jö\x{0D}\x{A}\x{0}\x{85}@x",
            ),
            (Address, r"rfc822; j\x{F6}@x", r"j\x{F6}@x"),
            (Address, "x400; /c=us (a)/", "x400; /c=us (a)/"),
            (Address, "bob@x", "bob@x"),
            (Host, "dns (c); r.test", "r.test"),
            (Host, "(c) dns; r.test (10.0.0.1)", "r.test"),
            (Host, "dns; [10.0.0.1]", "[10.0.0.1]"),
            (Host, "x-local; r (y)", "x-local; r (y)"),
            (
                Diagnostic,
                "smtp (c); 550 no (in reply to RCPT TO)",
                "550 no (in reply to RCPT TO)",
            ),
            (
                Diagnostic,
                r"smtp; 550 caf\x{E9} \x{41}",
                r"550 café \x{41}",
            ),
            (Diagnostic, "smtp; =?utf-8?q?550_caf=C3=A9?=", "550 café"),
            (Diagnostic, r"smtp; 550 \x{85}", r"550 \x{85}"),
            (
                Diagnostic,
                "smtp; =?utf-8?q?550=0D=0Ano=00?=",
                "550no\u{fffd}",
            ),
            (Text, "=?utf-8?q?a=0D=0Ab=00?=", "ab\u{fffd}"),
            (Diagnostic, "550 no; really", "550 no; really"),
            (Word, "FAILED. (x)", "failed"),
            (Word, "(x) Delayed;", "delayed"),
            (Status, "5.1.1 (no such user)", "5.1.1"),
            (Status, "(p) 5.1.1; (q)", "5.1.1"),
            (Status, "550 5.1.1 no user", "5.1.1"),
            (Status, "550-5.7.26. no", "5.7.26"),
            (Status, "from 10.0.0.1: 4.0.0", "4.0.0"),
            (Status, "5.1", "5.1"),
        ] {
            assert_eq!(kind.read(line), expected, "{line}");
        }
    }
}
