//! Attempts that are asked for.

/// The signal that whoever operates the agent has asked for the attempt: an endpoint tries a host also
/// where that is known not to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forced;
