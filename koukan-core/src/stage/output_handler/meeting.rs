//! What an attempt shows of the hosts that it was to go to.

use crate::{
    reply::{RemoteMta, Reply, Unreached},
    signals::HostPort,
    storage::{Lease, record::Attempt},
};

/// What came of meeting the hosts.
pub(super) enum Meeting<'a> {
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
        if let Some(unreached) = attempt.final_reply.extensions().get::<Unreached>() {
            // What a filter has refused was not refused for the hosts' sake.
            let is_about_hosts = |reply: &Reply| {
                !reply.is_negative() || reply.extensions().get::<Unreached>().is_some()
            };
            if { replies.clone() }.all(is_about_hosts) {
                return Self::Unreached(unreached);
            }
        }
        let mut answered = replies.filter_map(|reply| reply.extensions().get::<RemoteMta>());
        match answered.next_back() {
            Some(remote) => Self::Reached(HostPort {
                host: (&*remote.host).into(),
                port: remote.address.port(),
            }),
            None => Self::Unknown,
        }
    }
}

/// Has what is queued for the same destination held back, or let go, as the attempt has shown. Whether
/// the transaction need not wait for its own schedule: it goes as soon as a host is there again.
pub(super) fn note(lease: &Lease, attempt: &Attempt) -> bool {
    let destinations = lease.storage().destinations();
    let is_new = attempt
        .final_reply
        .extensions()
        .get::<Unreached>()
        .is_some();
    if !is_new && !destinations.is_any_held() {
        return false;
    }
    let Some(destination) = lease.scheduling_key() else {
        return false;
    };
    match Meeting::of(attempt) {
        Meeting::Unreached(unreached) => {
            let is_held = destinations.unreached(&destination, lease.id(), unreached);
            // Of those that go together one has tried the hosts.
            let has_tried = unreached.is_tried && !lease.is_companion();
            if is_held && has_tried && lease.terms().is_some() {
                destinations.has_tried(&destination, lease.id());
            }
            is_held && !has_tried
        }
        Meeting::Reached(host) => {
            destinations.reached(&destination, &host);
            false
        }
        Meeting::Unknown => false,
    }
}

/// Remembers that the transaction waits for its destination's hosts.
pub(super) fn waits(lease: &Lease) {
    if let Some(destination) = lease.scheduling_key() {
        let destinations = lease.storage().destinations();
        destinations.waits(&destination, lease.id());
    }
}
