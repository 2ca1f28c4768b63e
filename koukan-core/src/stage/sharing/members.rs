//! A group's knowledge of a member.

use std::{sync::Arc, task::Waker};

use crate::{
    body::Body,
    reply::Reply,
    signals::{Departure, Holding},
};

/// A member.
#[derive(Default)]
pub(super) struct Member {
    pub(super) is_gone: bool,
    pub(super) has_all_recipients: bool,
    pub(super) has_body: bool,
    /// Whether its message is sent only when it is complete, although a part is there.
    pub(super) is_slow: bool,
    /// The message, while nobody reads it.
    pub(super) body: Option<Body>,
    /// Where it is an attempt that can be ended while the message has not left.
    pub(super) departure: Option<Arc<Departure>>,
    /// The group says when the message leaves.
    pub(super) holding: Option<Holding>,
    pub(super) result: Option<Reply>,
    /// Whether it may get its result: not before its commands are answered, since the result would answer
    /// those that are open.
    pub(super) has_ended: bool,
    pub(super) waiting: Option<Waker>,
    /// Nearly always one.
    pub(super) first_seat: Option<usize>,
    pub(super) other_seats: Vec<usize>,
}

impl Member {
    pub(super) fn is_open(&self) -> bool {
        !self.is_gone && self.result.is_none()
    }

    /// Lets it get its result. Returns the waker to wake.
    pub(super) fn end(&mut self) -> Option<Waker> {
        self.has_ended = true;
        self.waiting.take()
    }

    /// Its final reply, once its commands are answered.
    pub(super) fn final_reply(&self) -> Option<&Reply> {
        self.result.as_ref().filter(|_| self.has_ended)
    }

    pub(super) fn seats(&self) -> impl Iterator<Item = usize> + Clone + use<'_> {
        let others = self.other_seats.iter().copied();
        self.first_seat.into_iter().chain(others)
    }

    pub(super) fn has_several_seats(&self) -> bool {
        !self.other_seats.is_empty()
    }
}
