//! How long a message waits for copies that have not arrived.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use crate::body::MessageToken;

/// How long, if a client waits for the reply: a filter of another recipient may take its time.
const LIVE: Duration = Duration::from_millis(100);
/// How long, if the message was queued: on a busy machine copies are read one after the other.
const QUEUED: Duration = Duration::from_secs(1);

/// How long no copy of a message has arrived, from when there are to be no more.
pub(super) struct Grace {
    over: Pin<Box<Sleep>>,
    /// How many copies had not arrived when the time began.
    awaited: usize,
}

impl Grace {
    pub(super) fn new(token: &MessageToken) -> Self {
        Self {
            over: Box::pin(sleep(time(token))),
            awaited: token.awaited(),
        }
    }

    /// Waits until none has arrived, or been dropped, for the whole time, which begins anew where one has. As long as copies
    /// arrive, the others are likely to.
    pub(super) fn poll(&mut self, token: &MessageToken, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.over.as_mut().poll(cx));
            let awaited = token.awaited();
            if awaited >= self.awaited {
                return Poll::Ready(());
            }
            self.awaited = awaited;
            self.over.as_mut().reset(Instant::now() + time(token));
        }
    }
}

/// Copies that one task polls are the parts of one transaction, whose client may wait. Others were leased together.
fn time(token: &MessageToken) -> Duration {
    match token.is_of_one_task() {
        true => LIVE,
        false => QUEUED,
    }
}
