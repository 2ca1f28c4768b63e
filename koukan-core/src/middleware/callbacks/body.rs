use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::{Stream, future::BoxFuture};

use crate::{
    body::{Body, BodyError},
    reply::Rejection,
};

use super::Callbacks;

/// A body that callbacks observe.
pub(super) struct Watched<C> {
    inner: Body,
    callbacks: Arc<C>,
    end: Option<BoxFuture<'static, Result<(), Rejection>>>,
}

impl<C: Callbacks> Watched<C> {
    pub(super) fn new(inner: Body, callbacks: Arc<C>) -> Self {
        Self {
            inner,
            callbacks,
            end: None,
        }
    }
}

impl<C: Callbacks> Stream for Watched<C> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(end) = &mut self.end {
                let verdict = ready!(end.as_mut().poll(cx));
                return Poll::Ready(verdict.err().map(|rejection| Err(rejection.into())));
            }
            match ready!(self.inner.poll_chunk(cx)) {
                Some(Ok(chunk)) => match self.callbacks.body(chunk) {
                    Ok(chunk) if chunk.is_empty() => {}
                    verdict => return Poll::Ready(Some(verdict.map_err(Into::into))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    let callbacks = Arc::clone(&self.callbacks);
                    self.end = Some(Box::pin(async move { callbacks.end().await }));
                }
            }
        }
    }
}
