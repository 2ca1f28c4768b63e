//! Attempts that are dropped by a stop.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::storage::{Lease, Stopper};

pin_project! {
    /// Gives the future's lease back if the future is dropped before it is ready, which happens
    /// only in a stop. A lease that is dropped within the future, or in a panic, has failed.
    pub(super) struct GivesBack<F> {
        // Dropped before the future; not there while that is polled.
        stopper: Option<Stopper>,
        #[pin]
        future: F,
    }
}

impl<F> GivesBack<F> {
    /// `work` makes the future.
    pub(super) fn new(lease: Lease, work: impl FnOnce(Lease) -> F) -> Self {
        Self {
            stopper: Some(lease.stopper()),
            future: work(lease),
        }
    }
}

impl<F: Future> Future for GivesBack<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let stopper = this.stopper.take();
        let polled = this.future.poll(cx);
        match polled {
            Poll::Pending => *this.stopper = stopper,
            Poll::Ready(_) => stopper.into_iter().for_each(Stopper::disarm),
        }
        polled
    }
}
