//! The message after DATA: its end, and the dots that were put before its lines.

mod normalise;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};

use super::{BareLineEnds, BodyEvent, ContentFault};

/// Takes the message out of what a client sends after DATA.
///
/// *Shape*: what comes out is the message with CRLF line ends, the last one included and stuffed
/// dots removed. A piece is a slice of the buffer it came in; where dots have to go, its octets
/// move up in place, and are never copied elsewhere.
///
/// *Source*: RFC 5321 sections 4.1.1.4 and 4.5.2.
///
/// # Example
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use koukan_smtp::codec::{BareLineEnds, BodyEvent, DataDecoder};
///
/// let mut buffer = BytesMut::from("hello\r\n..\r\n.\r\nQUIT\r\n");
/// let mut decoder = DataDecoder::new(BareLineEnds::Reject, None);
/// let message = Bytes::from_static(b"hello\r\n.\r\n");
/// assert_eq!(decoder.decode(&mut buffer), Some(BodyEvent::Chunk(message)));
/// assert_eq!(decoder.decode(&mut buffer), Some(BodyEvent::End));
/// assert_eq!(&buffer[..], b"QUIT\r\n");
/// ```
#[derive(Debug, Clone)]
pub struct DataDecoder {
    policy: BareLineEnds,
    line_max: Option<usize>,
    /// What the front of the buffer is.
    at: At,
    /// Whether lines that end with LF alone are about, so that octets are copied.
    is_normalising: bool,
    /// Octets of the current line that were taken already.
    line_length: usize,
    fault: Fault,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// A line, after CRLF or as the first.
    Line,
    /// A line, after an LF alone: it may be content, and never the end of the message.
    LineAfterLf,
    /// The rest of a line.
    Rest,
}

/// Whether the message can still be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Found, and to be reported once the octets before it are out.
    Found(ContentFault),
    Reported,
}

/// Why a scan stopped.
enum Stop {
    NeedMore,
    End,
    /// An LF alone comes next, in place of which CRLF is to go on.
    BareLf,
    Fault(ContentFault),
}

impl DataDecoder {
    /// Makes a decoder for one message.
    ///
    /// *Units*: `line_max` in octets, CRLF included, dot-stuffing undone; `None` is no limit.
    pub fn new(policy: BareLineEnds, line_max: Option<usize>) -> Self {
        Self {
            policy,
            line_max,
            at: At::Line,
            is_normalising: false,
            line_length: 0,
            fault: Fault::None,
        }
    }

    /// Takes the next event from the front of `buffer`; `None` when it needs more octets.
    ///
    /// *Shape*: leaves at most two octets in the buffer when it needs more. After
    /// [`BodyEvent::End`] the decoder is spent, and the buffer holds what follows the message.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Option<BodyEvent> {
        loop {
            if let Fault::Found(fault) = self.fault {
                self.fault = Fault::Reported;
                return Some(BodyEvent::Fault(fault));
            }
            if self.at == At::Line && buffer.starts_with(b".\r\n") {
                let _ = buffer.split_to(3);
                return Some(BodyEvent::End);
            }
            let (chunk, stop) = match self.is_normalising {
                true => self.take_normalised(buffer),
                false => self.take_lines(buffer),
            };
            match stop {
                Stop::Fault(fault) => self.found(fault),
                Stop::BareLf => self.is_normalising = true,
                Stop::NeedMore | Stop::End => {}
            }
            if !chunk.is_empty() && self.fault != Fault::Reported {
                return Some(BodyEvent::Chunk(chunk));
            }
            if let Stop::NeedMore = stop {
                return None;
            }
        }
    }

    fn found(&mut self, fault: ContentFault) {
        if self.fault == Fault::None {
            self.fault = Fault::Found(fault);
            // Nothing but the end matters any more.
            self.is_normalising = false;
        }
    }

    /// Takes all that is certain to be content, up to the first fault.
    fn take_lines(&mut self, buffer: &mut BytesMut) -> (Bytes, Stop) {
        // Octets before `read` are dealt with; those that stay are in front of `write`.
        let (mut read, mut write) = (0, 0);
        let mut may_be_plain = self.line_max.is_none();
        let stop = loop {
            if self.at == At::Line {
                match self.dot(&buffer[read..]) {
                    Dot::NeedMore => break Stop::NeedMore,
                    Dot::End => break Stop::End,
                    Dot::Stuffed => read += 1,
                    Dot::None => {}
                }
                self.at = At::Rest;
                self.line_length = 0;
            }
            let plain = match may_be_plain {
                true => plain_lines(&buffer[read..]),
                false => 0,
            };
            let (taken, line) = match plain {
                0 => self.scan_line(&buffer[read..]),
                plain => (plain, Line::Whole),
            };
            // What is not plain is gone through line by line, and not looked at as a whole again.
            may_be_plain &= plain > 0;
            if read != write {
                buffer.copy_within(read..read + taken, write);
            }
            read += taken;
            write += taken;
            self.line_length += taken;
            match line {
                Line::Whole => self.at = At::Line,
                Line::Part => break self.length_fault().map_or(Stop::NeedMore, Stop::Fault),
                Line::BareLf => break Stop::BareLf,
                Line::Bare => break Stop::Fault(ContentFault::BareLineEnd),
            }
            if let Some(fault) = self.length_fault() {
                break Stop::Fault(fault);
            }
        };
        let mut chunk = buffer.split_to(read);
        chunk.truncate(write);
        (chunk.freeze(), stop)
    }

    fn length_fault(&self) -> Option<ContentFault> {
        let is_over = self.line_max.is_some_and(|max| self.line_length > max);
        (is_over && self.fault == Fault::None).then_some(ContentFault::LineTooLong)
    }

    /// Goes to the end of the line, past bare line ends that do not matter (any more).
    fn scan_line(&self, octets: &[u8]) -> (usize, Line) {
        let mut from = 0;
        loop {
            let Some(at) = memchr::memchr2(b'\r', b'\n', &octets[from..]).map(|at| at + from)
            else {
                return (octets.len(), Line::Part);
            };
            match (octets[at], octets.get(at + 1)) {
                (b'\r', Some(b'\n')) => return (at + 2, Line::Whole),
                (b'\r', None) => return (at, Line::Part),
                _ if self.fault != Fault::None || self.policy == BareLineEnds::Keep => {
                    from = at + 1;
                }
                (b'\n', _) if self.policy == BareLineEnds::Normalise => return (at, Line::BareLf),
                _ => return (at, Line::Bare),
            }
        }
    }

    /// What the dot at the start of a line after CRLF is.
    fn dot(&self, line: &[u8]) -> Dot {
        match line {
            [b'.', b'\r', b'\n', ..] => Dot::End,
            [] | [b'.'] | [b'.', b'\r'] => Dot::NeedMore,
            // Who stuffs dots at the starts of such lines puts two here.
            [b'.', b'\n', ..] if self.policy == BareLineEnds::Normalise => Dot::None,
            [b'.', ..] => Dot::Stuffed,
            _ => Dot::None,
        }
    }
}

/// Octets at the front that are lines with CRLF at their ends, none but the first with a dot at its
/// start; 0 where others are among them.
///
/// The same as scanning line by line, for what most messages are, but many octets at a time.
fn plain_lines(octets: &[u8]) -> usize {
    let end = memchr::memmem::find(octets, b"\n.").or_else(|| memchr::memrchr(b'\n', octets));
    let Some(end) = end else { return 0 };
    let lines = &octets[..=end];
    let pairs = lines.iter().zip(&lines[1..]);
    // Without a way out, so that many pairs are compared at once.
    let is_paired = pairs.fold(true, |is, (first, second)| {
        is & ((*first == b'\r') == (*second == b'\n'))
    });
    if is_paired && lines[0] != b'\n' {
        lines.len()
    } else {
        0
    }
}

/// How far a scan for the end of a line came.
enum Line {
    Whole,
    Part,
    /// To an LF alone that can be made good.
    BareLf,
    /// To a bare line end that cannot.
    Bare,
}

/// What the dot at the start of a line is, if there is one.
enum Dot {
    None,
    Stuffed,
    End,
    NeedMore,
}
