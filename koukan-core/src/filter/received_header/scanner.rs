//! Counts the `Received` fields of a header section that comes in chunks.

use memchr::memchr;

const NAME: &[u8] = b"received";

/// A counter that goes on from chunk to chunk.
#[derive(Debug)]
pub(super) struct Scanner {
    at: At,
    /// How many more fields are permitted.
    left: usize,
}

/// There are more fields than permitted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// After this many octets of a line, all of which match the name.
    Name(usize),
    /// After a CR that starts a line.
    Cr,
    /// Within any other line.
    Line,
    /// After the header section.
    End,
}

impl Scanner {
    pub(super) fn new(max: usize) -> Self {
        Self {
            at: At::Name(0),
            left: max,
        }
    }

    /// Whether the header section has ended.
    pub(super) fn is_done(&self) -> bool {
        self.at == At::End
    }

    /// Goes on with a chunk.
    pub(super) fn scan(&mut self, mut octets: &[u8]) -> Result<(), TooMany> {
        while let Some((&octet, rest)) = octets.split_first() {
            self.at = match (self.at, octet) {
                (At::End, _) => return Ok(()),
                (At::Line, _) => match memchr(b'\n', octets) {
                    Some(line_end) => {
                        octets = &octets[line_end + 1..];
                        self.at = At::Name(0);
                        continue;
                    }
                    None => return Ok(()),
                },
                (At::Name(0) | At::Cr, b'\n') => At::End,
                (At::Name(0), b'\r') => At::Cr,
                (At::Name(_), b'\n') => At::Name(0),
                // Blanks before the colon are an obsolete form: RFC 5322 section 4.5.8.
                (At::Name(matched), b' ' | b'\t') if matched == NAME.len() => self.at,
                (At::Name(matched), b':') if matched == NAME.len() => {
                    self.left = self.left.checked_sub(1).ok_or(TooMany)?;
                    At::Line
                }
                (At::Name(matched), octet)
                    if NAME.get(matched) == Some(&octet.to_ascii_lowercase()) =>
                {
                    At::Name(matched + 1)
                }
                (At::Name(_) | At::Cr, _) => At::Line,
            };
            octets = rest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(message: &str) -> usize {
        let is_fine = |max: &usize| Scanner::new(*max).scan(message.as_bytes()).is_ok();
        (0..).find(is_fine).expect("a message is finite")
    }

    #[test]
    fn counts_received_fields_of_the_header_section() {
        for (expected, message) in [
            (0, ""),
            (0, "\r\nReceived: x\r\n"),
            (0, "\nReceived: x\r\n"),
            (1, "Received: x\r\n\r\nReceived: x\r\n"),
            (1, "received:x"),
            (1, "RECEIVED \t: x\r\n"),
            (0, "Received\r\n: x\r\n"),
            (0, "Received-SPF: pass\r\nX-Received: x\r\nReceive: x\r\n"),
            (
                2,
                "Received: x\r\n Received: folded\r\nSubject: a\r\nReceived: y\r\n",
            ),
            (1, "\rx\r\nReceived: x\r\n"),
            (2, "Received: x\nReceived: y\n\nReceived: z\n"),
        ] {
            assert_eq!(count(message), expected, "{message:?}");
        }
    }

    #[test]
    fn chunk_boundaries_do_not_matter() {
        let message = b"Received: x\r\n y\r\nreceived : z\r\nX: Received: n\r\n\r\nReceived: b\r\n";
        for chunk in 1..message.len() {
            for (max, fits) in [(1, false), (2, true)] {
                let mut scanner = Scanner::new(max);
                let scanned = message
                    .chunks(chunk)
                    .try_for_each(|chunk| scanner.scan(chunk));
                assert_eq!(scanned.is_ok(), fits, "chunks of {chunk}");
                assert_eq!(scanner.is_done(), fits);
            }
        }
    }
}
