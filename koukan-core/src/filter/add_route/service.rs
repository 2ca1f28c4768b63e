use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    body::BodyError,
    reply::{Rejection, Reply},
    service::MailService,
    transaction::Transaction,
};

use super::{
    copy::{Copy, lost},
    layer::{AddRouteLayer, Route},
};

/// Sends a copy of each message by another route; see the [module documentation](super).
///
/// # Cancel safety
///
/// Dropping the call cancels a copy that is being delivered, and stores none.
#[derive(Debug, Clone)]
pub struct AddRoute<S> {
    inner: S,
    layer: AddRouteLayer,
}

impl<S> AddRoute<S> {
    pub(super) fn new(inner: S, layer: AddRouteLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S: MailService> Service<Transaction> for AddRoute<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let copy = Copy::new(&tx, self.layer.asks);
        let tx = watched(tx, &copy);
        let seen = copy.clone();
        let route = self.layer.route.clone();
        match route {
            Route::Delivered(route) => {
                let call = self.inner.call(tx.map_body(|body| {
                    body.then(move |body| async move {
                        let body = seen.see(body).await?;
                        match seen.deliver(&route).await {
                            Ok(()) => Ok(body),
                            Err(rejection) => Err(BodyError::from(rejection)),
                        }
                    })
                }));
                Box::pin(async move { call.await.map_err(Into::into) })
            }
            Route::Stored(queue) => {
                let call =
                    self.inner.call(tx.map_body(|body| {
                        body.then(move |body| async move { seen.see(body).await })
                    }));
                Box::pin(async move {
                    let reply = call.await.map_err(Into::into)?;
                    // A client that hears of success can rely on the copy.
                    if reply.is_positive()
                        && let Err(error) = copy.store(&queue).await
                    {
                        lost(&copy, &error, &reply);
                    }
                    Ok(reply)
                })
            }
        }
    }
}

/// Has the copy know of the recipients.
fn watched(tx: Transaction, copy: &Copy) -> Transaction {
    let (adding, leaving) = (copy.clone(), copy.clone());
    let tx = tx.filter_recipients(move |rcpt| {
        adding.add(rcpt);
        Ok::<(), Rejection>(())
    });
    tx.map_recipient_replies(move |rcpt, reply| {
        if !reply.is_positive() {
            leaving.leave_out(rcpt);
        }
        reply
    })
}
