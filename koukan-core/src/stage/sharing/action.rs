//! The next actions.

use std::task::Waker;

use crate::{
    body::Body,
    few::Few,
    reply::Reply,
    transaction::{Rcpt, Slot},
};

/// An action that is carried out outside of the lock.
pub(super) enum Action {
    Answer(Slot, Reply),
    Discard(Slot),
    /// Begin a run, with a slot for MAIL if a member still needs its answer.
    Begin(usize, Option<Slot>),
    /// Pass on the recipient of this seat, at this position in the run.
    Hand {
        run: usize,
        seat: usize,
        position: usize,
        rcpt: Rcpt,
        slot: Option<Slot>,
    },
    /// There are no more recipients.
    Close(usize),
    /// Begin the message. Each of these members has brought a copy; all share the same message.
    Give {
        run: usize,
        copies: Few<Copy>,
        is_shared: bool,
    },
    Drop(usize),
    /// This member may get its result.
    End(usize),
    Wake(Waker),
}

/// The message, as this member has brought it.
pub(super) type Copy = (usize, Body);

/// Facts from outside of the group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The largest number of recipients in a run.
    pub(super) recipients_max: usize,
    /// Whether all copies of the message have arrived.
    pub(super) is_settled: bool,
}
