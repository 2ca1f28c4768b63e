//! Decodes transfer encodings as far as possible: RFC 2045 section 6, and uuencode.
//!
//! They are decoded here because mail-parser and the `base64` crate either refuse malformed input
//! or read beyond its end: text after the encoded text, such as the footer of a mailing list, must
//! be recognized and kept.

mod base64;
mod quoted_printable;
mod uuencode;

use bytes::Bytes;

use super::{comments::without_comments, encoded_word};

pub(super) use self::{base64::decode as base64, quoted_printable::hex};

/// The encoding of a part's octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    /// Not encoded; also if the encoding is unknown.
    Identity,
    Base64,
    QuotedPrintable,
    Uuencode,
}

/// The names of RFC 2045 section 6.1.
const USUAL: [(&str, TransferEncoding); 5] = [
    ("7bit", TransferEncoding::Identity),
    ("8bit", TransferEncoding::Identity),
    ("base64", TransferEncoding::Base64),
    ("binary", TransferEncoding::Identity),
    ("quoted-printable", TransferEncoding::QuotedPrintable),
];

/// The decoded octets, and the text around them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) octets: Bytes,
    /// The text before them.
    pub(super) preamble: Bytes,
    /// The text after them.
    pub(super) epilogue: Bytes,
}

impl TransferEncoding {
    /// The encoding named by the fields of a part, each given on one line. If a field names none,
    /// or says that nothing is encoded, the next one counts.
    pub(super) fn of(lines: impl IntoIterator<Item = String>) -> Self {
        let mut all = lines.into_iter().map(|line| Self::named(&line));
        let encoding = all.find(|encoding| *encoding != Self::Identity);
        encoding.unwrap_or(Self::Identity)
    }

    /// The encoding that a value names, whatever else precedes its parameters.
    fn named(line: &str) -> Self {
        // The usual spelling.
        for (name, encoding) in USUAL {
            if line.eq_ignore_ascii_case(name) {
                return encoding;
            }
        }
        let text = encoded_word::decode(&without_comments(line));
        let mut pieces = text.split(';').map(str::trim);
        let value = pieces.find(|piece| !piece.is_empty()).unwrap_or_default();
        let letters = value.chars().filter(char::is_ascii_alphanumeric);
        let key: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        let is_in = |names: &[&str]| names.iter().any(|name| key.contains(name));
        if is_in(&["base64", "b64"]) {
            Self::Base64
        } else if is_in(&["quotedprint"]) || ["qp", "xqp"].contains(&&*key) {
            Self::QuotedPrintable
        } else if is_in(&["uuencode", "xuue"]) || key == "uue" {
            Self::Uuencode
        } else {
            Self::Identity
        }
    }

    /// Decodes octets. Octets that are not encoded stay as they are.
    pub(super) fn decode(self, octets: Bytes) -> Decoded {
        match self {
            Self::Identity => Decoded::plain(octets),
            Self::QuotedPrintable => Decoded::plain(quoted_printable::decode(&octets)),
            Self::Base64 => match base64::decode_lines(&octets) {
                Some(found) => Decoded {
                    preamble: octets.slice(..found.from),
                    epilogue: match found.aside.is_empty() {
                        true => octets.slice(found.to..),
                        false => [&found.aside, &octets[found.to..]].concat().into(),
                    },
                    octets: found.octets.into(),
                },
                None => Decoded::plain(octets),
            },
            Self::Uuencode => match uuencode::decode(&octets) {
                Some((decoded, from, to)) => Decoded {
                    octets: decoded.into(),
                    preamble: octets.slice(..from),
                    epilogue: octets.slice(to..),
                },
                None => Decoded::plain(octets),
            },
        }
    }
}

impl Decoded {
    fn plain(octets: Bytes) -> Self {
        Self {
            octets,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_have_names() {
        use TransferEncoding::{Base64, Identity, QuotedPrintable, Uuencode};
        for (name, expected) in [
            ("BASE64", Base64),
            ("\"base64\"", Base64),
            ("base64;", Base64),
            ("Quoted-Printable", QuotedPrintable),
            ("quoted-printable.", QuotedPrintable),
            ("x-uuencode", Uuencode),
            ("8bit", Identity),
            ("binary", Identity),
            ("8bit (not base64)", Identity),
            ("8bit; x=base64", Identity),
            ("x-base64", Base64),
            ("7bit, base64", Base64),
            ("binary base64", Base64),
            ("base 64", Base64),
            ("base64=", Base64),
            ("encoding=base64", Base64),
            ("Content-Transfer-Encoding: base64", Base64),
            ("=?us-ascii?q?base64?= (c)", Base64),
            ("; base64", Base64),
            ("base64; x=quoted-printable", Base64),
            ("quoted printable", QuotedPrintable),
            ("quoted-printeable", QuotedPrintable),
            ("x-qp", QuotedPrintable),
            ("x-uue", Uuencode),
            ("UUE", Uuencode),
            ("", Identity),
            ("x-unknown", Identity),
        ] {
            assert_eq!(TransferEncoding::named(name), expected, "{name}");
        }
        for (names, expected) in [
            (&["", "base64"][..], Base64),
            (&["7bit", "base64"], Base64),
            (&["base64", "7bit"], Base64),
            (&["quoted-printable", "base64"], QuotedPrintable),
            (&["7bit", "8bit"], Identity),
            (&[], Identity),
        ] {
            let lines = names.iter().map(|name| (*name).to_owned());
            assert_eq!(TransferEncoding::of(lines), expected, "{names:?}");
        }
    }

    #[test]
    fn what_is_not_encoded_stays() {
        for text in ["", "\r\n", "!", "a", "..."] {
            let decoded = TransferEncoding::Base64.decode(text.into());
            assert_eq!(decoded.octets, text);
        }
        let decoded = TransferEncoding::Uuencode.decode("no begin".into());
        assert_eq!(decoded.octets, "no begin");
    }
}
