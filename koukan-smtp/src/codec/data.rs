//! The message after DATA: its end, and the dots that were put before its lines.

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
    /// Whether the front of the buffer is the start of a line.
    at_line_start: bool,
    /// Octets of the current line that were taken already.
    line_length: usize,
    fault: Fault,
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
            at_line_start: true,
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
            if self.at_line_start && buffer.starts_with(b".\r\n") {
                let _ = buffer.split_to(3);
                return Some(BodyEvent::End);
            }
            let (chunk, stop) = self.take_lines(buffer);
            if let Stop::Fault(fault) = stop {
                self.found(fault);
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
        }
    }

    /// Takes all that is certain to be content, up to the first fault.
    fn take_lines(&mut self, buffer: &mut BytesMut) -> (Bytes, Stop) {
        // Octets before `read` are dealt with; those that stay are in front of `write`.
        let (mut read, mut write) = (0, 0);
        let mut may_be_plain = self.line_max.is_none();
        let stop = loop {
            if self.at_line_start {
                match strip_dot(&buffer[read..]) {
                    Dot::NeedMore => break Stop::NeedMore,
                    Dot::End => break Stop::End,
                    Dot::Stuffed => read += 1,
                    Dot::None => {}
                }
                self.at_line_start = false;
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
                Line::Whole => self.at_line_start = true,
                Line::Part => break self.length_fault().map_or(Stop::NeedMore, Stop::Fault),
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
                _ if self.fault == Fault::None && self.policy == BareLineEnds::Reject => {
                    return (at, Line::Bare);
                }
                _ => from = at + 1,
            }
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
    Bare,
}

/// What the dot at the start of a line is, if there is one.
enum Dot {
    None,
    Stuffed,
    End,
    NeedMore,
}

fn strip_dot(line: &[u8]) -> Dot {
    match line {
        [b'.', b'\r', b'\n', ..] => Dot::End,
        [] | [b'.'] | [b'.', b'\r'] => Dot::NeedMore,
        [b'.', ..] => Dot::Stuffed,
        _ => Dot::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use BareLineEnds::{Keep, Reject};

    /// The message, its fault, and what is left behind its end (`None`: it did not end).
    type Outcome = (Vec<u8>, Option<ContentFault>, Option<Vec<u8>>);

    fn receive(decoder: &mut DataDecoder, octets: &[u8], step: usize) -> Outcome {
        let (mut buffer, mut message, mut fault) = (BytesMut::new(), Vec::new(), None);
        let mut pieces = octets.chunks(step);
        loop {
            match decoder.decode(&mut buffer) {
                Some(BodyEvent::Chunk(chunk)) => {
                    assert_eq!(fault, None, "a chunk after the fault");
                    message.extend_from_slice(&chunk);
                }
                Some(BodyEvent::Fault(found)) => assert_eq!(fault.replace(found), None),
                Some(BodyEvent::End) => {
                    let mut rest = buffer.to_vec();
                    pieces.for_each(|piece| rest.extend_from_slice(piece));
                    return (message, fault, Some(rest));
                }
                None => match pieces.next() {
                    Some(piece) => {
                        assert!(buffer.len() <= 2, "{buffer:?}");
                        buffer.extend_from_slice(piece);
                    }
                    None => return (message, fault, None),
                },
            }
        }
    }

    fn check(policy: BareLineEnds, octets: &[u8], expected: (&[u8], bool, Option<&[u8]>)) {
        for step in 1..=octets.len() {
            let (message, fault, rest) = receive(&mut DataDecoder::new(policy, None), octets, step);
            let found = (&message[..], fault.is_some(), rest.as_deref());
            assert_eq!(found, expected, "{octets:?} in steps of {step}");
        }
    }

    #[test]
    fn takes_messages_and_removes_dots() {
        for (octets, message, rest) in [
            (&b".\r\n"[..], &b""[..], &b""[..]),
            (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
            (b"a\r\n.\r\n", b"a\r\n", b""),
            (b"\r\n.\r\n", b"\r\n", b""),
            (b"..\r\n.\r\n", b".\r\n", b""),
            (b"..a\r\n...b\r\nc..\r\n.\r\n", b".a\r\n..b\r\nc..\r\n", b""),
            (b".a\r\n.\r\n", b"a\r\n", b""),
            (b"a.\r\n.\r\n.\r\n", b"a.\r\n", b".\r\n"),
            (b"a\r\n\0.\r\n.\r\n", b"a\r\n\0.\r\n", b""),
        ] {
            check(Reject, octets, (message, false, Some(rest)));
            check(Keep, octets, (message, false, Some(rest)));
        }
    }

    #[test]
    fn bare_line_ends_never_end_a_message() {
        for octets in [
            &b"a\n.\n"[..],
            b"a\n.\r\n",
            b"a\r.\r\n",
            b"a\r.\r",
            b"a\r\n.\n",
            b"a\r\n.\rb",
            b"a\n\n.\r\n",
            b"a\r\n.\r\r",
        ] {
            for step in 1..=octets.len() {
                let (_, fault, rest) = receive(&mut DataDecoder::new(Reject, None), octets, step);
                assert_eq!(
                    (fault, rest),
                    (Some(ContentFault::BareLineEnd), None),
                    "{octets:?}"
                );
            }
        }
    }

    #[test]
    fn a_message_with_bare_line_ends_is_received_to_its_real_end() {
        check(Reject, b"a\n.\nb\r\n.\r\nQUIT", (b"a", true, Some(b"QUIT")));
        check(Reject, b"a\r.\r\nb\r\n.\r\n", (b"a", true, Some(b"")));
        check(
            Reject,
            b"a\r\n.\rb\r\n..\r\n.\r\n",
            (b"a\r\n", true, Some(b"")),
        );
        check(Reject, b"a\r\r\n.\r\n", (b"a", true, Some(b"")));
        check(Reject, b"\n.\r\n\r\n.\r\n", (b"", true, Some(b"")));
        check(
            Keep,
            b"a\n.\nb\r\n.\r\n",
            (b"a\n.\nb\r\n", false, Some(b"")),
        );
        check(
            Keep,
            b"a\r\n.\rb\n.\r\n\r\n.\r\n",
            (b"a\r\n\rb\n.\r\n\r\n", false, Some(b"")),
        );
    }

    proptest! {
        /// Where lines have a limit they are gone through one by one.
        #[test]
        fn many_lines_at_once_are_as_one_by_one(
            input in "([a.\r\n]|\r\n|\r\n\\.){0,24}(\r\n\\.\r\n)?X?",
            step in 1_usize..80,
            is_kept in any::<bool>(),
        ) {
            let policy = if is_kept { Keep } else { Reject };
            let one_by_one = receive(
                &mut DataDecoder::new(policy, Some(usize::MAX)), input.as_bytes(), step);
            let at_once = receive(&mut DataDecoder::new(policy, None), input.as_bytes(), step);
            prop_assert_eq!(at_once, one_by_one);
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit() {
        for step in 1..20 {
            let limited = || DataDecoder::new(Reject, Some(6));
            let (message, fault, _) = receive(&mut limited(), b"1234\r\n.123\r\n.\r\n", step);
            assert_eq!((&message[..], fault), (&b"1234\r\n123\r\n"[..], None));
            let (_, fault, rest) = receive(&mut limited(), b"12345\r\na\n.\r\n\r\n.\r\nX", step);
            assert_eq!(fault, Some(ContentFault::LineTooLong));
            assert_eq!(rest.as_deref(), Some(&b"X"[..]));
        }
    }

    #[test]
    fn a_message_without_dots_is_not_copied() {
        let mut buffer = BytesMut::from("hello\r\nworld\r\n.\r\n");
        let origin = buffer.as_ptr();
        match DataDecoder::new(Reject, None).decode(&mut buffer) {
            Some(BodyEvent::Chunk(chunk)) => assert_eq!(chunk.as_ptr(), origin),
            other => panic!("{other:?}"),
        }
    }
}
