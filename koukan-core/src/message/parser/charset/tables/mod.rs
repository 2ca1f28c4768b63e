//! Charsets that need tables, with the feature `charsets`.
//!
//! Three libraries cover most of them: `encoding_rs` those of browsers, `charset` UTF-7, `oem_cp`
//! the code pages of DOS. This module decodes what none of them does:
//!
//! - ISO-2022 in all its forms. `encoding_rs` supports only ISO-2022-JP, and inserts U+FFFD between
//!   two consecutive escape sequences, which occur where encoded words are joined. The characters
//!   themselves are looked up in `encoding_rs`.
//! - HZ and Johab, which are other encodings of the characters of GBK and of EUC-KR.
//! - Names: mail uses many that browsers do not know, such as `cp949` or `latin-1`.

mod hz;
mod iso2022;
mod johab;
mod name;

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};
use oem_cp::code_table_type::TableType;

use self::iso2022::Set;

/// A charset that needs a table.
#[derive(Debug, Clone)]
pub(in super::super) enum Table {
    Library(&'static Encoding),
    Utf7,
    /// The set that SO selects if no escape sequence does.
    Iso2022(Option<Set>),
    Hz,
    Johab,
    Oem(&'static TableType),
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Library(one), Self::Library(other)) => one == other,
            (Self::Oem(one), Self::Oem(other)) => std::ptr::eq(*one, *other),
            (Self::Iso2022(one), Self::Iso2022(other)) => one == other,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

impl Table {
    pub(super) fn decode<'a>(&self, octets: &'a [u8]) -> Cow<'a, str> {
        match self {
            Self::Library(encoding) => encoding.decode_without_bom_handling(octets).0,
            Self::Utf7 => match charset::Charset::for_label(b"utf-7") {
                Some(utf7) => utf7.decode(octets).0,
                None => super::guess(octets),
            },
            Self::Iso2022(g1) => iso2022::decode(octets, *g1).into(),
            Self::Hz => hz::decode(octets).into(),
            Self::Johab => johab::decode(octets).into(),
            Self::Oem(table) => table.decode_string_lossy(octets).into(),
        }
    }

    /// Whether each encoded word is a text of its own, whatever precedes it.
    pub(in super::super) fn stands_alone(&self) -> bool {
        // Base64 in UTF-7 ends with the word, even without a `-`.
        *self == Self::Utf7
    }
}

/// The text of octets that are pure ISO-2022, although no charset was declared.
pub(super) fn unsaid(octets: &[u8]) -> Option<String> {
    iso2022::is_likely(octets).then(|| iso2022::decode(octets, None))
}

/// The text of octets in windows-1252.
pub(super) fn windows_1252(octets: &[u8]) -> Cow<'_, str> {
    WINDOWS_1252.decode_without_bom_handling(octets).0
}

/// The octets from which [`windows_1252`] made that text.
pub(in super::super) fn to_windows_1252(text: &str) -> Vec<u8> {
    WINDOWS_1252.encode(text).0.into_owned()
}
