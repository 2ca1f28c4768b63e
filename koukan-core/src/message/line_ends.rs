//! Line ends of messages that did not come by SMTP.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr2_iter;

/// Changes every line end to CRLF: each bare LF and each bare CR becomes one.
///
/// Messages out of files and programs often have bare LF; on the wire every line ends with CRLF
/// (RFC 5321 section 2.3.8).
///
/// *Shape*: takes and returns chunks cut anywhere. A CR at the end of a chunk is held back until
/// the next octet is known.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use koukan_core::message::line_ends::LineEnds;
///
/// let mut ends = LineEnds::new();
/// assert_eq!(ends.normalize(Bytes::from("one\ntwo\r")), "one\r\ntwo");
/// assert_eq!(ends.normalize(Bytes::from("\nthree")), "\r\nthree");
/// assert!(ends.has_changed());
/// assert_eq!(ends.finish(), "");
/// ```
#[derive(Debug, Clone, Default)]
pub struct LineEnds {
    has_cr: bool,
    has_changed: bool,
}

impl LineEnds {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether something was changed so far. If not, the octets are those that came in, except for
    /// a CR that is held back.
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }

    /// Corrects the line ends of a chunk; without a copy where they are correct.
    pub fn normalize(&mut self, chunk: Bytes) -> Bytes {
        if chunk.is_empty() {
            return chunk;
        }
        if !self.has_cr && is_clean(&chunk) {
            return chunk;
        }
        let mut fixed = BytesMut::with_capacity(chunk.len() + chunk.len() / 32 + 2);
        let mut start = 0;
        if self.has_cr {
            fixed.put_slice(b"\r\n");
            start = usize::from(chunk[0] == b'\n');
            self.has_changed |= start == 0;
            self.has_cr = false;
        }
        for at in memchr2_iter(b'\r', b'\n', &chunk) {
            if at < start {
                continue;
            }
            fixed.put_slice(&chunk[start..at]);
            start = at + 1;
            if chunk[at] == b'\r' {
                match chunk.get(start) {
                    None => {
                        self.has_cr = true;
                        break;
                    }
                    Some(b'\n') => start += 1,
                    Some(_) => self.has_changed = true,
                }
            } else {
                self.has_changed = true;
            }
            fixed.put_slice(b"\r\n");
        }
        fixed.put_slice(&chunk[start..]);
        fixed.freeze()
    }

    /// The octets that were held back, at the end of the message.
    pub fn finish(self) -> Bytes {
        if self.has_cr {
            Bytes::from_static(b"\r\n")
        } else {
            Bytes::new()
        }
    }
}

/// Whether every line end is CRLF, and no CR stands at the end.
fn is_clean(chunk: &[u8]) -> bool {
    let mut after_cr = None;
    for at in memchr2_iter(b'\r', b'\n', chunk) {
        if chunk[at] == b'\r' {
            if chunk.get(at + 1) != Some(&b'\n') {
                return false;
            }
            after_cr = Some(at + 1);
        } else if after_cr != Some(at) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalize(chunks: &[&[u8]]) -> Vec<u8> {
        let mut line_ends = LineEnds::new();
        let mut fixed = Vec::new();
        for chunk in chunks {
            fixed.extend_from_slice(&line_ends.normalize(Bytes::copy_from_slice(chunk)));
        }
        fixed.extend_from_slice(&line_ends.finish());
        fixed
    }

    #[test]
    fn every_line_end_becomes_crlf() {
        for (message, fixed) in [
            ("", ""),
            ("a", "a"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\rb\r", "a\r\nb\r\n"),
            ("\n\n\r\r\r\n", "\r\n\r\n\r\n\r\n\r\n"),
            ("\r\n\n", "\r\n\r\n"),
        ] {
            assert_eq!(normalize(&[message.as_bytes()]), fixed.as_bytes());
        }
    }

    #[test]
    fn chunks_do_not_matter() {
        let message = b"a\r\n\r\nb\nc\r\r\nd\n\r\n\re\r";
        let whole = normalize(&[message]);
        for first in 0..=message.len() {
            for second in first..=message.len() {
                let (head, rest) = message.split_at(first);
                let (middle, tail) = rest.split_at(second - first);
                assert_eq!(normalize(&[head, middle, tail]), whole);
            }
        }
        let single: Vec<_> = message.chunks(1).collect();
        assert_eq!(normalize(&single), whole);
    }

    #[test]
    fn what_was_right_is_unchanged_wherever_it_is_cut() {
        for (message, has_changed) in [
            ("a\r\nb\r\n", false),
            ("a\r\nb\r", false),
            ("a\nb", true),
            ("a\rb", true),
            ("\r\r\n", true),
        ] {
            for cut in 0..=message.len() {
                let mut line_ends = LineEnds::new();
                let (head, rest) = message.split_at(cut);
                for chunk in [head, rest] {
                    line_ends.normalize(Bytes::copy_from_slice(chunk.as_bytes()));
                }
                assert_eq!(line_ends.has_changed(), has_changed, "{message:?} at {cut}");
            }
        }
    }

    #[test]
    fn what_is_right_is_not_copied() {
        let chunk = Bytes::from_static(b"a\r\nb\r\n");
        let same = LineEnds::new().normalize(chunk.clone());
        assert_eq!(same.as_ptr(), chunk.as_ptr());
    }
}
