//! Collects the header section of a message as it passes.

use memchr::memmem;

/// The largest header section that is kept, in octets.
pub const HEADER_MAX: usize = 512 << 10;

/// The length of two line ends: the end of the last field, and an empty line.
const EMPTY_LINE: usize = 4;

/// Keeps the header section of a message that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Section {
    octets: Vec<u8>,
    is_complete: bool,
    is_too_long: bool,
}

impl Section {
    /// Takes the octets of the header section. Returns those that belong to the body.
    pub(crate) fn take<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        if self.is_complete {
            return piece;
        }
        // The two line ends that end the section may be split between two pieces.
        let from = self.octets.len().saturating_sub(3);
        let before = self.octets.len();
        let room = (HEADER_MAX + EMPTY_LINE).saturating_sub(before);
        self.octets
            .extend_from_slice(&piece[..room.min(piece.len())]);
        let is_empty = self.octets.starts_with(b"\r\n");
        let (kept, end) = match memmem::find(&self.octets[from..], b"\r\n\r\n") {
            _ if is_empty => (0, 2),
            Some(at) => (from + at + 2, from + at + 4),
            None => {
                self.is_too_long = self.octets.len() == HEADER_MAX + EMPTY_LINE;
                // A section that is too long is of no use: the rest need not be looked at.
                self.is_complete = self.is_too_long;
                return &[];
            }
        };
        self.octets.truncate(kept);
        self.octets.shrink_to_fit();
        self.is_complete = true;
        self.is_too_long = kept > HEADER_MAX;
        &piece[end - before..]
    }

    /// Whether the body has begun.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The fields, each with its CRLF, which the last one may lack. `None` where the section is too
    /// long.
    pub(crate) fn octets(&self) -> Option<&[u8]> {
        (!self.is_too_long).then_some(&self.octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_first_empty_line() {
        for (message, section, body) in [
            (
                "A: 1\r\nB: 2\r\n\r\nx\r\n\r\ny",
                "A: 1\r\nB: 2\r\n",
                "x\r\n\r\ny",
            ),
            ("A: 1\r\n\r\n", "A: 1\r\n", ""),
            ("A: 1\r\n", "A: 1\r\n", ""),
            ("A: 1", "A: 1", ""),
            ("\r\nx", "", "x"),
            ("\r\n\r\nx", "", "\r\nx"),
            ("", "", ""),
            ("A: 1\n\nB: 2\r\n\r\nx", "A: 1\n\nB: 2\r\n", "x"),
        ] {
            for step in [1, 2, 3, 4, 100] {
                let (mut kept, mut rest) = (Section::default(), Vec::new());
                for piece in message.as_bytes().chunks(step) {
                    rest.extend_from_slice(kept.take(piece));
                }
                let found = (kept.octets().unwrap(), &*rest);
                assert_eq!(
                    found,
                    (section.as_bytes(), body.as_bytes()),
                    "{message:?} by {step}"
                );
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let mut kept = Section::default();
        let line = vec![b'x'; HEADER_MAX / 2];
        let passed = [0; 4].map(|_| kept.take(&line).len());
        assert_eq!(passed, [0, 0, 0, line.len()]);
        assert!(kept.octets().is_none());
        assert!(kept.octets.len() <= HEADER_MAX + 4);
        // The longest permitted section, and one octet more.
        for (length, is_kept) in [(HEADER_MAX, true), (HEADER_MAX + 1, false)] {
            let line = "x".repeat(length - 2);
            let message = format!("{line}\r\n\r\nbody");
            for step in [997, message.len()] {
                let mut kept = Section::default();
                message.as_bytes().chunks(step).for_each(|piece| {
                    kept.take(piece);
                });
                assert_eq!(kept.octets().map(<[u8]>::len), is_kept.then_some(length));
            }
        }
        // A message in one piece is not kept because of its header section.
        let mut kept = Section::default();
        let message = format!("A: 1\r\n\r\n{}", "x".repeat(HEADER_MAX));
        kept.take(message.as_bytes());
        assert!(kept.octets.capacity() < 100);
    }
}
