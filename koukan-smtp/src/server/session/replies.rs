//! Sends replies in the order of their commands.

use std::{
    collections::VecDeque,
    task::{self, Poll, ready},
};

use koukan_core::{
    reply::Reply,
    transaction::{Driver, Pending},
};

/// Replies that cannot be sent yet, because one of them or an earlier one is not known.
#[derive(Debug, Default)]
pub(super) struct Replies(VecDeque<Awaited>);

#[derive(Debug)]
enum Awaited {
    Known(Reply),
    Mail(Pending),
    Rcpt(Pending),
}

/// The command that upstream has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    Mail,
    Rcpt,
}

impl Replies {
    /// The most commands that may wait for a reply; beyond that, no more are read ahead.
    const MAX: usize = 128;

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= Self::MAX
    }

    /// Adds a reply that is known, to be sent after those that are not.
    pub(super) fn push(&mut self, reply: Reply) {
        self.0.push_back(Awaited::Known(reply));
    }

    pub(super) fn push_mail(&mut self, reply: Pending) {
        self.0.push_back(Awaited::Mail(reply));
    }

    pub(super) fn push_rcpt(&mut self, reply: Pending) {
        self.0.push_back(Awaited::Rcpt(reply));
    }

    /// The reply at the front, if it is known.
    pub(super) fn pop_known(&mut self) -> Option<Reply> {
        if !matches!(self.0.front(), Some(Awaited::Known(_))) {
            return None;
        }
        match self.0.pop_front()? {
            Awaited::Known(reply) => Some(reply),
            Awaited::Mail(_) | Awaited::Rcpt(_) => None,
        }
    }

    /// Drives the call until the reply at the front is known, and takes it out. Never ready if no
    /// reply is awaited.
    pub(super) fn poll_next(
        &mut self,
        driver: Option<&mut Driver>,
        cx: &mut task::Context<'_>,
    ) -> Poll<(Answered, Reply)> {
        let Some(driver) = driver else {
            return Poll::Pending;
        };
        let (answered, reply) = match self.0.front_mut() {
            Some(Awaited::Mail(reply)) => (Answered::Mail, reply),
            Some(Awaited::Rcpt(reply)) => (Answered::Rcpt, reply),
            Some(Awaited::Known(_)) | None => {
                let _ = driver.poll_progress(cx);
                return Poll::Pending;
            }
        };
        let reply = ready!(driver.poll_wait(cx, reply));
        self.0.pop_front();
        Poll::Ready((answered, reply))
    }

    /// Gives `reply` to every command that still waits for upstream.
    pub(super) fn settle(&mut self, reply: &Reply) {
        for awaited in &mut self.0 {
            if let Awaited::Mail(_) | Awaited::Rcpt(_) = awaited {
                *awaited = Awaited::Known(reply.clone());
            }
        }
    }
}
