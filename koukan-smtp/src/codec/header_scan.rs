//! Whether the header of a message is ASCII.

/// Looks for octets above 127 in the header of a message that arrives in pieces, cut anywhere.
///
/// *Shape*: the header ends with the first empty line. A message without one is all header.
///
/// *Source*: RFC 6532 section 3; a header with other octets than ASCII needs SMTPUTF8.
///
/// # Example
///
/// ```
/// use koukan_smtp::codec::HeaderScan;
///
/// let mut scan = HeaderScan::default();
/// assert!(scan.is_ascii(b"Subject: hi\r\n\r"));
/// assert!(scan.is_ascii("\ngrüß dich".as_bytes()), "that is the body");
/// assert!(!HeaderScan::default().is_ascii("Subject: grüß dich\r\n".as_bytes()));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct HeaderScan {
    place: Place,
}

/// Where in the header the next octet is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    /// After a CR at the start of a line.
    EmptyLine,
    Line,
    Body,
}

impl HeaderScan {
    /// Whether the part of the next piece that belongs to the header is ASCII.
    pub fn is_ascii(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            match (self.place, first) {
                (Place::Body, _) => return true,
                (Place::LineStart | Place::EmptyLine, b'\n') => {
                    self.place = Place::Body;
                    return true;
                }
                (Place::LineStart, b'\r') => {
                    self.place = Place::EmptyLine;
                    rest = &rest[1..];
                }
                _ => {
                    let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
                    let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
                    if !line.is_ascii() {
                        return false;
                    }
                    self.place = match end {
                        Some(_) => Place::LineStart,
                        None => Place::Line,
                    };
                    rest = after;
                }
            }
        }
        true
    }

    /// Whether the header has ended.
    pub fn is_over(&self) -> bool {
        self.place == Place::Body
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("A: b\r\n\r\nc", true, true)]
    #[case::body("A: b\r\n\r\n\u{fc}", true, true)]
    #[case::field("A: \u{fc}\r\n\r\nc", false, true)]
    #[case::name("\u{fc}: a\r\n\r\nc", false, true)]
    #[case::second_field("A: b\r\nB: \u{fc}\r\n\r\nc", false, true)]
    #[case::after_a_cr("A: b\r\n\r\u{fc}\r\n", false, false)]
    #[case::no_header("\r\n\u{fc}", true, true)]
    #[case::no_end("A: b\r\n", true, false)]
    #[case::bare_lf("A: b\n\n\u{fc}", true, true)]
    #[case::empty("", true, false)]
    fn the_header_ends_with_the_first_empty_line(
        #[case] message: &str,
        #[case] is_ascii: bool,
        #[case] is_over: bool,
    ) {
        for step in 1..=message.len().max(1) {
            let mut scan = HeaderScan::default();
            let pieces = message.as_bytes().chunks(step);
            let found = pieces.fold(true, |is, piece| is & scan.is_ascii(piece));
            assert_eq!(found, is_ascii, "{message:?} in steps of {step}");
            if is_ascii {
                assert_eq!(scan.is_over(), is_over, "{message:?} in steps of {step}");
            }
        }
    }
}
