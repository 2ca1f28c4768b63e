//! The root of a task.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::Passes;

pin_project! {
    /// The future of a whole task, for use with spawn: a wake that comes while the task is being
    /// polled makes another pass at once, without the scheduler.
    #[derive(Debug)]
    #[must_use = "a future does nothing until it is polled"]
    pub struct Root<F> {
        passes: Passes,
        #[pin]
        future: F,
    }
}

impl<F> Root<F> {
    /// Makes a future the root of a task.
    pub fn new(future: F) -> Self {
        Self {
            passes: Passes::new(),
            future,
        }
    }
}

impl<F: Future> Future for Root<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.passes.poll(cx, |cx| this.future.as_mut().poll(cx))
    }
}
