//! Removing and adding header fields: [`HeaderEdit`].

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;

use super::opening::Opening;

/// Octets of a field that is put in, at most: it is one line (RFC 5322 section 2.1.1).
const FIELD_MAX: usize = 998;

/// Which fields are removed, and which are added before the others.
///
/// # Example
///
/// ```
/// use koukan_core::message::header_edit::HeaderEdit;
///
/// let edit = HeaderEdit::default().without("Sender").with("Sender", "a@example.com")?;
/// let header = edit.apply(b"Subject: hi\r\nsender: eve@x,\r\n folded\r\n\r\n");
/// assert_eq!(header, "Sender: a@example.com\r\nSubject: hi\r\n\r\n");
/// # Ok::<(), koukan_core::message::header_edit::InvalidField>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderEdit {
    /// In lower case.
    removed: Vec<Box<str>>,
    added: BytesMut,
}

/// Why a text cannot be a header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidField {
    /// The name is none: RFC 5322 section 2.2.
    #[error("a field's name has printable ASCII without blanks and `:`")]
    Name,
    /// The value has line ends or other control characters, or is too long for one line.
    #[error(
        "a field's value is one line of up to 998 octets with the name, without control characters"
    )]
    Value,
}

impl HeaderEdit {
    /// Removes all fields of this name. ASCII case does not matter.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.removed.push(name.to_ascii_lowercase().into());
        self
    }

    /// Adds a field, after those that were added earlier, and before all others.
    ///
    /// # Errors
    ///
    /// [`InvalidField`].
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, InvalidField> {
        let is_name = |octet: u8| octet.is_ascii_graphic() && octet != b':';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(InvalidField::Name);
        }
        if value.chars().any(char::is_control) || name.len() + value.len() + 2 > FIELD_MAX {
            return Err(InvalidField::Value);
        }
        self.added.put_slice(name.as_bytes());
        self.added.put_slice(b": ");
        self.added.put_slice(value.as_bytes());
        self.added.put_slice(b"\r\n");
        Ok(self)
    }

    /// The fields to add.
    pub fn added(&self) -> &[u8] {
        &self.added
    }

    /// The edited header section.
    pub fn apply(&self, header: &[u8]) -> Bytes {
        let left = self.left_of(header);
        [&*self.before(&left), &*left].concat().into()
    }

    /// The octets to put before the rest of a message's header section: the added fields, and a separator, if
    /// needed ([`Opening`]). Without it, a line that begins with a blank would continue the last added field.
    pub fn before(&self, left: &[u8]) -> Bytes {
        Self::separated(&self.added, left)
    }

    /// Fields, and what has to separate them from what is left of a message's header section.
    pub(super) fn separated(added: &[u8], left: &[u8]) -> Bytes {
        if added.is_empty() {
            return Bytes::new();
        }
        let mut opening = Opening::default();
        opening.look(left);
        let separator = opening.separator().as_bytes();
        [added, separator].concat().into()
    }

    /// The header section without the removed fields.
    pub fn left_of(&self, header: &[u8]) -> Bytes {
        let mut left = BytesMut::with_capacity(header.len());
        let (mut rest, mut is_removed) = (header, false);
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (line, others) = rest.split_at(end);
            if matches!(line, b"\r\n" | b"\n") {
                break;
            }
            if !matches!(line[0], b' ' | b'\t') {
                is_removed = self.removes(line);
            }
            if !is_removed {
                left.extend_from_slice(line);
            }
            rest = others;
        }
        left.extend_from_slice(rest);
        left.freeze()
    }

    fn removes(&self, line: &[u8]) -> bool {
        let Some(colon) = memchr(b':', line) else {
            return false;
        };
        let name = line[..colon].trim_ascii_end();
        let mut removed = self.removed.iter();
        removed.any(|known| known.as_bytes().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_out_with_all_their_lines() {
        let edit = HeaderEdit::default().without("X-a");
        for (header, expected) in [
            ("X-A: b\r\n c\r\n\td\r\nY: z\r\n\r\n", "Y: z\r\n\r\n"),
            (
                "Y: z\r\nx-a : b\r\nX-AB: c\r\n\r\n",
                "Y: z\r\nX-AB: c\r\n\r\n",
            ),
            ("Y: z\r\n\r\nX-A: b\r\n", "Y: z\r\n\r\nX-A: b\r\n"),
            ("Y: X-A: b\r\nX-A: b", "Y: X-A: b\r\n"),
            ("no field\r\nX-A:\r\n?\r\n\r\n", "no field\r\n?\r\n\r\n"),
            ("", ""),
        ] {
            assert_eq!(edit.apply(header.as_bytes()), expected, "{header:?}");
        }
    }

    #[test]
    fn what_is_put_in_is_a_field() {
        let edit = HeaderEdit::default();
        let edit = edit.with("A", "b").unwrap().with("C", "gr\u{fc}n").unwrap();
        for (header, left) in [
            ("\r\nx", "\r\nx"),
            ("X: y\r\n\r\n", "X: y\r\n\r\n"),
            ("", "\r\n"),
            // It does not continue what is put in.
            (" x\r\nX: y\r\n\r\n", "\r\n x\r\nX: y\r\n\r\n"),
            (
                "From a 1:2\r\nX: y\r\n",
                "X-Mailbox-Line: From a 1:2\r\nX: y\r\n",
            ),
        ] {
            let expected = format!("A: b\r\nC: gr\u{fc}n\r\n{left}");
            assert_eq!(edit.apply(header.as_bytes()), expected, "{header:?}");
        }
        for (name, value, error) in [
            ("", "x", InvalidField::Name),
            ("a b", "x", InvalidField::Name),
            ("a:", "x", InvalidField::Name),
            ("\u{fc}", "x", InvalidField::Name),
            ("a", "x\r\nb: c", InvalidField::Value),
            ("a", "x\0", InvalidField::Value),
            ("a", &"x".repeat(996), InvalidField::Value),
        ] {
            assert_eq!(
                HeaderEdit::default().with(name, value),
                Err(error),
                "{name} {value}"
            );
        }
    }
}
