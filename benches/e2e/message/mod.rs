//! The messages: each says which one it is and how long it is, and is otherwise known in advance,
//! so that the receiver can check all of it by comparing memory.

mod template;

use std::sync::LazyLock;

pub(crate) use template::Template;

/// The line that bodies consist of.
pub(crate) const LINE: &[u8; 72] =
    b"0123456789012345678901234567890123456789012345678901234567890123456789\r\n";

/// Lines to write from and to compare with.
pub(crate) static LINES: LazyLock<Vec<u8>> = LazyLock::new(|| LINE.repeat(4096));

/// The header field with a message's number.
pub(crate) const ID: &[u8] = b"X-Load-Id: ";
/// The header field with the length of what follows the header section.
pub(crate) const LENGTH: &[u8] = b"X-Load-Length: ";

/// The domain of the sender of all messages, which signs for them.
pub(crate) const DOMAIN: &str = "example.org";
/// The author of all messages; its domain selects the signing key.
pub(crate) const AUTHOR: &str = "load@example.org";
/// The subject of all messages.
pub(crate) const SUBJECT: &str = "load";

/// The shape of a message: a header section and a number of lines.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// The header section and the empty line after it; `#` stands for the number.
    pub(crate) head: String,
    /// Octets of the body, whole lines.
    pub(crate) body: usize,
}

impl Shape {
    /// A message of about `size` octets.
    pub(crate) fn new(size: usize) -> Self {
        let body = size.saturating_sub(64).next_multiple_of(LINE.len());
        let head = format!(
            "{}#\r\n{}{body}\r\nFrom: {AUTHOR}\r\nSubject: {SUBJECT}\r\n\r\n",
            String::from_utf8_lossy(ID),
            String::from_utf8_lossy(LENGTH),
        );
        Self { head, body }
    }

    /// The same with this field before all others.
    pub(crate) fn with_field(self, field: &str) -> Self {
        Self {
            head: format!("{field}\r\n{}", self.head),
            ..self
        }
    }
}

/// The address of a message's recipient, with `#` for the number of the message.
pub(crate) fn recipient(index: u64) -> String {
    format!("m#-{index}@example.com")
}

/// The address of a message's recipient in one of many domains, with `%` for the number of the domain.
pub(crate) fn recipient_elsewhere(index: u64) -> String {
    format!("m#-{index}@{}", domain("%"))
}

/// One of many domains.
pub(crate) fn domain(number: &str) -> String {
    format!("d{number}.example")
}
