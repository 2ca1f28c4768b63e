//! The parts of the notification, and how each is encoded.

use std::borrow::Cow;

use crate::message::quoted_printable;

/// The maximum length of a line, in octets: RFC 5322 section 2.1.1.
const LINE_MAX: usize = 998;

/// How the octets of a part are written: RFC 2045 section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    SevenBit,
    EightBit,
    QuotedPrintable,
}

/// A part in its written form: its encoding and its octets.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) content_type: &'static str,
    /// The value of Content-Language, for a text: RFC 3282.
    pub(super) language: Option<String>,
    pub(super) encoding: Encoding,
    pub(super) content: Cow<'a, [u8]>,
}

impl<'a> Part<'a> {
    /// A text for people, in one or more languages.
    pub(super) fn text(text: &'a str, language: String, is_8bit: bool) -> Self {
        let content_type = if text.is_ascii() {
            "text/plain; charset=us-ascii"
        } else {
            "text/plain; charset=utf-8"
        };
        Self {
            language: Some(language),
            ..Self::new(content_type, text.as_bytes(), is_8bit)
        }
    }

    /// A status for programs. Its lines are short, and it is ASCII unless 8-bit octets are allowed.
    pub(super) fn status(text: &'a str, is_8bit: bool) -> Self {
        let content_type = match is_8bit {
            false => "message/delivery-status",
            true => "message/global-delivery-status",
        };
        Self::new(content_type, text.as_bytes(), is_8bit)
    }

    /// Header fields of the original message.
    pub(super) fn headers(headers: &'a [u8], is_8bit: bool) -> Self {
        let is_global = is_8bit && !headers.is_ascii() && std::str::from_utf8(headers).is_ok();
        let content_type = match is_global {
            false => "text/rfc822-headers",
            true => "message/global-headers",
        };
        Self::new(content_type, headers, is_global)
    }

    /// The whole original message, with its `header`.
    pub(super) fn message(message: Cow<'a, [u8]>, header: &[u8]) -> Self {
        let content_type = match header.is_ascii() {
            true => "message/rfc822",
            false => "message/global",
        };
        let encoding = match message.is_ascii() {
            true => Encoding::SevenBit,
            false => Encoding::EightBit,
        };
        Self {
            content_type,
            language: None,
            encoding,
            content: message,
        }
    }

    fn new(content_type: &'static str, octets: &'a [u8], is_8bit: bool) -> Self {
        let lines = octets.split(|octet| *octet == b'\n');
        let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let encoding = if lines.any(|line| line.len() > LINE_MAX) {
            Encoding::QuotedPrintable
        } else if octets.is_ascii() {
            Encoding::SevenBit
        } else if is_8bit {
            Encoding::EightBit
        } else {
            Encoding::QuotedPrintable
        };
        let content = match encoding {
            Encoding::QuotedPrintable => quoted_printable::encode(octets).into_bytes().into(),
            Encoding::SevenBit | Encoding::EightBit => octets.into(),
        };
        Self {
            content_type,
            language: None,
            encoding,
            content,
        }
    }
}

impl Encoding {
    /// Its name in the field Content-Transfer-Encoding.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::QuotedPrintable => "quoted-printable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_the_encoding() {
        use Encoding::{EightBit, QuotedPrintable, SevenBit};
        let long = "x".repeat(999);
        let fits = "x".repeat(998) + "\r\n";
        for (headers, is_8bit, content_type, encoding) in [
            (&b"A: b\r\n"[..], false, "text/rfc822-headers", SevenBit),
            (b"A: b\r\n", true, "text/rfc822-headers", SevenBit),
            (fits.as_bytes(), false, "text/rfc822-headers", SevenBit),
            (
                long.as_bytes(),
                true,
                "text/rfc822-headers",
                QuotedPrintable,
            ),
            (
                "A: ü".as_bytes(),
                false,
                "text/rfc822-headers",
                QuotedPrintable,
            ),
            ("A: ü".as_bytes(), true, "message/global-headers", EightBit),
            (b"A: \xfc", true, "text/rfc822-headers", QuotedPrintable),
        ] {
            let part = Part::headers(headers, is_8bit);
            let found = (part.content_type, part.encoding);
            assert_eq!(found, (content_type, encoding), "{}", headers.len());
        }
    }
}
