//! Writes log lines, and counts those that cannot be written.

use std::{
    io::{self, ErrorKind, Write},
    mem, thread,
    time::Duration,
};

/// The pause before the next write to a file that is full and does not block.
const PAUSE: Duration = Duration::from_millis(10);

/// Where lines are written to. Each line arrives whole or not at all, unless a write fails in its middle: then the next
/// line begins on a line of its own.
pub(super) struct Output<W> {
    to: W,
    /// Whether the last octet that was written ended no line.
    is_within_line: bool,
    /// Whether the line whose beginning was written last is cut there.
    is_cut: bool,
    /// Whether what comes next is the rest of a line that is lost.
    is_rest_lost: bool,
    lost: u64,
    error: Option<io::Error>,
}

impl<W: Write> Output<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            is_within_line: false,
            is_cut: false,
            is_rest_lost: false,
            lost: 0,
            error: None,
        }
    }

    /// Writes octets of lines; the last line may go on with the next call. What cannot be written is lost.
    ///
    /// Returns how many lines were lost before, and why, once lines can be written again.
    pub(super) fn write(&mut self, mut octets: &[u8]) -> Option<(u64, io::Error)> {
        if self.is_rest_lost {
            let end = octets.iter().position(|octet| *octet == b'\n')?;
            octets = &octets[end + 1..];
            self.is_rest_lost = false;
            self.lost += 1;
        }
        if octets.is_empty() {
            return None;
        }
        if self.is_cut && self.write_some(b"\n") == 0 {
            self.lose(octets);
            return None;
        }
        self.is_cut = false;
        let written = self.write_some(octets);
        if written < octets.len() {
            self.is_cut = self.is_within_line;
            self.lose(&octets[written..]);
            return None;
        }
        let error = self.error.take()?;
        Some((mem::take(&mut self.lost), error))
    }

    fn lose(&mut self, octets: &[u8]) {
        let ends = octets.iter().filter(|octet| **octet == b'\n');
        self.lost += ends.count() as u64;
        self.is_rest_lost = octets.last() != Some(&b'\n');
    }

    /// Writes the octets. Returns how many of them are written.
    fn write_some(&mut self, octets: &[u8]) -> usize {
        let mut done = 0;
        while done < octets.len() {
            match self.to.write(&octets[done..]) {
                Ok(0) => {
                    self.error = Some(ErrorKind::WriteZero.into());
                    break;
                }
                Ok(written) => done += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        if let Some(last) = octets[..done].last() {
            self.is_within_line = *last != b'\n';
            let _ = self.to.flush();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file on a medium with that much room.
    struct Medium {
        octets: Vec<u8>,
        room: usize,
    }

    impl Write for Medium {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let fits = octets.len().min(self.room);
            if fits == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= fits;
            self.octets.extend_from_slice(&octets[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written, and how many lines are told to be lost, where the room for each piece is given.
    fn written(pieces: &[(&str, usize)]) -> (String, u64) {
        let mut medium = Medium {
            octets: Vec::new(),
            room: 0,
        };
        let mut output = Output::new(&mut medium);
        let mut told = 0;
        for (piece, room) in pieces {
            output.to.room = *room;
            if let Some((lost, error)) = output.write(piece.as_bytes()) {
                assert_eq!(error.kind(), ErrorKind::StorageFull);
                told += lost;
            }
        }
        (String::from_utf8(medium.octets).unwrap(), told)
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_none_goes_on_in_another() {
        for (pieces, text, lost) in [
            (&[("a\nb\n", 9), ("c\n", 9)][..], "a\nb\nc\n", 0),
            // Lines may be divided among pieces.
            (&[("a\nb", 9), ("b\nc\n", 9)], "a\nbb\nc\n", 0),
            // The medium is full from the beginning, or between lines.
            (&[("a\nb\n", 0), ("c\n", 9)], "c\n", 2),
            (&[("a\nb\n", 2), ("c\n", 9)], "a\nc\n", 1),
            // … or within a line.
            (&[("a\nbbb\nc\n", 3), ("d\n", 9)], "a\nb\nd\n", 2),
            (&[("aaa\n", 2), ("b\n", 0), ("c\n", 9)], "aa\nc\n", 2),
            // There is room for the end of the cut line alone.
            (&[("aaa\n", 2), ("b\n", 1), ("c\n", 9)], "aa\nc\n", 2),
            // … or the lost line goes on in the next pieces.
            (&[("a\nbbb", 3), ("bb", 9), ("b\nc\n", 9)], "a\nb\nc\n", 1),
            (&[("a\nb", 2), ("b\n", 9), ("c\n", 9)], "a\nc\n", 1),
        ] {
            assert_eq!(written(pieces), (text.to_owned(), lost), "{pieces:?}");
        }
    }

    #[test]
    fn what_is_lost_is_told_once_and_only_when_lines_are_written_again() {
        let mut medium = Medium {
            octets: Vec::new(),
            room: 0,
        };
        let mut output = Output::new(&mut medium);
        for _ in 0..3 {
            assert!(output.write(b"a\n").is_none());
        }
        output.to.room = 9;
        assert_eq!(output.write(b"a\n").map(|(lost, _)| lost), Some(3));
        assert!(output.write(b"a\n").is_none());
    }
}
