//! MAIL and RCPT, each with the slot for its reply.

use crate::{
    envelope::{Mail, Rcpt},
    path::{ForwardPath, ReversePath},
    reply::Reply,
};

use super::slot::{Slot, Watch};

/// A command and the right to answer it.
///
/// It is consumed by answering it. Passing it on passes on the right to answer.
#[derive(Debug)]
#[must_use = "a dropped command is answered with the final reply or 451"]
pub struct Command<T> {
    request: T,
    slot: Slot,
}

impl<T> Command<T> {
    pub(crate) fn new(request: T, slot: Slot) -> Self {
        Self { request, slot }
    }

    /// The request.
    pub fn request(&self) -> &T {
        &self.request
    }

    /// The request, to be changed before it goes upstream.
    pub fn request_mut(&mut self) -> &mut T {
        &mut self.request
    }

    /// Answers the command.
    pub fn answer(self, reply: Reply) {
        self.slot.answer(reply);
    }

    /// Lets `f` see and change the reply on its way downstream, whoever gives it.
    pub fn map_reply(self, f: impl FnOnce(Reply) -> Reply + Send + 'static) -> Self {
        Self {
            request: self.request,
            slot: self.slot.map_reply(f),
        }
    }

    /// Separates request and slot.
    pub fn into_parts(self) -> (T, Slot) {
        (self.request, self.slot)
    }

    /// Replaces the request and keeps the slot.
    pub fn with_request<U>(self, request: U) -> Command<U> {
        Command {
            request,
            slot: self.slot,
        }
    }
}

impl Command<Rcpt> {
    /// As [`Slot::watch`].
    pub(crate) fn watch(&self) -> Option<Watch> {
        self.slot.watch()
    }

    /// The recipient's position in the transaction: how many RCPT commands the originator gave
    /// before it, including those that were refused on the way.
    ///
    /// It relates final replies to recipients: see [`FinalReplies`](crate::reply::FinalReplies).
    pub fn position(&self) -> usize {
        self.slot.position()
    }

    /// The recipient's forward-path.
    pub fn forward_path(&self) -> &ForwardPath {
        &self.request.forward_path
    }
}

impl Command<Mail> {
    /// The sender's reverse-path.
    pub fn reverse_path(&self) -> &ReversePath {
        &self.request.reverse_path
    }
}
