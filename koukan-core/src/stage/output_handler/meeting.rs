//! What an attempt shows about its destination's hosts.

use crate::{
    rate::{OverRate, Rate},
    reply::{RemoteMta, Reply, Unreached},
    signals::HostPort,
    storage::{Lease, record::Attempt},
};

/// What a transaction waits for, instead of its own schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    No,
    /// Hosts that do not answer.
    ForHosts,
    /// A turn, because of a host's rate limit.
    ForTurn,
}

/// What an attempt has shown about the hosts.
pub(super) enum Meeting<'a> {
    /// The rate limit of one of them is reached.
    OverRate(&'a Rate),
    /// None of them was reached.
    Unreached(&'a Unreached),
    /// This one has answered.
    Reached(HostPort),
    /// The attempt did not get that far.
    Unknown,
}

impl<'a> Meeting<'a> {
    pub(super) fn of(attempt: &'a Attempt) -> Self {
        let replies = attempt.recipient_replies.iter().flatten();
        let replies = replies.chain([&attempt.final_reply]);
        // A refusal by a filter says nothing about the hosts.
        if let Some(unreached) = said_by_all::<Unreached>(attempt, replies.clone()) {
            return Self::Unreached(unreached);
        }
        if let Some(over) = said_by_all::<OverRate>(attempt, replies.clone()) {
            return Self::OverRate(&over.rate);
        }
        let mut answered = replies.filter_map(|reply| reply.extensions().get::<RemoteMta>());
        match answered.next_back() {
            Some(remote) => Self::Reached(remote.host_port()),
            None => Self::Unknown,
        }
    }
}

/// Whether the attempt has reached none of the destination's hosts.
pub(super) fn is_unreached(attempt: &Attempt) -> bool {
    matches!(Meeting::of(attempt), Meeting::Unreached(_))
}

/// An extension of the final reply that every negative reply has.
fn said_by_all<'a, T: 'static>(
    attempt: &'a Attempt,
    mut replies: impl Iterator<Item = &'a Reply>,
) -> Option<&'a T> {
    let said = attempt.final_reply.extensions().get::<T>()?;
    let says_so = |reply: &Reply| !reply.is_negative() || reply.extensions().get::<T>().is_some();
    replies.all(says_so).then_some(said)
}

/// Holds back or releases the destination's queued mail, by the result of the attempt. Returns what the
/// transaction waits for, instead of its own schedule.
pub(super) fn note(lease: &Lease, attempt: &Attempt) -> Waits {
    let destinations = lease.storage().destinations();
    let extensions = attempt.final_reply.extensions();
    let is_new = extensions.get::<Unreached>().is_some() || extensions.get::<OverRate>().is_some();
    if !is_new && !destinations.is_any_held() {
        return Waits::No;
    }
    let Some(destination) = lease.scheduling_key() else {
        return Waits::No;
    };
    match Meeting::of(attempt) {
        Meeting::Unreached(unreached) => {
            let is_held = destinations.unreached(&destination, lease.id(), unreached);
            // In a company, one of them has tried the hosts.
            let has_tried = unreached.is_tried && !lease.is_companion();
            if is_held && has_tried && lease.terms().is_some() {
                destinations.has_tried(&destination, lease.id());
            }
            match is_held && !has_tried {
                true => Waits::ForHosts,
                false => Waits::No,
            }
        }
        Meeting::OverRate(rate) => match destinations.over_rate(&destination, rate) {
            true => Waits::ForTurn,
            false => Waits::No,
        },
        Meeting::Reached(host) => {
            destinations.reached(&destination, &host);
            Waits::No
        }
        Meeting::Unknown => Waits::No,
    }
}

/// Remembers that the transaction waits for its destination's hosts.
pub(super) fn waits(lease: &Lease) {
    if let Some(destination) = lease.scheduling_key() {
        let destinations = lease.storage().destinations();
        destinations.waits(&destination, lease.id());
    }
}
