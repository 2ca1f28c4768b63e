//! The recipients that pass, as far as the field needs them.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use crate::{
    path::ForwardPath,
    transaction::{Aborted, Command, Rcpt, Recipients},
};

/// Whether there is one recipient, and which.
#[derive(Clone, Default)]
pub(super) struct SeenRecipients(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    first: Option<ForwardPath>,
    count: usize,
    /// Whether there will be no more. Until then another may be on its way.
    is_complete: bool,
}

impl SeenRecipients {
    /// Notes the recipients that pass.
    pub(super) fn watch(self, inner: Recipients) -> Recipients {
        Recipients::from_stream(Watched { inner, seen: self })
    }

    /// The recipient, if there is certainly no other.
    pub(super) fn only(&self) -> Option<ForwardPath> {
        let seen = self.lock();
        let is_only = seen.count == 1 && seen.is_complete;
        seen.first.clone().filter(|_| is_only)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Watched {
    inner: Recipients,
    seen: SeenRecipients,
}

impl Stream for Watched {
    type Item = Result<Command<Rcpt>, Aborted>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.inner.poll_recipient(cx));
        let mut seen = self.seen.lock();
        match &item {
            Some(Ok(rcpt)) => {
                seen.count += 1;
                if seen.count == 1 {
                    seen.first = Some(rcpt.forward_path().clone());
                }
            }
            Some(Err(Aborted)) => {}
            None => seen.is_complete = true,
        }
        drop(seen);
        Poll::Ready(item)
    }
}
