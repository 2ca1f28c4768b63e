//! Messages of programs that end lines with LF alone.

use bytes::{Buf, Bytes, BytesMut};

use crate::codec::ContentFault;

use super::{At, DataDecoder, Dot, Fault, Stop};

impl DataDecoder {
    /// Takes all octets that are certain to be content, up to the first fault, and writes CRLF for
    /// each LF that has no CR before it.
    ///
    /// *Source*: RFC 6409 section 8 allows a submission server to correct the messages that it is given.
    pub(super) fn take_normalised(&mut self, buffer: &mut BytesMut) -> (Bytes, Stop) {
        let mut lines = BytesMut::with_capacity(buffer.len() + buffer.len() / 16);
        let mut read = 0;
        let stop = loop {
            let dot = match self.at {
                At::Line => self.dot(&buffer[read..]),
                At::LineAfterLf => dot_after_lf(&buffer[read..]),
                At::Rest => Dot::None,
            };
            match dot {
                Dot::NeedMore => break Stop::NeedMore,
                Dot::End => break Stop::End,
                Dot::Stuffed => read += 1,
                Dot::None => {}
            }
            if self.at != At::Rest {
                self.at = At::Rest;
                self.line_length = 0;
            }
            let rest = &buffer[read..];
            let end = memchr::memchr2(b'\r', b'\n', rest);
            let text = &rest[..end.unwrap_or(rest.len())];
            lines.extend_from_slice(text);
            read += text.len();
            self.line_length += text.len();
            let (line_end, at) = match rest[text.len()..] {
                [] | [b'\r'] => break self.length_fault().map_or(Stop::NeedMore, Stop::Fault),
                [b'\r', b'\n', ..] => (2, At::Line),
                [b'\n', ..] => (1, At::LineAfterLf),
                // No client ends lines with CR alone, so what it means here is unknown. Turned into
                // a line end, it could begin another header field, and the next server could see
                // the end of the message in it.
                _ => break Stop::Fault(ContentFault::BareLineEnd),
            };
            lines.extend_from_slice(b"\r\n");
            read += line_end;
            self.at = at;
            self.line_length += 2;
            if let Some(fault) = self.length_fault() {
                break Stop::Fault(fault);
            }
        };
        buffer.advance(read);
        if self.at == At::Line {
            // The rest may have proper line ends, and then need not be copied.
            self.is_normalising = false;
        }
        if let (Stop::Fault(_), At::LineAfterLf) = (&stop, self.at) {
            // From here on an LF alone is not a line end.
            self.at = At::Rest;
        }
        debug_assert_eq!(self.fault, Fault::None);
        (lines.freeze(), stop)
    }
}

/// The meaning of the dot at the start of a line after an LF alone.
///
/// Some programs stuff dots there, since they treat the LF as a line end; others do not. A program
/// that stuffs dots never sends a single one.
fn dot_after_lf(line: &[u8]) -> Dot {
    match line {
        [] | [b'.'] => Dot::NeedMore,
        [b'.', b'.', ..] => Dot::Stuffed,
        _ => Dot::None,
    }
}
