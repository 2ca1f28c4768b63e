//! The trait alias that all stages, filters and endpoints satisfy.

use tower::{BoxError, Service};

use crate::reply::Reply;

use super::Transaction;

/// A tower [`Service`] that takes one [`Transaction`] and returns its final reply.
///
/// Implemented for every service with these types; it is not implemented by hand.
///
/// # Example
///
/// A service made from a closure:
///
/// ```
/// use koukan_core::{reply::Reply, service::MailService, transaction::Transaction};
///
/// fn takes(_: impl MailService) {}
///
/// takes(tower::service_fn(|_tx: Transaction| async {
///     Ok::<_, tower::BoxError>(Reply::relay_denied())
/// }));
/// ```
pub trait MailService:
    Service<Transaction, Response = Reply, Error: Into<BoxError> + Send + Sync, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> MailService for S where
    S: Service<Transaction, Response = Reply, Error: Into<BoxError> + Send + Sync, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
