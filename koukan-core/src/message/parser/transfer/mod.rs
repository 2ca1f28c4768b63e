//! Transfer encodings, undone as far as it goes: RFC 2045 section 6, and uuencode.
//!
//! They are decoded here, since mail-parser and the `base64` crate either refuse what is malformed
//! or go on beyond the end: what follows the encoded text, such as the footer of a mailing list, is
//! to be told apart from it and kept.

mod base64;
mod quoted_printable;
mod uuencode;

use bytes::Bytes;

pub(super) use self::{base64::decode as base64, quoted_printable::hex};

/// How the octets of a part are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferEncoding {
    /// As they are; also where nobody knows how.
    Identity,
    Base64,
    QuotedPrintable,
    Uuencode,
}

/// What was decoded, and the text around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) octets: Bytes,
    /// What came before.
    pub(super) preamble: Bytes,
    /// What came after.
    pub(super) epilogue: Bytes,
}

impl TransferEncoding {
    /// The encoding of that name, which has neither comments nor blanks.
    pub(super) fn named(name: &str) -> Self {
        let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        match &*name.to_ascii_lowercase() {
            "base64" | "base-64" | "b64" => Self::Base64,
            "quoted-printable" | "quotedprintable" | "quoted_printable" => Self::QuotedPrintable,
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Self::Uuencode,
            _ => Self::Identity,
        }
    }

    /// Undoes the encoding. What is not encoded at all stays as it is.
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
            ("", Identity),
            ("x-unknown", Identity),
        ] {
            assert_eq!(TransferEncoding::named(name), expected, "{name}");
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
