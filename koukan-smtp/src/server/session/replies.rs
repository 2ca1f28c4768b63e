//! Replies in the order of their commands.

use std::{
    collections::VecDeque,
    future::{Future, pending, poll_fn},
    pin::Pin,
    task::Poll,
};

use koukan_core::{
    reply::Reply,
    transaction::{Driver, Pending},
};

/// Replies that cannot be sent yet, since one of them or one before them is not there.
#[derive(Debug, Default)]
pub(super) struct Replies(VecDeque<Awaited>);

#[derive(Debug)]
enum Awaited {
    Known(Reply),
    Mail(Pending),
    Rcpt(Pending),
}

/// Which command upstream has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Mail,
    Rcpt,
}

impl Replies {
    /// Commands that may wait for a reply before reading ahead stops.
    const MAX: usize = 128;

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    /// A reply that is there, to be sent after those that are not.
    pub(super) fn push(&mut self, reply: Reply) {
        self.0.push_back(Awaited::Known(reply));
    }

    pub(super) fn push_mail(&mut self, reply: Pending) {
        self.0.push_back(Awaited::Mail(reply));
    }

    pub(super) fn push_rcpt(&mut self, reply: Pending) {
        self.0.push_back(Awaited::Rcpt(reply));
    }

    /// The reply at the front, if it needs no waiting for.
    pub(super) fn pop_known(&mut self) -> Option<Reply> {
        match self
            .0
            .pop_front_if(|front| matches!(front, Awaited::Known(_)))?
        {
            Awaited::Known(reply) => Some(reply),
            Awaited::Mail(_) | Awaited::Rcpt(_) => None,
        }
    }

    /// Drives the call until the reply at the front is there, and takes it out; with none to
    /// come, for ever. Tells also whether it took driving: a reply that was there already says
    /// nothing of what else the call was woken for.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub(super) async fn next(&mut self, driver: Option<&mut Driver>) -> (Answered, Reply, bool) {
        let Some(driver) = driver else {
            return pending().await;
        };
        let (answered, reply) = match self.0.front_mut() {
            Some(Awaited::Mail(reply)) => (Answered::Mail, reply),
            Some(Awaited::Rcpt(reply)) => (Answered::Rcpt, reply),
            Some(Awaited::Known(_)) | None => {
                driver.progress().await;
                return pending().await;
            }
        };
        let (reply, is_driven) = poll_fn(|cx| {
            if let Some(reply) = reply.look() {
                return Poll::Ready((reply, false));
            }
            let _ = driver.poll_progress(cx);
            Pin::new(&mut *reply).poll(cx).map(|reply| (reply, true))
        })
        .await;
        self.0.pop_front();
        (answered, reply, is_driven)
    }

    /// Answers with `reply` all that is still to be answered from upstream.
    pub(super) fn settle(&mut self, reply: &Reply) {
        for awaited in &mut self.0 {
            if let Awaited::Mail(_) | Awaited::Rcpt(_) = awaited {
                *awaited = Awaited::Known(reply.clone());
            }
        }
    }
}
