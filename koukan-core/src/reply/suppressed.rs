//! Addresses to which nothing is sent.

/// Says that nothing was sent, since the address was found to be bad before: an extension of
/// [`Reply`](super::Reply).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Suppressed;
