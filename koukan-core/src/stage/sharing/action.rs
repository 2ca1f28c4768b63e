//! What is to be done next.

use std::task::Waker;

use crate::{
    body::Body,
    few::Few,
    reply::Reply,
    transaction::{Rcpt, Slot},
};

/// What is to be done outside of the lock.
pub(super) enum Action {
    Answer(Slot, Reply),
    Discard(Slot),
    /// Begin a run, with a slot for MAIL if a member's is open.
    Begin(usize, Option<Slot>),
    /// Hand on the recipient of that seat, at that position of the run.
    Hand {
        run: usize,
        seat: usize,
        position: usize,
        rcpt: Rcpt,
        slot: Option<Slot>,
    },
    /// There are no more recipients.
    Close(usize),
    /// Begin the message, of which each of these members has a copy; others have the same one where it is
    /// shared.
    Give {
        run: usize,
        copies: Few<Copy>,
        is_shared: bool,
    },
    Drop(usize),
    /// That member may hear of its result.
    End(usize),
    Wake(Waker),
}

/// The message, as that member has brought it.
pub(super) type Copy = (usize, Body);

/// What is so outside of the group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Recipients of a run, at most.
    pub(super) recipients_max: usize,
    /// Whether all copies of the message are here.
    pub(super) is_settled: bool,
}
