//! The message in counted chunks: BDAT.

use bytes::{Bytes, BytesMut};

use super::{BareLineEnds, BodyEvent, ContentFault};

/// Takes the octets of BDAT chunks out of what a client sends.
///
/// One decoder serves all chunks of a message, since a CRLF may be split between two chunks. The
/// pieces that it returns are slices of the buffer that they arrived in.
///
/// *Source*: RFC 3030 section 2.
#[derive(Debug, Clone)]
pub struct BdatDecoder {
    policy: BareLineEnds,
    remaining: u64,
    is_last: bool,
    is_after_cr: bool,
    has_fault: bool,
}

impl BdatDecoder {
    /// Makes a decoder for one message.
    pub fn new(policy: BareLineEnds) -> Self {
        Self {
            policy,
            remaining: 0,
            is_last: false,
            is_after_cr: false,
            has_fault: false,
        }
    }

    /// Starts the next chunk.
    ///
    /// *Units*: `size` in octets, as the command says.
    pub fn start_chunk(&mut self, size: u64, is_last: bool) {
        self.remaining = size;
        self.is_last = is_last;
    }

    /// Takes the next event from the front of `buffer`; `None` when it needs more octets.
    ///
    /// *Shape*: [`BodyEvent::End`] is the end of the chunk.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Option<BodyEvent> {
        while self.remaining > 0 {
            if buffer.is_empty() {
                return None;
            }
            let available = usize::try_from(self.remaining)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            if self.has_fault {
                let _ = self.take(buffer, available);
                continue;
            }
            match self.scan(&buffer[..available]) {
                Scan::Clean(octets) => return Some(BodyEvent::Chunk(self.take(buffer, octets))),
                Scan::NeedMore => return None,
                Scan::Bare if self.policy == BareLineEnds::Normalise && buffer[0] == b'\n' => {
                    return Some(BodyEvent::Chunk(self.take_normalised(buffer, available)));
                }
                Scan::Bare => return Some(self.fault()),
            }
        }
        if self.is_last && self.is_after_cr && self.policy != BareLineEnds::Keep && !self.has_fault
        {
            return Some(self.fault());
        }
        Some(BodyEvent::End)
    }

    fn fault(&mut self) -> BodyEvent {
        self.has_fault = true;
        BodyEvent::Fault(ContentFault::BareLineEnd)
    }

    fn take(&mut self, buffer: &mut BytesMut, octets: usize) -> Bytes {
        let taken = buffer.split_to(octets).freeze();
        self.remaining -= octets as u64;
        self.is_after_cr = taken.last() == Some(&b'\r');
        taken
    }

    /// Takes lines that end with LF alone, up to the first CR, and writes CRLF in place of each LF.
    fn take_normalised(&mut self, buffer: &mut BytesMut, available: usize) -> Bytes {
        let end = memchr::memchr(b'\r', &buffer[..available]).unwrap_or(available);
        let taken = self.take(buffer, end);
        let mut lines = BytesMut::with_capacity(taken.len() + taken.len() / 16);
        for line in taken.split_inclusive(|octet| *octet == b'\n') {
            match line {
                [text @ .., b'\n'] => {
                    lines.extend_from_slice(text);
                    lines.extend_from_slice(b"\r\n");
                }
                text => lines.extend_from_slice(text),
            }
        }
        lines.freeze()
    }

    /// Scans octets that all belong to the chunk for the first bare line end.
    fn scan(&self, octets: &[u8]) -> Scan {
        if self.policy == BareLineEnds::Keep {
            return Scan::Clean(octets.len());
        }
        if self.is_after_cr && octets[0] != b'\n' {
            return Scan::Bare;
        }
        let mut from = usize::from(self.is_after_cr);
        while let Some(at) = memchr::memchr2(b'\r', b'\n', &octets[from..]).map(|at| at + from) {
            let is_chunk_end = (at + 1) as u64 == self.remaining;
            match (octets[at], octets.get(at + 1)) {
                (b'\r', Some(b'\n')) => from = at + 2,
                // The LF may be the first octet of the next chunk.
                (b'\r', None) if is_chunk_end => break,
                (b'\r', None) if at == 0 => return Scan::NeedMore,
                _ if at == 0 => return Scan::Bare,
                _ => return Scan::Clean(at),
            }
        }
        Scan::Clean(octets.len())
    }
}

/// What the octets at hand begin with.
enum Scan {
    Clean(usize),
    NeedMore,
    Bare,
}

#[cfg(test)]
mod tests {
    use super::*;
    use BareLineEnds::{Keep, Normalise, Reject};

    /// The message that chunks of the given sizes carry: its content, and whether it is faulty.
    fn receive(
        policy: BareLineEnds,
        octets: &[u8],
        sizes: &[usize],
        step: usize,
    ) -> (Vec<u8>, bool) {
        let mut decoder = BdatDecoder::new(policy);
        let (mut buffer, mut message, mut has_fault) = (BytesMut::new(), Vec::new(), false);
        let mut pieces = octets.chunks(step);
        for (nth, size) in sizes.iter().enumerate() {
            decoder.start_chunk(*size as u64, nth + 1 == sizes.len());
            loop {
                match decoder.decode(&mut buffer) {
                    Some(BodyEvent::Chunk(chunk)) => message.extend_from_slice(&chunk),
                    Some(BodyEvent::Fault(_)) => assert!(!std::mem::replace(&mut has_fault, true)),
                    Some(BodyEvent::End) => break,
                    None => buffer.extend_from_slice(pieces.next().expect("enough octets")),
                }
            }
        }
        pieces.for_each(|piece| buffer.extend_from_slice(piece));
        assert_eq!(&buffer[..], b"NEXT");
        (message, has_fault)
    }

    #[test]
    fn counts_octets_and_checks_line_ends_across_chunks() {
        for (octets, sizes, message, has_fault) in [
            (&b"NEXT"[..], &[0][..], &b""[..], false),
            (b"a\r\n.\r\nb\r\nNEXT", &[9], b"a\r\n.\r\nb\r\n", false),
            (b"a\r\nb\r\nNEXT", &[2, 4], b"a\r\nb\r\n", false),
            (b"a\r\nb\r\nNEXT", &[2, 0, 1, 3, 0], b"a\r\nb\r\n", false),
            (b"a\r\nb\nc\r\nNEXT", &[8], b"a\r\nb", true),
            (b"a\r\nb\rc\r\nNEXT", &[5, 3], b"a\r\nb\r", true),
            (b"a\rbNEXT", &[3], b"a", true),
            (b"a\r\r\nNEXT", &[4], b"a", true),
            (b"a\rNEXT", &[2], b"a\r", true),
            (b"a\rNEXT", &[2, 0], b"a\r", true),
            (b"\nNEXT", &[1], b"", true),
        ] {
            for step in 1..=octets.len() {
                let (found, is_faulty) = receive(Reject, octets, sizes, step);
                assert_eq!(
                    is_faulty, has_fault,
                    "{octets:?} {sizes:?} in steps of {step}"
                );
                assert_eq!(found, message, "{octets:?} {sizes:?} in steps of {step}");
                let (kept, is_faulty) = receive(Keep, octets, sizes, step);
                assert_eq!((&kept[..], is_faulty), (&octets[..octets.len() - 4], false));
            }
        }
    }

    #[test]
    fn a_bare_lf_becomes_crlf_and_a_bare_cr_is_refused() {
        for (octets, sizes, message, has_fault) in [
            (
                &b"a\nb\n\nc\r\n\nNEXT"[..],
                &[9][..],
                &b"a\r\nb\r\n\r\nc\r\n\r\n"[..],
                false,
            ),
            (b"a\n.\nNEXT", &[2, 2], b"a\r\n.\r\n", false),
            (b"a\r\nbNEXT", &[2, 2], b"a\r\nb", false),
            (b"\na\rbNEXT", &[4], b"\r\na", true),
            (b"\na\r\r\nNEXT", &[5], b"\r\na", true),
            (b"\n\rNEXT", &[2], b"\r\n\r", true),
        ] {
            for step in 1..=octets.len() {
                let found = receive(Normalise, octets, sizes, step);
                let expected = (message.to_vec(), has_fault);
                assert_eq!(found, expected, "{octets:?} {sizes:?} in steps of {step}");
            }
        }
    }
}
