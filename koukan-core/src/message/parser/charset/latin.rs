//! The only charset besides Unicode that is read without the feature `charsets`: windows-1252, which
//! is also used for ISO-8859-1.

use std::borrow::Cow;

/// The characters that replace the control characters of ISO-8859-1, from 0x80 on.
const UPPER: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
    '\u{2021}', //
    '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', //
    '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
    '\u{2014}', //
    '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
    '\u{178}', //
];

/// windows-1252.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Table;

impl Table {
    /// The charset with that name.
    pub(super) fn named(_name: &str, key: &str) -> Option<Self> {
        let names = [
            "windows1252",
            "cp1252",
            "1252",
            "win1252",
            "msansi",
            "iso88591",
            "88591",
            "isolatin1",
            "latin1",
            "l1",
            "csisolatin1",
            "isoir100",
            "cp819",
            "ibm819",
            "iso885911987",
        ];
        names.contains(&key).then_some(Self)
    }

    pub(super) fn decode<'a>(&self, octets: &'a [u8]) -> Cow<'a, str> {
        windows_1252(octets)
    }

    /// Whether each encoded word is a text of its own, whatever precedes it.
    pub(in super::super) fn stands_alone(&self) -> bool {
        false
    }
}

/// Text that is not UTF-8 is read as windows-1252.
pub(super) fn unsaid(_octets: &[u8]) -> Option<String> {
    None
}

/// The text of octets in windows-1252.
pub(super) fn windows_1252(octets: &[u8]) -> Cow<'_, str> {
    let char = |octet: &u8| match octet {
        0x80..=0x9f => UPPER[usize::from(octet - 0x80)],
        octet => char::from(*octet),
    };
    octets.iter().map(char).collect()
}

/// The octets from which [`windows_1252`] made that text.
pub(in super::super) fn to_windows_1252(text: &str) -> Vec<u8> {
    let octet = |char| match UPPER.iter().position(|upper| *upper == char) {
        Some(at) => 0x80 + at as u8,
        None => u8::try_from(char).unwrap_or(b'?'),
    };
    text.chars().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_octet_is_what_the_library_says() {
        let all: Vec<u8> = (0..=255).collect();
        let text = windows_1252(&all);
        assert_eq!(text, super::super::tables::windows_1252(&all));
        assert_eq!(to_windows_1252(&text), all);
        assert_eq!(Table.decode(b"\x80 \xfc"), "€ ü");
        assert_eq!(unsaid(b"\x1b$B$\"\x1b(B"), None);
    }

    /// Names of Latin charsets work without the tables; others do not.
    #[test]
    fn the_names_are_those_that_the_library_knows() {
        for name in [
            "windows-1252",
            "cp1252",
            "ISO-8859-1",
            "latin1",
            "l1",
            "cp819",
            "iso_8859-1:1987",
        ] {
            let key = super::super::key(name);
            assert!(Table::named(name, &key).is_some(), "{name}");
            let library = super::super::tables::Table::named(name, &key);
            assert!(
                library.is_some_and(|library| library.decode(b"\x80") == "€"),
                "{name}"
            );
        }
        for name in ["koi8-r", "iso-8859-2", "utf-7"] {
            let key = super::super::key(name);
            assert!(Table::named(name, &key).is_none(), "{name}");
            assert!(!Table.stands_alone());
        }
    }
}
