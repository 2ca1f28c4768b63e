//! What the originator gives.

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use koukan_core::{
    body::{Body, BodyError},
    path::ForwardPath,
    transaction::{Command, Rcpt, Recipients},
};

use super::{OUTSTANDING_MAX, content::Content};

/// Octets of the message that are taken in before the server is ready for them, at most.
const EARLY_MAX: usize = 64 * 1024;

/// The recipients and the message, pulled as far as the server can be told of them.
#[derive(Debug)]
pub(super) struct Intake {
    recipients: Recipients,
    is_recipients_end: bool,
    /// Recipients that were not sent yet.
    unsent: VecDeque<Command<Rcpt>>,
    pub(super) content: Content,
}

impl Intake {
    pub(super) fn new(recipients: Recipients, body: Body) -> Self {
        Self {
            recipients,
            is_recipients_end: false,
            unsent: VecDeque::new(),
            content: Content::new(body),
        }
    }

    /// Whether no recipient waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.unsent.is_empty()
    }

    pub(super) fn is_recipients_end(&self) -> bool {
        self.is_recipients_end
    }

    pub(super) fn recipients(&self) -> impl Iterator<Item = &ForwardPath> {
        self.unsent.iter().map(Command::forward_path)
    }

    pub(super) fn next_recipient(&mut self) -> Option<Command<Rcpt>> {
        self.unsent.pop_front()
    }

    pub(super) fn put_back(&mut self, rcpt: Command<Rcpt>) {
        self.unsent.push_front(rcpt);
    }

    /// Takes all that is there, so that it is written together; waits for nothing.
    ///
    /// An originator that gives several things in a row lets the call advance after the last.
    pub(super) async fn gather(&mut self) -> Result<(), BodyError> {
        poll_fn(|cx| {
            while self.poll_more(cx)?.is_ready() {}
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// As [`Intake::gather`], but leaves the message alone: it is not read before there is a
    /// connection for it.
    pub(super) async fn gather_recipients(&mut self) -> Result<(), BodyError> {
        poll_fn(|cx| {
            while !self.is_recipients_end && self.poll_more(cx)?.is_ready() {}
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Takes the next thing: a recipient, the end of them, or a part of the message after it.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        if self.is_recipients_end {
            return self.content.poll_gather(cx, EARLY_MAX);
        }
        if self.unsent.len() >= OUTSTANDING_MAX {
            return Poll::Pending;
        }
        match ready!(self.recipients.poll_recipient(cx)?) {
            Some(rcpt) => self.unsent.push_back(rcpt),
            None => self.is_recipients_end = true,
        }
        Poll::Ready(Ok(()))
    }
}
