//! Attempts that an operator asked for.

/// The signal that an operator has asked for the attempt: an endpoint tries a host even if it is known
/// not to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forced;
