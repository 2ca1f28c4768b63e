//! The trait alias that an output handler and the layers around it satisfy.

use tower::{BoxError, Service};

use crate::storage::Lease;

use super::AttemptOutcome;

/// A tower [`Service`] that makes one attempt at a leased transaction: an
/// [`OutputHandler`](super::OutputHandler), or one with tower's limits around it.
///
/// Implemented for every service with these types; it is not implemented by hand.
pub trait AttemptService:
    Service<Lease, Response = AttemptOutcome, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> AttemptService for S where
    S: Service<Lease, Response = AttemptOutcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
