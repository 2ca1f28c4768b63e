//! Clients that hear each recipient's final reply.

/// The signal that whoever sends a transaction hears the final reply of each recipient
/// ([`Reply::for_recipient`](crate::reply::Reply::for_recipient)), as an LMTP client does: nobody need
/// take custody of one that has failed for the sake of those that have not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HearsEach;
