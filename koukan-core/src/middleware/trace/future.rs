use std::{
    fmt,
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
        // Until it is dropped.
        #[pin]
        call: Option<F>,
        following: Following,
        record: Option<Record>,
    }

    impl<F> PinnedDrop for TraceFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // Dropping a call may log something, too.
            this.following.in_scope(|| this.call.set(None));
        }
    }
}

impl<F> TraceFuture<F> {
    pub(super) fn new(call: F, following: Following, record: Option<Record>) -> Self {
        Self {
            call: Some(call),
            following,
            record,
        }
    }
}

impl<F> fmt::Debug for TraceFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceFuture").finish_non_exhaustive()
    }
}

impl<F: Future<Output = Result<Reply, E>>, E> Future for TraceFuture<F> {
    type Output = Result<Reply, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(call) = this.call.as_pin_mut() else {
            return Poll::Pending;
        };
        let result = ready!(this.following.in_scope(|| call.poll(cx)));
        if let Some(record) = this.record.take() {
            record.end(result.as_ref().ok());
        }
        Poll::Ready(result)
    }
}
