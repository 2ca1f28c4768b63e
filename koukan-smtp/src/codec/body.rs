//! What DATA and BDAT have in common.

use bytes::Bytes;

/// A step of receiving a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEvent {
    /// A piece of the message, never empty.
    Chunk(Bytes),
    /// The message cannot be taken. No more pieces follow, but [`BodyEvent::End`] still does.
    Fault(ContentFault),
    /// The message (DATA) or the chunk (BDAT) is over.
    End,
}

/// Why the content of a message cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentFault {
    /// A CR or LF is not part of a CRLF.
    #[error("bare CR or LF in the message")]
    BareLineEnd,
    /// A line has more octets than allowed.
    #[error("line too long in the message")]
    LineTooLong,
}

/// What to do with a message that holds a CR or LF that is not part of a CRLF.
///
/// Under each policy, only CRLF `.` CRLF ends a message; a bare line end never does.
///
/// *Source*: RFC 5321 section 2.3.8; RFC 6409 section 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BareLineEnds {
    /// Receive the message to its end and refuse it. Other systems may treat a bare CR or LF as a line end, and
    /// so see two messages where this server sees one. This is the choice for a relay.
    #[default]
    Reject,
    /// Turn an LF alone into CRLF, and refuse a message with a CR alone. This is for users' programs, some of
    /// which end lines with LF. What is passed on has line ends that all systems read alike.
    Normalise,
    /// Pass bare line ends on as content. Use this only where no other SMTP system gets the message.
    Keep,
}
