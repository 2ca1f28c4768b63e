//! Text in any charset.
//!
//! Three libraries know most of them: `encoding_rs` those of browsers, `charset` UTF-7, `oem_cp`
//! the code pages of DOS. What this module decodes by itself is what none of them does:
//!
//! - ISO-2022 in all its forms. `encoding_rs` knows ISO-2022-JP alone, and puts U+FFFD between two
//!   escape sequences that follow each other, as they do where encoded words are joined. The
//!   characters themselves are looked up in `encoding_rs`.
//! - HZ and Johab, which are other ways to write the characters of GBK and of EUC-KR.
//! - UTF-16 without a byte order mark, and UTF-32.
//! - The names: mail has many that browsers do not know, such as `cp949` or `latin-1`.

mod hz;
mod iso2022;
mod johab;
mod name;
mod wide;

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

pub(super) use self::name::Charset;

/// Whether UTF-8 is what a charset's name says, or leaves open.
pub(super) fn is_utf8(charset: Option<&str>) -> bool {
    charset.is_none_or(|name| matches!(Charset::named(name), Some(Charset::Utf8 | Charset::Ascii)))
        || charset.is_some_and(|name| name.trim().is_empty())
}

/// The text that octets are in a charset. Without one, or with one that nobody knows, they are
/// UTF-8 if they can be, else windows-1252.
pub(super) fn decode<'a>(charset: Option<&str>, octets: &'a [u8]) -> Cow<'a, str> {
    match charset.and_then(Charset::named) {
        Some(Charset::Utf8) => String::from_utf8_lossy(octets),
        Some(charset) if charset != Charset::Ascii => charset.decode(octets),
        _ => guess(octets),
    }
}

fn guess(octets: &[u8]) -> Cow<'_, str> {
    if iso2022::is_likely(octets) {
        return iso2022::decode(octets, None).into();
    }
    match std::str::from_utf8(octets) {
        Ok(text) => text.into(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

impl Charset {
    fn decode<'a>(&self, octets: &'a [u8]) -> Cow<'a, str> {
        match self {
            Self::Utf8 | Self::Ascii => guess(octets),
            Self::Library(encoding) => encoding.decode_without_bom_handling(octets).0,
            Self::Utf7 => match charset::Charset::for_label(b"utf-7") {
                Some(utf7) => utf7.decode(octets).0,
                None => guess(octets),
            },
            Self::Utf16(order) => wide::utf16(octets, *order),
            Self::Utf32(order) => wide::utf32(octets, *order).into(),
            Self::Iso2022(g1) => iso2022::decode(octets, *g1).into(),
            Self::Hz => hz::decode(octets).into(),
            Self::Johab => johab::decode(octets).into(),
            Self::Oem(table) => table.decode_string_lossy(octets).into(),
        }
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
