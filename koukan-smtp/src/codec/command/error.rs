//! Why a line is no command, and what to answer.

use koukan_core::{
    path::{InvalidMailbox, InvalidParameter},
    reply::Reply,
};

use crate::codec::LineError;

/// Why a line is no command that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The line itself is broken.
    #[error("broken command line")]
    Line(#[from] LineError),
    /// The line is not UTF-8.
    #[error("command line is not UTF-8")]
    NotUtf8,
    /// There is no such verb.
    #[error("unknown command")]
    UnknownVerb,
    /// The argument breaks the grammar, is missing, or is there where none may be.
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
    /// The address in MAIL is in UTF-8, and the SMTPUTF8 parameter is not there.
    #[error("address in UTF-8 without SMTPUTF8")]
    Utf8NotRequested,
}

impl CommandError {
    /// The reply to such a line.
    ///
    /// *Source*: RFC 5321 sections 4.2.4 and 4.3.2; enhanced codes by RFC 2034 and RFC 3463;
    /// 553 by RFC 6531 section 3.5.
    pub fn reply(&self) -> Reply {
        match self {
            Self::Line(LineError::TooLong) => Reply::line_too_long(),
            Self::Line(_) | Self::NotUtf8 => Reply::invalid_octets(),
            Self::UnknownVerb => Reply::unknown_command(),
            Self::Argument | Self::Parameter(_) => Reply::syntax_error(),
            Self::ReversePath(_) => Reply::bad_sender_address(),
            Self::ForwardPath(_) => Reply::bad_recipient_address(),
            Self::Utf8NotRequested => Reply::utf8_not_requested(),
        }
    }
}
