//! Checks that a message is the one that was sent.

use std::sync::Arc;

use memchr::memmem::find;

use crate::message::{ID, LENGTH, LINE, LINES};

use super::field::Field;

/// The most octets in a header section.
pub(super) const HEAD: usize = 64 << 10;

/// A message as it arrives. Its body is compared with what was sent, block by block.
#[derive(Debug, Default)]
pub(super) struct Content {
    head: Vec<u8>,
    id: Option<u64>,
    /// Octets of the body that are missing, once the header section is complete.
    left: Option<usize>,
    /// Octets of the body that have arrived.
    at: usize,
    is_damaged: bool,
    /// A header field that must be there.
    field: Option<Arc<Field>>,
}

impl Content {
    /// For messages that must have that header field.
    pub(super) fn with_field(field: Arc<Field>) -> Self {
        Self {
            field: Some(field),
            ..Self::default()
        }
    }

    /// Takes the next octets of the message.
    pub(super) fn take(&mut self, octets: &[u8]) {
        let Some(left) = self.left else {
            let known = self.head.len();
            self.head.extend_from_slice(octets);
            // The empty line may arrive in pieces.
            let from = known.saturating_sub(3);
            if let Some(end) = find(&self.head[from..], b"\r\n\r\n") {
                let end = from + end + 4;
                self.head.truncate(end);
                self.read_head();
                self.take(&octets[end - known..]);
            } else if self.head.len() > HEAD {
                self.left = Some(0);
                self.is_damaged = true;
            }
            return;
        };
        let within = &octets[..octets.len().min(left)];
        self.is_damaged |= within.len() < octets.len() || self.matching(within) < within.len();
        self.advance(within.len());
    }

    /// Octets of the body that are missing, if the header section is complete and there was no
    /// error so far.
    pub(super) fn left(&self) -> Option<usize> {
        self.left.filter(|_| !self.is_damaged)
    }

    /// How many of these octets agree with the next ones of the body.
    pub(super) fn matching(&self, octets: &[u8]) -> usize {
        let from = self.at % LINE.len();
        let (first, rest) = octets.split_at(octets.len().min(LINES.len() - from));
        let mut rest = rest.chunks(LINES.len());
        if LINES[from..].starts_with(first) && rest.all(|lines| LINES.starts_with(lines)) {
            return octets.len();
        }
        let expected = LINE.iter().cycle().skip(from);
        let same = octets.iter().zip(expected);
        same.take_while(|(octet, expected)| octet == expected)
            .count()
    }

    /// Skips octets that were already compared.
    pub(super) fn advance(&mut self, octets: usize) {
        self.at += octets;
        self.left = self.left.map(|left| left.saturating_sub(octets));
    }

    /// Notes that the message differs from what was sent.
    pub(super) fn damage(&mut self) {
        self.is_damaged = true;
    }

    /// Whether what has arrived so far consists of whole lines.
    pub(super) fn is_at_line_start(&self) -> bool {
        self.at.is_multiple_of(LINE.len())
    }

    /// The number in the message, and whether the whole message arrived as it was sent.
    pub(super) fn verdict(&self) -> (Option<u64>, bool) {
        (self.id, !self.is_damaged && self.left == Some(0))
    }

    /// Prepares for another message.
    pub(super) fn clear(&mut self) {
        self.head.clear();
        *self = Self {
            head: std::mem::take(&mut self.head),
            field: self.field.take(),
            ..Self::default()
        };
    }

    fn read_head(&mut self) {
        self.id = field(&self.head, ID);
        let length = field(&self.head, LENGTH);
        self.is_damaged |= length.is_none() || !self.has_field();
        self.left = Some(length.unwrap_or_default() as usize);
    }

    /// Whether the required field is present.
    fn has_field(&self) -> bool {
        let field = self.field.as_ref();
        field.is_none_or(|field| field.is_in(&self.head))
    }
}

/// A number in a header section.
fn field(head: &[u8], name: &[u8]) -> Option<u64> {
    let value = &head[find(head, name)? + name.len()..];
    let end = value.iter().position(|octet| !octet.is_ascii_digit())?;
    std::str::from_utf8(&value[..end]).ok()?.parse().ok()
}
