//! What DATA and BDAT have in common.

use bytes::Bytes;

/// A step of receiving a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyEvent {
    /// A piece of the message, never empty.
    Chunk(Bytes),
    /// The message cannot be taken; no more pieces follow, the end still does.
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
/// Under either, only CRLF `.` CRLF ends a message: no form of bare line end ever does.
///
/// *Source*: RFC 5321 section 2.3.8; RFC 6409 section 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BareLineEnds {
    /// Receive the message to its end and refuse it. Other systems take bare line ends for line
    /// ends, so what is one message here could be two there; this is the choice for a relay.
    #[default]
    Reject,
    /// Make CRLF of an LF alone, and refuse a message with a CR alone: for users' programs, some of
    /// which end lines with LF. What goes on has line ends that mean one thing to all.
    Normalise,
    /// Pass them on as content; only where no other SMTP system gets the message.
    Keep,
}
