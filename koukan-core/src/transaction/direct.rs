//! Transactions without a call.
//!
//! A call costs its streams, its future and its polls. That is little, but there is a call for each
//! recipient of a message, and if nothing stands between the originator of a transaction and the stage
//! that takes it, no call is needed. Such a stage implements [`Direct`]: it receives the commands as they
//! come instead of two streams. The originator need not know which kind of stage it has: it gives
//! everything to an [`Upstream`].

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{self, Poll},
};

use crate::{
    body::{Body, MessageToken},
    context::Context,
    reply::Reply,
    signals::Signals,
};

use super::{Driver, Mail, Pending, Rcpt, panicked::Panicked, rescue};

/// What a transaction begins with.
pub(crate) struct Start {
    pub(crate) context: Arc<Context>,
    pub(crate) mail: Mail,
    pub(crate) signals: Signals,
    /// Set if the message is a copy of which there are others.
    pub(crate) token: Option<MessageToken>,
}

/// A service that takes transactions without a call as well as with one.
pub(crate) trait Direct: Send + Sync {
    /// Begins a transaction, and returns the pending reply to MAIL. Gives back a transaction that needs a
    /// call.
    fn start(&self, start: Start) -> Result<(Box<dyn Taker>, Pending), Box<Start>>;
}

/// A transaction that was begun without a call. Dropping it aborts the transaction.
///
/// The five laws hold for it.
pub(crate) trait Taker: Send {
    /// Takes a recipient.
    fn rcpt(&mut self, rcpt: Rcpt) -> Pending;

    /// There are no more recipients.
    fn data(&mut self);

    /// Takes the whole message, after the recipients.
    fn body(&mut self, body: Body);

    /// Advances the transaction; ready at its end.
    fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<()>;

    /// The final reply, once it has ended.
    fn final_reply(&self) -> Option<&Reply>;

    /// Ends with that reply, because the transaction has failed.
    fn end(&mut self, reply: Reply);

    /// Gives up the transaction upstream, if it has not ended.
    fn abandon(&mut self);
}

/// The receiver of a transaction.
pub(crate) enum Upstream {
    Call(Driver),
    Direct(Box<dyn Taker>),
}

impl Upstream {
    /// As [`Driver::poll_rcpt_ready`].
    pub(super) fn poll_rcpt_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        match self {
            Self::Call(driver) => driver.poll_rcpt_ready(cx),
            Self::Direct(_) => Poll::Ready(()),
        }
    }

    /// As [`Driver::start_rcpt`].
    pub(super) fn start_rcpt(&mut self, rcpt: Rcpt) -> Pending {
        match self {
            Self::Call(driver) => driver.start_rcpt(rcpt),
            Self::Direct(taker) => taker.rcpt(rcpt),
        }
    }

    /// As [`Driver::data`].
    pub(super) fn data(&mut self) {
        match self {
            Self::Call(driver) => driver.data(),
            Self::Direct(taker) => taker.data(),
        }
    }

    /// As [`Driver::whole_body`].
    pub(super) fn whole_body(&mut self, body: Body) {
        match self {
            Self::Call(driver) => driver.whole_body(body),
            Self::Direct(taker) => taker.body(body),
        }
    }

    /// Notes that something is handed on and this is polled right after, so that no task has to be woken.
    pub(super) fn expect(&self) {
        if let Self::Call(driver) = self {
            driver.expect();
        }
    }

    /// As [`Driver::poll_progress`].
    pub(crate) fn poll_progress(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        let taker = match self {
            Self::Call(driver) => return driver.poll_progress(cx),
            Self::Direct(taker) => taker,
        };
        let polled = catch_unwind(AssertUnwindSafe(|| taker.poll(cx)));
        polled.unwrap_or_else(|panic| {
            taker.end(rescue(&Panicked::new(panic).into()));
            Poll::Ready(())
        })
    }

    /// Gives up the transaction upstream, if it has not ended.
    pub(super) fn abandon(&mut self) {
        match self {
            Self::Call(driver) => driver.abandon(),
            Self::Direct(taker) => taker.abandon(),
        }
    }

    /// As [`Driver::final_reply`].
    pub(super) fn final_reply(&self) -> Option<&Reply> {
        match self {
            Self::Call(driver) => driver.final_reply(),
            Self::Direct(taker) => taker.final_reply(),
        }
    }
}
