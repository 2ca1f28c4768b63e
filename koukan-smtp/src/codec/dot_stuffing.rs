//! Dot-stuffs a message that follows DATA.

use bytes::{Buf, Bytes};

/// Dot-stuffs a message that arrives in chunks, without copying it.
///
/// *Shape*: takes the message as it is, with CRLF line ends. Gives pieces to be written one after
/// the other: slices of the chunks, and single dots. A bare CR or LF counts as a line end too, so
/// that no server finds the end of the message in the wrong place.
///
/// *Source*: RFC 5321 section 4.5.2.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use koukan_smtp::codec::DotStuffing;
///
/// let mut stuffing = DotStuffing::default();
/// let mut chunk = Bytes::from_static(b".a\r\n..");
/// let mut wire = Vec::new();
/// while let Some(piece) = stuffing.next_piece(&mut chunk) {
///     wire.extend_from_slice(&piece);
/// }
/// wire.extend_from_slice(stuffing.end());
/// assert_eq!(wire, b"..a\r\n...\r\n.\r\n");
/// ```
#[derive(Debug, Clone)]
pub struct DotStuffing {
    /// Whether a dot, if it comes next, must be doubled.
    is_line_start: bool,
    last: Last,
}

/// The last octets that have passed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Last {
    /// CRLF, or nothing so far.
    LineEnd,
    Cr,
    Other,
}

impl Default for DotStuffing {
    fn default() -> Self {
        Self {
            is_line_start: true,
            last: Last::LineEnd,
        }
    }
}

impl DotStuffing {
    /// Takes the next piece to write off the front of `chunk`; `None` when it is used up.
    pub fn next_piece(&mut self, chunk: &mut Bytes) -> Option<Bytes> {
        let first = *chunk.first()?;
        if first == b'.' && self.is_line_start {
            self.is_line_start = false;
            return Some(Bytes::from_static(b"."));
        }
        let is_at_line_start = |&dot: &usize| matches!(chunk[dot - 1], b'\r' | b'\n');
        let next_dot = memchr::memchr_iter(b'.', &chunk[1..])
            .map(|position| position + 1)
            .find(is_at_line_start);
        let piece = match next_dot {
            Some(position) => chunk.split_to(position),
            None => chunk.split_to(chunk.remaining()),
        };
        self.note_end_of(&piece);
        Some(piece)
    }

    /// What ends the message on the wire: the final dot, on a line of its own.
    pub fn end(&self) -> &'static [u8] {
        match self.last {
            Last::LineEnd => b".\r\n",
            Last::Cr | Last::Other => b"\r\n.\r\n",
        }
    }

    fn note_end_of(&mut self, piece: &[u8]) {
        self.last = match piece {
            [.., b'\r', b'\n'] => Last::LineEnd,
            [b'\n'] if self.last == Last::Cr => Last::LineEnd,
            [.., b'\r'] => Last::Cr,
            _ => Last::Other,
        };
        self.is_line_start = matches!(piece, [.., b'\r' | b'\n']);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stuff(chunks: &[&[u8]]) -> Vec<u8> {
        let mut stuffing = DotStuffing::default();
        let mut wire = Vec::new();
        for chunk in chunks {
            let mut chunk = Bytes::copy_from_slice(chunk);
            while let Some(piece) = stuffing.next_piece(&mut chunk) {
                wire.extend_from_slice(&piece);
            }
        }
        wire.extend_from_slice(stuffing.end());
        wire
    }

    /// Octet by octet, as RFC 5321 defines it.
    fn stuff_naively(message: &[u8]) -> Vec<u8> {
        let mut wire = b"\r\n".to_vec();
        for &octet in message {
            if octet == b'.' && matches!(wire.last(), Some(b'\r' | b'\n')) {
                wire.push(b'.');
            }
            wire.push(octet);
        }
        if !wire.ends_with(b"\r\n") {
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
        wire.split_off(2)
    }

    #[test]
    fn stuffs_and_ends() {
        for (message, wire) in [
            ("", ".\r\n"),
            (".", "..\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a.b\r\n.c\r\n", "a.b\r\n..c\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r", "a\r\r\n.\r\n"),
            ("a\n", "a\n\r\n.\r\n"),
            ("a\n.\n", "a\n..\n\r\n.\r\n"),
            ("a\r.\r", "a\r..\r\r\n.\r\n"),
        ] {
            let stuffed = String::from_utf8(stuff(&[message.as_bytes()])).unwrap();
            assert_eq!(stuffed, wire, "{message:?}");
        }
    }

    #[test]
    fn copies_nothing() {
        let mut chunk = Bytes::from_static(b"ab\r\n.cd");
        let start = chunk.as_ptr();
        let mut stuffing = DotStuffing::default();
        let piece = stuffing.next_piece(&mut chunk).unwrap();
        assert_eq!(piece.as_ptr(), start);
        assert_eq!(stuffing.next_piece(&mut chunk).unwrap(), ".");
        let piece = stuffing.next_piece(&mut chunk).unwrap();
        assert_eq!(piece, ".cd");
        assert_eq!(piece.as_ptr(), start.wrapping_add(4));
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(
            chunks in prop::collection::vec("[.a\r\n]{0,6}", 0..8),
        ) {
            let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
            prop_assert_eq!(stuff(&chunks), stuff_naively(&chunks.concat()));
        }

        #[test]
        fn the_end_is_seen_once(message in "[.a\r\n]{0,24}") {
            let wire = stuff(&[message.as_bytes()]);
            let framed = [b"\r\n", &wire[..]].concat();
            let end = memchr::memmem::find(&framed, b"\r\n.\r\n");
            prop_assert_eq!(end, Some(framed.len() - 5));
        }
    }
}
