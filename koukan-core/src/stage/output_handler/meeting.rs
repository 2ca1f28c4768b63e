//! What an attempt shows of the hosts that it was to go to.

use crate::{
    rate::{OverRate, Rate},
    reply::{RemoteMta, Reply, Unreached},
    signals::HostPort,
    storage::{Lease, record::Attempt},
};

/// What a transaction waits for in place of its own schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    No,
    /// Hosts that do not answer.
    ForHosts,
    /// A turn, since a host takes only so many messages in a time.
    ForTurn,
}

/// What came of meeting the hosts.
pub(super) enum Meeting<'a> {
    /// One of them takes no more just now.
    OverRate(&'a Rate),
    /// None of them was reached.
    Unreached(&'a Unreached),
    /// This one has answered.
    Reached(HostPort),
    /// The attempt did not come so far.
    Unknown,
}

impl<'a> Meeting<'a> {
    pub(super) fn of(attempt: &'a Attempt) -> Self {
        let replies = attempt.recipient_replies.iter().flatten();
        let replies = replies.chain([&attempt.final_reply]);
        // What a filter has refused was not refused for the hosts' sake.
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

/// What the final reply carries, where whatever is negative carries it.
fn said_by_all<'a, T: 'static>(
    attempt: &'a Attempt,
    mut replies: impl Iterator<Item = &'a Reply>,
) -> Option<&'a T> {
    let said = attempt.final_reply.extensions().get::<T>()?;
    let says_so = |reply: &Reply| !reply.is_negative() || reply.extensions().get::<T>().is_some();
    replies.all(says_so).then_some(said)
}

/// Has what is queued for the same destination held back, or let go, as the attempt has shown. What the
/// transaction waits for in place of its own schedule.
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
            // Of those that go together one has tried the hosts.
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
