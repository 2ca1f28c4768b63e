//! Suppressed addresses.

/// Says that nothing was sent, since the address was found to be bad earlier: an extension of
/// [`Reply`](super::Reply).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Suppressed;
