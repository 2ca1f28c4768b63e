//! Text in any charset.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

/// Whether UTF-8 is what a charset's name says, or leaves open.
pub(super) fn is_utf8(charset: Option<&str>) -> bool {
    charset.is_none_or(|charset| {
        let names = ["utf-8", "utf8", "us-ascii", "ascii", ""];
        names.iter().any(|name| name.eq_ignore_ascii_case(charset))
    })
}

/// The text that octets are in a charset.
pub(super) fn decode<'a>(charset: Option<&str>, octets: &'a [u8]) -> Cow<'a, str> {
    let decoder = charset.filter(|_| !is_utf8(charset));
    if let Some(decoder) = decoder.and_then(|charset| charset_decoder(charset.as_bytes())) {
        return decoder(octets).into();
    }
    if let Ok(text) = std::str::from_utf8(octets) {
        return text.into();
    }
    let is_named = charset.is_some_and(|charset| charset.to_ascii_lowercase().starts_with("utf"));
    match charset_decoder(b"windows-1252") {
        Some(decoder) if !is_named => decoder(octets).into(),
        _ => String::from_utf8_lossy(octets),
    }
}

/// The value of a header field in one line, before encoded words are decoded.
pub(super) fn unfold(value: &[u8]) -> String {
    one_line(&decode(None, value))
}

/// A text without line ends, and without other control characters.
pub(super) fn one_line(text: &str) -> String {
    let chars = text.chars().filter(|c| !matches!(c, '\r' | '\n'));
    let line: String = chars
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect();
    line.trim_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_taken_for_what_they_can_be() {
        for (charset, octets, expected) in [
            (None, "ü".as_bytes(), "ü"),
            (None, b"\xfc", "ü"),
            (Some("us-ascii"), b"\xfc", "ü"),
            (Some("UTF-8"), b"\xfcx", "\u{fffd}x"),
            (Some("unknown"), b"\xfc", "ü"),
            (Some("koi8-r"), b"\xf0\xd2", "Пр"),
        ] {
            assert_eq!(decode(charset, octets), expected);
        }
    }

    #[test]
    fn header_fields_are_one_line() {
        assert_eq!(unfold(b" a\r\n\tb\0c\r\n"), "a b\u{fffd}c");
    }
}
