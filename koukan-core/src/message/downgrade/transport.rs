//! What the next host accepts.

use memchr::memchr3;

use super::pieces::Piece;

/// The octets that a host accepts.
///
/// *Source*: RFC 2045 sections 2.7 and 2.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// ASCII in lines: the host offers neither 8BITMIME nor BINARYMIME.
    SevenBit,
    /// Any octets in lines: the host offers 8BITMIME (RFC 6152), but not BINARYMIME (RFC 3030).
    EightBit,
}

/// What may pass as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passable {
    pub(super) transport: Transport,
    /// Whether the message may hold what is no line, as one with BODY=BINARYMIME does.
    pub(super) is_binary: bool,
}

impl Passable {
    /// Whether the host takes it.
    pub(super) fn takes(self, piece: &Piece<'_>) -> bool {
        let has_lines = || !piece.is_beyond() && memchr3(b'\r', b'\n', 0, piece.octets).is_none();
        let is_fit = match self.transport {
            Transport::SevenBit => piece.octets.is_ascii(),
            Transport::EightBit => true,
        };
        is_fit && (!self.is_binary || has_lines())
    }

    /// The `Content-Transfer-Encoding` of what is made of other parts, where it has that one: `None` if it
    /// may stay.
    pub(super) fn lowered(self, encoding: &str) -> Option<&'static str> {
        match (self.transport, encoding) {
            (Transport::SevenBit, "8bit" | "binary") => Some("7bit"),
            (Transport::EightBit, "binary") => Some("8bit"),
            _ => None,
        }
    }
}
