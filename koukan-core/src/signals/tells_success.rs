//! Senders that are told of success.

/// The signal that the sender of a transaction that nobody has in custody is told of success where he
/// wants that (RFC 3461) and nobody else tells him: an Exploder sets it for its legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TellsSuccess;
