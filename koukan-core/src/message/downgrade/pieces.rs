//! Lines, cut where they are long.

use memchr::memmem;

/// Octets of a piece, at most: as many as a line may have without its end, by RFC 5322 section 2.1.1.
const PIECE_MAX: usize = 998;

/// A line, or a part of one that is longer than lines may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Without the line end.
    pub(super) octets: &'a [u8],
    /// Whether the line begins with it.
    pub(super) is_start: bool,
    /// Whether a line end, CRLF, follows.
    pub(super) is_end: bool,
}

impl Piece<'_> {
    /// Whether it makes the line longer than lines may be.
    pub(super) fn is_beyond(&self) -> bool {
        !self.is_start && !self.octets.is_empty()
    }
}

/// Cuts octets that begin in a line, or with one, into pieces: the same however they came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces<'a> {
    rest: &'a [u8],
    is_start: bool,
    /// Nothing comes after them.
    is_all: bool,
}

impl<'a> Pieces<'a> {
    /// The octets begin a line if that is said.
    pub(super) fn of(octets: &'a [u8], is_start: bool) -> Self {
        Self {
            rest: octets,
            is_start,
            is_all: false,
        }
    }

    /// There are no others.
    pub(super) fn all(self) -> Self {
        Self {
            is_all: true,
            ..self
        }
    }

    /// What cannot be cut before more has come.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether that begins a line.
    pub(super) fn is_start(&self) -> bool {
        self.is_start
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        // A CR at the end of a piece is no line end: what follows it is looked at.
        let looked_at = &self.rest[..self.rest.len().min(PIECE_MAX + 2)];
        let (len, is_end) = match memmem::find(looked_at, b"\r\n") {
            Some(end) => (end, true),
            None if looked_at.len() == PIECE_MAX + 2 => (PIECE_MAX, false),
            None if self.is_all && !self.rest.is_empty() => (self.rest.len().min(PIECE_MAX), false),
            None => return None,
        };
        let (octets, rest) = self.rest.split_at(len);
        self.rest = if is_end { &rest[2..] } else { rest };
        let is_start = std::mem::replace(&mut self.is_start, is_end);
        Some(Piece {
            octets,
            is_start,
            is_end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_and_others_are_not() {
        let (fits, long) = ("x".repeat(PIECE_MAX), "x".repeat(PIECE_MAX + 1));
        for (octets, expected) in [
            (String::new(), vec![]),
            (
                "a\r\n\r\nb".into(),
                vec![(1, true, true), (0, true, true), (1, true, false)],
            ),
            (format!("{fits}\r\n"), vec![(PIECE_MAX, true, true)]),
            (
                format!("{long}\r\n"),
                vec![(PIECE_MAX, true, false), (1, false, true)],
            ),
            (long, vec![(PIECE_MAX, true, false), (1, false, false)]),
            ("a\rb\nc\r".into(), vec![(6, true, false)]),
        ] {
            let found = Pieces::of(octets.as_bytes(), true).all();
            let found: Vec<_> = found
                .map(|piece| (piece.octets.len(), piece.is_start, piece.is_end))
                .collect();
            assert_eq!(found, expected, "{octets:?}");
        }
    }
}
