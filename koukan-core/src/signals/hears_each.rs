//! Clients that understand a final reply for each recipient.

/// The signal that the client understands a final reply for each recipient
/// ([`Reply::for_recipient`](crate::reply::Reply::for_recipient)), as LMTP clients do. So no failed
/// recipient needs to be taken into custody because others succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HearsEach;
