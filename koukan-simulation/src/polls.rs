//! Counts how often something is polled.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::world::World;

/// A future whose polls are counted.
pub(crate) struct Counted<F> {
    world: Arc<World>,
    future: Pin<Box<F>>,
}

impl<F> Counted<F> {
    pub(crate) fn new(world: Arc<World>, future: F) -> Self {
        Self {
            world,
            future: Box::pin(future),
        }
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.world.ledger().polls += 1;
        self.future.as_mut().poll(cx)
    }
}
