//! The message after DATA: finds its end, and undoes the dot-stuffing of its lines.

mod normalise;
#[cfg(test)]
mod tests;

use bytes::{Bytes, BytesMut};

use super::{BareLineEnds, BodyEvent, ContentFault};

/// Takes the message out of what a client sends after DATA.
///
/// *Shape*: the result is the message with CRLF line ends, including the last one, and without
/// stuffed dots. A piece is a slice of the buffer that it arrived in. To remove dots, the decoder
/// moves octets within that buffer; it never copies them elsewhere.
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
    /// What comes next at the front of the buffer.
    at: At,
    /// Whether the buffer may hold lines that end with LF alone; if so, octets are copied.
    is_normalising: bool,
    /// Octets of the current line that were already taken.
    line_length: usize,
    fault: Fault,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// A line, after CRLF or as the first.
    Line,
    /// A line after an LF alone: it may be content, but never the end of the message.
    LineAfterLf,
    /// The rest of a line.
    Rest,
}

/// Whether the message can still be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Found, but not yet reported: the octets before it come first.
    Found(ContentFault),
    Reported,
}

/// Why a scan stopped.
enum Stop {
    NeedMore,
    End,
    /// The next octet is an LF alone, which is to be replaced by CRLF.
    BareLf,
    Fault(ContentFault),
}

impl DataDecoder {
    /// Makes a decoder for one message.
    ///
    /// *Units*: `line_max` is in octets, with the CRLF and without dot-stuffing; `None` means no limit.
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

    /// Takes the next event from the front of `buffer`; `None` when more octets are needed.
    ///
    /// *Shape*: when it needs more octets, it leaves at most two in the buffer. After [`BodyEvent::End`] the
    /// decoder must not be used again; the buffer holds what follows the message.
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
            // After a fault only the end of the message matters.
            self.is_normalising = false;
        }
    }

    /// Takes all octets that are certain to be content, up to the first fault.
    fn take_lines(&mut self, buffer: &mut BytesMut) -> (Bytes, Stop) {
        // Octets before `read` have been handled; those to be kept are before `write`.
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
            // A buffer that is not plain is scanned line by line; the fast scan is not tried on it again.
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

    /// Scans to the end of the line. Passes over bare line ends that the policy allows, or that no
    /// longer matter.
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

    /// The meaning of the dot at the start of a line after CRLF.
    fn dot(&self, line: &[u8]) -> Dot {
        match line {
            [b'.', b'\r', b'\n', ..] => Dot::End,
            [] | [b'.'] | [b'.', b'\r'] => Dot::NeedMore,
            // A client that stuffs dots after a bare LF would write two dots here.
            [b'.', b'\n', ..] if self.policy == BareLineEnds::Normalise => Dot::None,
            [b'.', ..] => Dot::Stuffed,
            _ => Dot::None,
        }
    }
}

/// How many octets at the front are whole lines that end with CRLF, where no line but the first
/// begins with a dot; 0 if the octets at the front are of another kind.
///
/// Gives the same result as scanning line by line, but compares many octets at a time. Most
/// messages are of this kind.
fn plain_lines(octets: &[u8]) -> usize {
    let end = memchr::memmem::find(octets, b"\n.").or_else(|| memchr::memrchr(b'\n', octets));
    let Some(end) = end else { return 0 };
    let lines = &octets[..=end];
    let pairs = lines.iter().zip(&lines[1..]);
    // The loop has no early exit, so that the compiler can compare many pairs at once.
    let is_paired = pairs.fold(true, |is, (first, second)| {
        is & ((*first == b'\r') == (*second == b'\n'))
    });
    if is_paired && lines[0] != b'\n' {
        lines.len()
    } else {
        0
    }
}

/// Where a scan for the end of a line stopped.
enum Line {
    Whole,
    Part,
    /// At an LF alone that can be replaced by CRLF.
    BareLf,
    /// At a bare line end that cannot.
    Bare,
}

/// The meaning of the dot at the start of a line, if there is one.
enum Dot {
    None,
    Stuffed,
    End,
    NeedMore,
}
