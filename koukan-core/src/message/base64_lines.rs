//! Base64 in lines, from octets that arrive in chunks.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};

/// Octets that a line of 76 characters encodes: RFC 2045 section 6.8.
const LINE: usize = 57;
/// The maximum number of octets that a piece encodes.
const PIECE: usize = LINE * 840;

/// Encodes chunks of any length; how the input is divided does not change the output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base64Lines {
    /// Less than a line.
    carry: BytesMut,
    chunk: Bytes,
}

impl Base64Lines {
    /// Adds octets; call this only once all earlier ones are encoded.
    pub(in crate::message) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.chunk.is_empty(), "octets were left");
        self.chunk = chunk;
    }

    /// Complete lines, if there are any.
    pub(in crate::message) fn next_lines(&mut self) -> Option<Bytes> {
        if self.carry.len() + self.chunk.len() < LINE {
            self.carry.extend_from_slice(&self.chunk.split_off(0));
            return None;
        }
        let mut lines = String::with_capacity((self.chunk.len().min(PIECE) / LINE + 2) * 78);
        if !self.carry.is_empty() {
            let missing = self.chunk.split_to(LINE - self.carry.len());
            self.carry.extend_from_slice(&missing);
            encode(&self.carry, &mut lines);
            self.carry.clear();
        }
        let whole = self.chunk.len() / LINE * LINE;
        encode(&self.chunk.split_to(whole.min(PIECE)), &mut lines);
        Some(lines.into())
    }

    /// The last line.
    pub(in crate::message) fn finish(&mut self) -> Bytes {
        let mut line = String::new();
        encode(&self.carry, &mut line);
        self.carry.clear();
        line.into()
    }
}

/// Encodes octets into lines, each with its end.
pub(in crate::message) fn encode(octets: &[u8], lines: &mut String) {
    for line in octets.chunks(LINE) {
        STANDARD.encode_string(line, lines);
        lines.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_make_no_difference() {
        let octets: Vec<u8> = (0..2 * PIECE + 100)
            .map(|i| (i * 7 + i / 251) as u8)
            .collect();
        let mut expected = String::new();
        encode(&octets, &mut expected);
        assert!(expected.lines().all(|line| line.len() <= 76));
        for length in [1, 2, 56, 57, 58, 1000, PIECE, octets.len()] {
            let mut lines = Base64Lines::default();
            let mut encoded = Vec::new();
            for chunk in octets.chunks(length) {
                lines.push(Bytes::copy_from_slice(chunk));
                while let Some(chunk) = lines.next_lines() {
                    assert!(chunk.len() <= 66_000);
                    encoded.extend_from_slice(&chunk);
                }
            }
            encoded.extend_from_slice(&lines.finish());
            assert!(encoded == expected.as_bytes(), "chunks of {length}");
        }
    }

    #[test]
    fn nothing_is_no_line() {
        assert_eq!(Base64Lines::default().finish(), "");
    }
}
