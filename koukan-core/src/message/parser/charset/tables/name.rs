//! The names of charsets that have tables.

use std::sync::LazyLock;

use encoding_rs::Encoding;
use oem_cp::{code_table::DECODING_TABLE_CP_MAP, code_table_type::TableType};

use super::{Table, iso2022::Set};

impl Table {
    /// The charset with that name, in any spelling; `key` is the name without insignificant
    /// characters.
    pub(in super::super) fn named(name: &str, key: &str) -> Option<Self> {
        known(key)
            .or_else(|| Self::label(name))
            .or_else(|| alias(key))
            .or_else(|| Self::label(&name.replace('-', "_")))
            .or_else(|| code_page(key))
            .or_else(|| iso_8859(key))
    }

    fn label(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.as_bytes()).map(Self::Library)
    }
}

/// Charsets that `encoding_rs` does not know, or decodes differently from what mail needs.
fn known(key: &str) -> Option<Table> {
    Some(match key {
        "utf7" | "u7" | "unicode11utf7" | "unicode20utf7" | "csutf7" | "cp65000"
        | "csunicode11utf7" => Table::Utf7,
        "hz" | "hzgb2312" | "hzgb" | "cp52936" => Table::Hz,
        "johab" | "cp1361" | "ms1361" | "windows1361" | "ksc560192" | "ksc56011992" => Table::Johab,
        "cp50220" | "cp50221" | "cp50222" => Table::Iso2022(None),
        "cp50225" => Table::Iso2022(Some(Set::Ksc5601)),
        key => {
            let family = key.strip_prefix("cs").unwrap_or(key);
            let family = family.strip_prefix("iso2022")?;
            Table::Iso2022(match family.get(..2) {
                Some("kr") => Some(Set::Ksc5601),
                Some("cn") => Some(Set::Gb2312),
                _ => None,
            })
        }
    })
}

/// Other names of charsets that `encoding_rs` knows.
fn alias(key: &str) -> Option<Table> {
    Table::label(match key {
        // Variants with more characters than the library knows are read without those.
        "mskanji" | "sjis" | "shiftjis" | "pck" | "windows31j" | "cp943" | "ibm943"
        | "shiftjis2004" | "shiftjisx0213" | "sjis2004" | "sjisx0213" | "macjapanese" => {
            "shift_jis"
        }
        "eucjp" | "eucjpms" | "ujis" | "cp51932" | "eucjisx0213" | "eucjis2004" | "jisx0213" => {
            "euc-jp"
        }
        "uhc" | "euckr" | "ksc5601" | "ksc56011987" | "ksx1001" | "korean" | "cp51949"
        | "cp970" | "mackorean" => "euc-kr",
        "euccn" | "gb2312" | "gb231280" | "gb23121980" | "gbk" | "eucgb2312cn"
        | "macsimpchinese" | "macchinesesimp" => "gbk",
        "cp54936" | "gb180302000" => "gb18030",
        "big5hkscs" | "hkscs" | "cnbig5" | "big5eten" | "big5tw" | "big5hkscs2004"
        | "mactradchinese" | "macchinesetrad" => "big5",
        "macroman" | "mac" | "applemacintosh" | "macosroman" | "cp10000" => "macintosh",
        "maccyrillic" | "macukrainian" | "cp10007" => "x-mac-cyrillic",
        "koi8" | "cskoi8" | "cp20866" | "cp878" => "koi8-r",
        "koi8ru" | "cp21866" | "cp1168" => "koi8-u",
        "tis620" | "tis6200" | "tis62025290" | "tis62025291" | "tis6202533" | "isoir166"
        | "thai" | "iso885911" => "windows-874",
        "l7" => "iso-8859-13",
        "isoceltic" | "isoir199" | "l8" => "iso-8859-14",
        "isoir203" | "l9" | "l0" => "iso-8859-15",
        "isoir226" | "l10" => "iso-8859-16",
        "elot928" => "iso-8859-7",
        "mscyrl" => "windows-1251",
        "msansi" | "cp819" | "ibm819" => "windows-1252",
        "msgreek" => "windows-1253",
        "msturk" => "windows-1254",
        "mshebr" => "windows-1255",
        "msarab" => "windows-1256",
        _ => return None,
    })
}

/// A code page by its number.
fn code_page(key: &str) -> Option<Table> {
    const PREFIXES: [&str; 13] = [
        "windows",
        "win",
        "msdos",
        "dos",
        "ibm",
        "oem",
        "cs",
        "pc",
        "ms",
        "cp",
        "8codepage",
        "codepage",
        "p",
    ];
    let mut bare = key;
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| bare.strip_prefix(prefix)) {
        bare = rest;
    }
    let digits = bare.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u16 = match bare {
        "is" => 861,
        "gr" => 869,
        // The same except for letters that only Ukrainian has.
        "ruscii" | "866u" => 866,
        _ => digits.parse().ok()?,
    };
    match number {
        932 => Table::label("shift_jis"),
        936 => Table::label("gbk"),
        949 => Table::label("euc-kr"),
        950 => Table::label("big5"),
        1125 => code_page("866"),
        1250..=1258 => Table::label(&format!("windows-{number}")),
        28591..=28606 => iso_8859(&format!("8859{}", number - 28590)),
        _ => {
            static TABLES: LazyLock<Vec<(u16, &'static TableType)>> = LazyLock::new(|| {
                let tables = DECODING_TABLE_CP_MAP.entries();
                tables.map(|(number, table)| (*number, table)).collect()
            });
            let mut tables = TABLES.iter();
            tables
                .find(|(known, _)| *known == number)
                .map(|(_, table)| Table::Oem(table))
        }
    }
}

/// ISO 8859 by the number of its part, or of its Latin alphabet.
fn iso_8859(key: &str) -> Option<Table> {
    let key = key.strip_prefix("cs").unwrap_or(key);
    let key = key.strip_prefix("iso").unwrap_or(key);
    let part = match key.strip_prefix("latin") {
        Some("0" | "9") => 15,
        Some("5") => 9,
        Some("6") => 10,
        Some("7") => 13,
        Some("8") => 14,
        Some("10") => 16,
        Some(latin) => latin.parse().ok().filter(|part| (1..=4).contains(part))?,
        None => {
            let digits = key.strip_prefix("8859")?;
            // A year may follow, or the direction of the text.
            let digits = digits.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let digits = if digits.len() > 4 {
                &digits[..digits.len() - 4]
            } else {
                digits
            };
            digits.parse::<u16>().ok()?
        }
    };
    Table::label(&format!("iso-8859-{part}"))
}
