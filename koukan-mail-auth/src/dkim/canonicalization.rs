//! Canonical forms of header fields: RFC 6376 section 3.4.

use super::fields::Field;

/// The canonical form: how much of a message may change on its way before the signature breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Canonicalization {
    /// Only empty lines at the end of the body.
    Simple,
    /// Also the amount of white space, the folding of fields, and the case of their names.
    #[default]
    Relaxed,
}

impl Canonicalization {
    /// Its name in a signature.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        }
    }

    /// Adds the canonical form of a field, without the CRLF that ends it.
    pub(crate) fn add_field(self, field: &Field<'_>, to: &mut Vec<u8>) {
        match self {
            Self::Simple => to.extend_from_slice(field.octets),
            Self::Relaxed => {
                let name = field.name().trim_ascii_end();
                to.extend(name.iter().map(u8::to_ascii_lowercase));
                to.push(b':');
                add_relaxed(field.value(), to);
            }
        }
    }
}

/// The value on one line, each run of white space as one blank, with none at either end.
fn add_relaxed(value: &[u8], to: &mut Vec<u8>) {
    let (start, mut has_blank) = (to.len(), false);
    let mut octets = value.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match octet {
            b' ' | b'\t' => has_blank = true,
            b'\r' if octets.next_if_eq(&b'\n').is_some() => {}
            octet => {
                if has_blank && to.len() > start {
                    to.push(b' ');
                }
                has_blank = false;
                to.push(octet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fields::fields, *};

    /// RFC 6376 section 3.4.5.
    #[test]
    fn the_example_of_the_standard() {
        let section = b"A: X\r\nB : Y\t\r\n\tZ  \r\n";
        let form = |how: Canonicalization| {
            let mut all = Vec::new();
            for field in fields(section) {
                how.add_field(&field, &mut all);
                all.extend_from_slice(b"\r\n");
            }
            String::from_utf8(all).unwrap()
        };
        assert_eq!(form(Canonicalization::Relaxed), "a:X\r\nb:Y Z\r\n");
        assert_eq!(
            form(Canonicalization::Simple),
            "A: X\r\nB : Y\t\r\n\tZ  \r\n"
        );
    }

    #[test]
    fn only_blanks_and_folds_go() {
        for (value, relaxed) in [
            ("", ""),
            ("  \r\n \r\n\t", ""),
            (" a\rb ", "a\rb"),
            ("a\r\nb", "ab"),
            ("a \r\n b", "a b"),
            ("\r\n\ta;\r\n b", "a; b"),
            ("\u{e4}  \u{f6}", "\u{e4} \u{f6}"),
        ] {
            let mut form = Vec::new();
            add_relaxed(value.as_bytes(), &mut form);
            assert_eq!(form, relaxed.as_bytes(), "{value:?}");
        }
    }
}
