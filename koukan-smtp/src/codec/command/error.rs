//! Why a line is not a command, and how to reply to it.

use koukan_core::{
    path::{InvalidMailbox, InvalidParameter},
    reply::Reply,
};

use crate::codec::{BrokenLine, LineError};

use super::{OtherProtocol, chunk};

/// Why a line is not a command that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The line itself is broken.
    #[error("broken command line")]
    Line(#[source] LineError),
    /// The line is not UTF-8.
    #[error("command line is not UTF-8")]
    NotUtf8,
    /// There is no such verb.
    #[error("unknown command")]
    UnknownVerb,
    /// The line does not begin with anything like a verb: it is a header field, or belongs to
    /// another protocol.
    #[error("no command")]
    NoVerb,
    /// The line belongs to another protocol. Its content must never be read as commands.
    #[error("another protocol")]
    OtherProtocol(OtherProtocol),
    /// BDAT breaks the grammar. The octets that follow its line are still not commands.
    #[error("malformed BDAT")]
    Chunk {
        /// How many octets follow; `None` if the line does not say so clearly.
        size: Option<u64>,
    },
    /// The argument breaks the grammar, is missing, or is given where none is allowed.
    #[error("malformed argument")]
    Argument,
    /// The address in MAIL breaks the grammar.
    #[error("malformed reverse-path")]
    ReversePath(#[source] InvalidMailbox),
    /// The address in RCPT breaks the grammar.
    #[error("malformed forward-path")]
    ForwardPath(#[source] InvalidMailbox),
    /// A parameter breaks the grammar or is given twice.
    #[error("malformed parameter")]
    Parameter(#[from] InvalidParameter),
    /// The address in MAIL is in UTF-8, but the SMTPUTF8 parameter is missing.
    #[error("address in UTF-8 without SMTPUTF8")]
    Utf8NotRequested,
}

impl CommandError {
    /// The error for a broken line, according to the command that it was meant to be.
    pub(in crate::codec) fn of(line: BrokenLine<'_>) -> Self {
        let BrokenLine { error, start } = line;
        if chunk::is_bdat(start) {
            // Only in this case it is certain where the line ends and the chunk begins.
            let is_whole = error == LineError::ControlOctet;
            let size = is_whole.then(|| chunk::size(start)).flatten();
            return Self::Chunk { size };
        }
        OtherProtocol::of(start).map_or(Self::Line(error), Self::OtherProtocol)
    }

    /// The error for a line that is not a command, according to what it was meant to be; otherwise `error`.
    pub(super) fn of_line(line: &[u8], error: Self) -> Self {
        if chunk::is_bdat(line) {
            let size = chunk::size(line);
            return Self::Chunk { size };
        }
        if let Some(protocol) = OtherProtocol::of(line) {
            return Self::OtherProtocol(protocol);
        }
        let line = line.trim_ascii_start();
        let mut words = line.split(|octet| *octet == b' ');
        let is_field = words.next().is_some_and(is_field);
        match line.first() {
            Some(first) if is_field || !first.is_ascii_alphabetic() => Self::NoVerb,
            _ => error,
        }
    }

    /// The reply to such a line.
    ///
    /// *Source*: RFC 5321 sections 4.2.4, 4.3.2 and 4.5.3.1.10; enhanced codes by RFC 2034 and RFC 3463;
    /// 553 by RFC 6531 section 3.5.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Line(LineError::TooLong) => Reply::line_too_long(),
            Self::Line(_) | Self::NotUtf8 => Reply::invalid_octets(),
            Self::UnknownVerb | Self::NoVerb => Reply::unknown_command(),
            Self::OtherProtocol(_) => Reply::other_protocol(),
            Self::Argument | Self::Parameter(_) | Self::Chunk { .. } => Reply::syntax_error(),
            Self::ReversePath(error) if error.is_too_long() => {
                Reply::bad_sender_address().with_text("reverse-path too long")
            }
            Self::ReversePath(_) => Reply::bad_sender_address(),
            Self::ForwardPath(error) if error.is_too_long() => {
                Reply::bad_recipient_address().with_text("forward-path too long")
            }
            Self::ForwardPath(_) => Reply::bad_recipient_address(),
            Self::Utf8NotRequested => Reply::utf8_not_requested(),
        }
    }
}

/// Whether a line that begins with that word is a header field, `Name:value`, rather than a command
/// without its blank, such as `MAILFROM:<path>`.
fn is_field(word: &[u8]) -> bool {
    let Some(colon) = word.iter().position(|octet| *octet == b':') else {
        return false;
    };
    word.get(colon + 1) != Some(&b'<')
}
