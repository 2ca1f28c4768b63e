//! The trait alias that an output handler and the layers around it satisfy.

use tower::{BoxError, Service};

use crate::storage::Lease;

use super::AttemptOutcome;

/// A tower [`Service`] that makes one attempt at a leased transaction: an
/// [`OutputHandler`](super::OutputHandler), or one with tower's limits around it.
///
/// Implemented for every service with these types; it is not implemented by hand.
///
/// # What a service around it must do
///
/// Once it has polled the inner future, it must poll it again whenever that wakes the task, or drop it. tower's layers do so.
/// Attempts at the same message for the same host share one exchange with that host ([`sharing`](crate::stage::sharing)), and
/// one of them drives it for all. So an attempt that is kept but not polled also stops the others. Nothing is lost, but their
/// clients get a reply only when the [timeout of the storage writer](crate::stage::storage_writer::StorageWriterTimeouts) is
/// over. An example is a future that is held across another `.await`, as in a `select!` whose other branch waits for something.
/// A dropped attempt stops no other.
///
/// ```
/// use koukan_core::{stage::output_handler::AttemptService, storage::Lease};
/// use tower::{BoxError, ServiceExt};
///
/// # async fn look_up() {}
/// // Await other work before the attempt begins, or concurrently with it, but never instead of it.
/// async fn attempt(output: impl AttemptService, lease: Lease) -> Result<(), BoxError> {
///     look_up().await;
///     output.oneshot(lease).await.map_err(Into::into)?;
///     Ok(())
/// }
/// ```
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
