//! Text in any charset.
//!
//! The charsets of Unicode are read here, including UTF-16 without a byte order mark, and UTF-32. All
//! others need tables ([`tables`]), which come with the feature `charsets`. Without it there is only
//! windows-1252 ([`latin`]), and text in another declared charset is read as UTF-8, or else as
//! windows-1252.

// Tests compare it with the tables.
#[cfg(any(test, not(feature = "charsets")))]
mod latin;
#[cfg(feature = "charsets")]
mod tables;
mod wide;

use std::borrow::Cow;

#[cfg(not(feature = "charsets"))]
use self::latin as tables;
use self::{tables::Table, wide::Order};

pub(super) use self::tables::to_windows_1252;

/// How octets become text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Charset {
    Utf8,
    /// What says so and has other octets all the same is guessed.
    Ascii,
    /// Without an order, the octets tell it.
    Utf16(Option<Order>),
    Utf32(Option<Order>),
    Other(Table),
}

/// Octets of a name that are looked at.
const MAX_NAME: usize = 60;

impl Charset {
    /// The charset of that name, as people spell it.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let key = key(name);
        unicode(&key).or_else(|| Table::named(name, &key).map(Self::Other))
    }

    fn decode<'a>(&self, octets: &'a [u8]) -> Cow<'a, str> {
        match self {
            Self::Utf8 | Self::Ascii => guess(octets),
            Self::Utf16(order) => wide::utf16(octets, *order).into(),
            Self::Utf32(order) => wide::utf32(octets, *order).into(),
            Self::Other(table) => table.decode(octets),
        }
    }
}

/// A name without what tells nothing.
fn key(name: &str) -> String {
    let chars = name
        .chars()
        .take(MAX_NAME)
        .filter(char::is_ascii_alphanumeric);
    let key: String = chars.map(|c| c.to_ascii_lowercase()).collect();
    match key.strip_prefix('x') {
        Some(key) => key.to_owned(),
        None => key,
    }
}

fn unicode(key: &str) -> Option<Charset> {
    Some(match key {
        "utf8" | "u8" | "utf8mb4" | "unicode11utf8" | "cp65001" | "utf8bom" => Charset::Utf8,
        "ascii" | "usascii" | "ansix341968" | "iso646us" | "646" | "cp367" | "us" | "cp20127" => {
            Charset::Ascii
        }
        "utf16" | "u16" | "csutf16" | "ucs2" | "iso10646ucs2" | "unicode" | "csunicode" => {
            Charset::Utf16(None)
        }
        "utf16le" | "csutf16le" | "unicodelittleunmarked" | "cp1200" | "ucs2le" => {
            Charset::Utf16(Some(Order::Little))
        }
        "utf16be" | "csutf16be" | "unicodebigunmarked" | "cp1201" | "ucs2be" | "unicodefffe" => {
            Charset::Utf16(Some(Order::Big))
        }
        "utf32" | "u32" | "csutf32" | "ucs4" | "iso10646ucs4" | "csucs4" => Charset::Utf32(None),
        "utf32le" | "csutf32le" | "cp12000" | "ucs4le" => Charset::Utf32(Some(Order::Little)),
        "utf32be" | "csutf32be" | "cp12001" | "ucs4be" => Charset::Utf32(Some(Order::Big)),
        _ => return None,
    })
}

/// Whether UTF-8 is what a charset's name says, or leaves open.
pub(super) fn is_utf8(charset: Option<&str>) -> bool {
    charset.is_none_or(|name| matches!(Charset::named(name), Some(Charset::Utf8 | Charset::Ascii)))
        || charset.is_some_and(|name| name.trim().is_empty())
}

/// Decodes octets in a charset. Without a charset, or with an unknown one, they are UTF-8 if
/// possible, else windows-1252.
pub(super) fn decode<'a>(charset: Option<&str>, octets: &'a [u8]) -> Cow<'a, str> {
    match charset.and_then(Charset::named) {
        Some(Charset::Utf8) => String::from_utf8_lossy(octets),
        Some(charset) if charset != Charset::Ascii => charset.decode(octets),
        _ => guess(octets),
    }
}

fn guess(octets: &[u8]) -> Cow<'_, str> {
    if let Some(text) = tables::unsaid(octets) {
        return text.into();
    }
    match std::str::from_utf8(octets) {
        Ok(text) => text.into(),
        Err(_) => tables::windows_1252(octets),
    }
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
            (None, b"\x1b$B$\"\x1b(B", "あ"),
            (Some("us-ascii"), b"\xfc", "ü"),
            (Some("us-ascii"), "ü".as_bytes(), "ü"),
            (Some(""), b"\xfc", "ü"),
            (Some("UTF-8"), b"\xfcx", "\u{fffd}x"),
            (Some("utf8;"), "ü".as_bytes(), "ü"),
            (Some("unknown"), b"\xfc", "ü"),
            (Some("koi8-r"), b"\xf0\xd2", "Пр"),
            (Some("utf-7"), b"+AKM-1 +ZeVnLIqe-", "£1 日本語"),
            (Some("cp437"), b"\x81\xe1", "üß"),
            (Some("ibm00858"), b"\xd5", "€"),
            (Some("cp775"), b"\xd0", "ą"),
            (Some("ISO-8859-11"), b"\xa1", "ก"),
            (Some("macroman"), b"\x9f", "ü"),
        ] {
            assert_eq!(decode(charset, octets), expected, "{charset:?}");
        }
    }

    #[test]
    fn header_fields_are_one_line() {
        assert_eq!(one_line(" a\r\n\tb\0c\r\n"), "a b\u{fffd}c");
    }

    /// What Python's codecs make of it.
    #[test]
    fn charsets_beyond_those_of_browsers_are_read() {
        for (names, octets, expected) in [
            (
                &["iso-2022-kr", "csISO2022KR", "cp50225"][..],
                &b"\x1b$)C\x0eGQ1[\x0f ok \x0eGQ\x0f"[..],
                "한글 ok 한",
            ),
            (&["hz", "HZ-GB-2312"], b"~{VPND~} ~~ ~{VP~}", "中文 ~ 中"),
            (
                &["cp932", "windows-31j", "MS932", "x-sjis"],
                b"\x93\xfa\x96{\x87\x40",
                "日本①",
            ),
            (&["cp949", "uhc", "ms949"], b"\xc7\xd1\x8c\x63", "한똠"),
            (&["cp950", "big5-hkscs"], b"\xa4\xa4", "中"),
            (&["johab", "cp1361"], b"\xd0\x65\x8b\x69 a", "한글 a"),
            (&["utf-32be"], b"\0\0\0\xfc", "ü"),
            (&["utf-32", "ucs-4"], b"\xff\xfe\0\0\xfc\0\0\0", "ü"),
            (&["utf-16"], b"\xfe\xff\0\xfc", "ü"),
            (&["utf-16"], b"a\0\xfc\0", "aü"),
            (&["utf-16"], b"\0a\0\xfc", "aü"),
            (&["utf-16le", "cp1200"], b"\xfc\0", "ü"),
            (
                &["iso-2022-jp-2", "iso-2022-jp-1", "iso-2022-jp"],
                b"\x1b$BF|K\\\x1b$(D0!\x1b(B",
                "日本丂",
            ),
            (
                &["iso-2022-jp-2"],
                b"\x1b$AVPND\x1b$(CGQ1[\x1b(B \x1b.A\x1bNi\x1bN`",
                "中文한글 éà",
            ),
            (&["iso-2022-jp-3", "iso-2022-jp-ext"], b"\x1b(I1\x1b(B", "ｱ"),
            (&["iso-2022-cn"], b"\x1b$)A\x0eVPND\x0f.", "中文."),
            (&["8859_15", "latin-9", "iso_8859-15:1998"], b"\xa4", "€"),
            (&["win-1251", "cp1251", "ms-cyrl"], b"\xcf\xf0", "Пр"),
            (&["cp28592", "iso-latin-2"], b"\xb1", "ą"),
            (
                &["ks_c_5601-1987", "euckr", "x-mac-korean"],
                b"\xc7\xd1",
                "한",
            ),
            // IANA's names of code pages.
            (&["csIBM855", "IBM855", "cp855", "855"], b"\xa0", "а"),
            (&["csIBM857"], b"\x8d", "ı"),
            (&["csIBM860"], b"\x84", "ã"),
            (&["csIBM861", "cp-is"], b"\x8d", "Þ"),
            (&["csIBM863"], b"\x84", "Â"),
            (&["csIBM865"], b"\x9b", "ø"),
            (&["csIBM869", "cp-gr"], b"\x86", "Ά"),
            (&["cspc8codepage437", "csPC8CodePage437"], b"\x81", "ü"),
            (&["csPCp852", "cspcp852", "IBM852"], b"\xa5", "ą"),
            (&["csPC850Multilingual", "850"], b"\x81", "ü"),
            (&["csPC775Baltic"], b"\xd0", "ą"),
            (
                &["ruscii", "IBM1125", "cp1125", "cp866u"],
                b"\xaf\xe0",
                "пр",
            ),
            // What is read but for rare characters.
            (
                &[
                    "shift_jis-2004",
                    "shift_jisx0213",
                    "sjisx0213",
                    "x-mac-japanese",
                ],
                b"\x93\xfa\x96{",
                "日本",
            ),
            (
                &["euc-jisx0213", "euc-jis-2004", "jisx0213"],
                b"\xc6\xfc",
                "日",
            ),
            (
                &["big5-tw", "hkscs", "x-mac-trad-chinese"],
                b"\xa4\xa4",
                "中",
            ),
            (&["gb2312-1980", "x-mac-simp-chinese"], b"\xd6\xd0", "中"),
            // Other names.
            (&["iso-celtic", "iso-ir-199", "l8"], b"\xd0", "Ŵ"),
            (&["iso-ir-226", "l10"], b"\xa3", "Ł"),
            (&["l7"], b"\xe0", "ą"),
            (&["elot-928", "elot_928", "ELOT928"], b"\xe1", "α"),
            (&["tis-620-0", "tis-620-2529-1", "iso-ir-166"], b"\xa1", "ก"),
            (&["u7"], b"+APw-", "ü"),
            (&["u8"], b"\xc3\xbc", "ü"),
            (&["u16", "unicodebigunmarked"], b"\0\xfc", "ü"),
            (&["unicodelittleunmarked"], b"\xfc\0", "ü"),
            (&["u32"], b"\0\0\0\xfc", "ü"),
        ] {
            for name in names {
                assert_eq!(decode(Some(name), octets), expected, "{name}");
            }
        }
    }
}
