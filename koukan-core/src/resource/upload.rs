//! Octets that are written to a resource.

use crate::body::Body;

use super::Location;

/// Writes octets of a message, or of one of its parts.
#[derive(Debug)]
pub struct Upload {
    /// Where to: the location of the body or of a blob.
    pub to: Location,
    /// Which octets these are; `None` where they are all.
    pub range: Option<Range>,
    /// The octets.
    pub content: Body,
}

/// Which octets of a blob are written.
///
/// *Source*: RFC 9110 section 14.4, the `Content-Range` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Position of the first octet.
    pub start: u64,
    /// Position after the last octet, where it is known beforehand; as `start` where there are
    /// none, as when nothing but the length is told.
    pub end: Option<u64>,
    /// Octets of the blob in all, once they are known: who reaches them finishes the blob.
    pub total: Option<u64>,
}
