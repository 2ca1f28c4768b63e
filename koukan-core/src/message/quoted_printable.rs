//! Quoted-printable: RFC 2045 section 6.7.

use memchr::memmem;

/// The maximum number of characters in a line, without the `=` of a soft line break.
const LINE: usize = 75;

/// Encodes a text whose line ends are CRLF.
pub(super) fn encode(text: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(end) = memmem::find(rest, b"\r\n") {
        Line::default().push(&rest[..end], &mut encoded);
        encoded.push_str("\r\n");
        rest = &rest[end + 2..];
    }
    Line::default().push(rest, &mut encoded);
    encoded
}

/// A line that is encoded as it comes.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    column: usize,
    is_begun: bool,
}

impl Line {
    /// Goes on with the next octets. A blank at their end is written so that it may stand at the end of the
    /// line; so where a line is cut makes a difference to what is written, but none to what it says.
    pub(super) fn push(&mut self, octets: &[u8], encoded: &mut String) {
        for (position, octet) in octets.iter().enumerate() {
            let is_last = position + 1 == octets.len();
            // A line that begins with "From " would get a ">" in mbox files.
            let is_from = position == 0 && !self.is_begun && octets.starts_with(b"From ");
            let is_plain = match octet {
                b' ' | b'\t' => !is_last,
                b'=' => false,
                _ => octet.is_ascii_graphic() && !is_from,
            };
            let width = if is_plain { 1 } else { 3 };
            if self.column + width > LINE {
                encoded.push_str("=\r\n");
                self.column = 0;
            }
            if is_plain {
                encoded.push(char::from(*octet));
            } else {
                encoded.push_str(&format!("={octet:02X}"));
            }
            self.column += width;
        }
        self.is_begun |= !octets.is_empty();
    }
}

/// The approximate length of a text when encoded.
pub(super) fn encoded_len(text: &str) -> usize {
    let is_plain =
        |octet: u8| octet.is_ascii_graphic() && octet != b'=' || b" \t\r\n".contains(&octet);
    let width = |octet| if is_plain(octet) { 1 } else { 3 };
    let width: usize = text.bytes().map(width).sum();
    width + width / LINE * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_is_not_plain() {
        for (text, expected) in [
            ("", ""),
            ("a b\r\n", "a b\r\n"),
            ("a \r\n\t", "a=20\r\n=09"),
            ("1=2\0", "1=3D2=00"),
            ("ü", "=C3=BC"),
            ("From me\r\nFrom", "=46rom me\r\nFrom"),
        ] {
            assert_eq!(encode(text.as_bytes()), expected);
        }
    }

    #[test]
    fn lines_are_short() {
        for text in ["x".repeat(500), "ü".repeat(500), "x ".repeat(500)] {
            let encoded = encode(text.as_bytes());
            assert!(encoded.lines().all(|line| line.len() <= 76), "{encoded}");
            assert!(!encoded.contains(" \r\n"), "{encoded}");
        }
    }
}
