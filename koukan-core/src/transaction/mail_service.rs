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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a mail service",
    label = "not a mail service",
    note = "`tower::service_fn` makes one from an `async fn(Transaction) -> Result<Reply, BoxError>`",
    note = "a layer, such as that of `from_fn`, is put around one: `layer.layer(service)`",
    note = "a type of your own must implement `Service<Transaction, Response = Reply>` and be \
            `Clone + Send + Sync + 'static`; its futures must be `Send`"
)]
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
