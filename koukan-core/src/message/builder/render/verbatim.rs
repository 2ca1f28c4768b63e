//! Attached messages, which are passed on unchanged.

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// Octets of a line without its end, at most: RFC 5322 section 2.1.1.
const MAX_LINE: usize = 998;

const NUL: &str = "has a NUL: send it as application/octet-stream";
const LONG: &str = "has a line longer than 998 octets: send it as application/octet-stream";
const BOUNDARY: &str = "has the boundary of the message around it";

/// Passes a message on, with all line ends changed to CRLF, while it is valid `8bit`.
#[derive(Debug)]
pub(crate) struct Verbatim {
    /// The text that no line may begin with.
    delimiter: Bytes,
    /// How long the line is so far.
    column: usize,
    /// The line so far begins as the delimiter does.
    is_suspect: bool,
    /// The last octet was a CR, which is not passed on yet.
    is_after_cr: bool,
}

impl Verbatim {
    pub(super) fn new(boundary: &str) -> Self {
        Self {
            delimiter: format!("--{boundary}").into(),
            column: 0,
            is_suspect: true,
            is_after_cr: false,
        }
    }

    /// Passes octets on. Returns the reason if they are not permitted.
    pub(super) fn pass(&mut self, chunk: Bytes) -> Result<Bytes, &'static str> {
        if memchr(0, &chunk).is_some() {
            return Err(NUL);
        }
        let mut rest = &chunk[..];
        let mut passed = BytesMut::with_capacity(chunk.len() + chunk.len() / 32 + 2);
        while let Some(&first) = rest.first() {
            if self.is_after_cr {
                self.is_after_cr = false;
                self.end_line(&mut passed);
                if first == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            self.text(&rest[..end])?;
            passed.put_slice(&rest[..end]);
            match rest.get(end) {
                Some(b'\r') => self.is_after_cr = true,
                Some(_) => self.end_line(&mut passed),
                None => break,
            }
            rest = &rest[end + 1..];
        }
        Ok(passed.freeze())
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Result<Bytes, &'static str> {
        let was_after_cr = std::mem::take(&mut self.is_after_cr);
        Ok(Bytes::from_static(if was_after_cr { b"\r\n" } else { b"" }))
    }

    fn end_line(&mut self, passed: &mut BytesMut) {
        passed.put_slice(b"\r\n");
        self.column = 0;
        self.is_suspect = true;
    }

    fn text(&mut self, text: &[u8]) -> Result<(), &'static str> {
        if self.is_suspect {
            let expected = &self.delimiter[self.column.min(self.delimiter.len())..];
            let common = expected.len().min(text.len());
            self.is_suspect = expected[..common] == text[..common];
            if self.is_suspect && common == expected.len() {
                return Err(BOUNDARY);
            }
        }
        self.column += text.len();
        if self.column > MAX_LINE {
            return Err(LONG);
        }
        Ok(())
    }
}

/// Whether octets can be passed on in a message; the reason where they cannot.
pub(in super::super) fn check(octets: &[u8]) -> Result<(), &'static str> {
    // No boundary is as long.
    let mut verbatim = Verbatim::new(&"=".repeat(2 * MAX_LINE));
    verbatim.pass(Bytes::copy_from_slice(octets)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(text: &str, length: usize) -> Result<String, &'static str> {
        let mut verbatim = Verbatim::new("=_b");
        let mut passed = Vec::new();
        for chunk in text.as_bytes().chunks(length) {
            passed.extend_from_slice(&verbatim.pass(Bytes::copy_from_slice(chunk))?);
        }
        passed.extend_from_slice(&verbatim.finish()?);
        Ok(String::from_utf8(passed).unwrap())
    }

    #[test]
    fn line_ends_become_crlf_and_the_rest_stays() {
        let long = "x".repeat(998);
        for (text, expected) in [
            ("", ""),
            ("a\r\nb", "a\r\nb"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\rb\r", "a\r\nb\r\n"),
            ("\r\r\n\n", "\r\n\r\n\r\n"),
            ("--=_\r\n--=_a\r\n --=_b", "--=_\r\n--=_a\r\n --=_b"),
            (&*long, &*long),
        ] {
            for length in 1..=text.len().clamp(1, 9) {
                assert_eq!(pass(text, length).as_deref(), Ok(expected), "{text:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_in_a_message_is_refused() {
        let long = format!("a\r\n{}", "x".repeat(999));
        for (text, reason) in [
            ("a\0", NUL),
            (&*long, LONG),
            ("a\r\n--=_b.1\r\n", BOUNDARY),
            ("--=_b", BOUNDARY),
        ] {
            for length in 1..9 {
                assert_eq!(pass(text, length), Err(reason), "{text:?}");
            }
        }
    }
}
