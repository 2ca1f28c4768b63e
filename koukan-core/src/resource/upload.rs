//! Writing octets to a resource.

use crate::body::Body;

use super::Location;

/// Writes octets of a message, or of one of its parts.
#[derive(Debug)]
pub struct Upload {
    /// The target: the location of the body or of a blob.
    pub to: Location,
    /// The range of the octets; `None` where they are the whole blob.
    pub range: Option<Range>,
    /// The octets.
    pub content: Body,
}

/// A range of a blob's octets.
///
/// *Source*: RFC 9110 section 14.4, the `Content-Range` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Position of the first octet.
    pub start: u64,
    /// Position after the last octet, where it is known in advance; equal to `start` where there
    /// are none, for example when only the length is given.
    pub end: Option<u64>,
    /// The length of the whole blob, once it is known: a range that reaches it finishes the blob.
    pub total: Option<u64>,
}
