//! The call of a service, including the wait until the service is ready.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower::BoxError;

use crate::reply::Reply;

use super::{MailService, Transaction};

pin_project! {
    /// A call: its start and its future share the same memory.
    #[project = CallProjection]
    pub(super) enum Call<S, F> {
        Waiting {
            service: S,
            transaction: Option<Transaction>,
        },
        Called {
            #[pin]
            future: F,
        },
    }
}

impl<S: MailService> Call<S, S::Future> {
    pub(super) fn new(service: S, transaction: Transaction) -> Self {
        Self::Waiting {
            service,
            transaction: Some(transaction),
        }
    }
}

impl<S: MailService> Future for Call<S, S::Future> {
    type Output = Result<Reply, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let future = match self.as_mut().project() {
                CallProjection::Called { future } => return future.poll(cx).map_err(Into::into),
                CallProjection::Waiting {
                    service,
                    transaction,
                } => {
                    ready!(service.poll_ready(cx)).map_err(Into::into)?;
                    let transaction = transaction.take();
                    service.call(transaction.expect("it is called once"))
                }
            };
            self.set(Self::Called { future });
        }
    }
}
