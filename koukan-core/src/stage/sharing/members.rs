//! What a group knows of one of its members.

use std::task::Waker;

use crate::{body::Body, reply::Reply};

/// One transaction.
#[derive(Default)]
pub(super) struct Member {
    pub(super) is_gone: bool,
    pub(super) has_all_recipients: bool,
    pub(super) has_body: bool,
    /// Whether its message, of which some is there, is not sent before all of it is.
    pub(super) is_slow: bool,
    /// What nobody reads so far.
    pub(super) body: Option<Body>,
    pub(super) result: Option<Reply>,
    /// Whether it hears of its result: not before its commands are answered, for then what is open would be
    /// answered by that.
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

    /// Has it hear of its result; returns who is to be woken.
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
