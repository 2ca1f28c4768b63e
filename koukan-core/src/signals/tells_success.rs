//! Senders that are notified of success.

/// The signal that the sender of a transaction that is not in custody is notified of success, if the
/// sender has asked for that (RFC 3461) and nobody else does it. An Exploder sets it for its legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TellsSuccess;
