use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::reply::Reply;

use super::{current::Following, record::Record};

pin_project! {
    /// The call of a [`Trace`](super::Trace).
    pub struct TraceFuture<F> {
        #[pin]
        call: F,
        following: Following,
        record: Option<Record>,
    }
}

impl<F> TraceFuture<F> {
    pub(super) fn new(call: F, following: Following, record: Option<Record>) -> Self {
        Self {
            call,
            following,
            record,
        }
    }
}

impl<F: Future<Output = Result<Reply, E>>, E> Future for TraceFuture<F> {
    type Output = Result<Reply, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.following.in_scope(|| this.call.poll(cx)));
        if let Some(record) = this.record.take() {
            record.end(result.as_ref().ok());
        }
        Poll::Ready(result)
    }
}
