//! Suspended destinations, and the queue for each destination.

use jiff::Timestamp;

use crate::reply::Reply;

use super::{Attempt, RecipientOutcome};

/// A suspension: no attempt is made at a destination until it is resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// The host or domain, as [`SchedulingKey::host`](super::SchedulingKey::host) returns it.
    pub host: Box<str>,
    /// Since when.
    pub since: Timestamp,
    /// Who has suspended it.
    pub by: Box<str>,
}

/// A change of the suspensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuspensionChange {
    /// Suspends a destination. If it is suspended already, it stays as it is.
    Suspend(Suspension),
    /// Resumes this host or domain.
    Resume(Box<str>),
}

/// What is queued for a destination.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DestinationCensus {
    /// The host or the domain.
    pub host: Box<str>,
    /// Transactions that are not over, with any work.
    pub queued: u64,
    /// Those that are being worked on.
    pub active: u64,
    /// Those that are held individually, and not worked on.
    pub held: u64,
    /// Those with a due attempt that are neither held nor worked on.
    pub due: u64,
    /// When the next attempt is due, of those that are neither held nor due yet.
    pub next: Option<Timestamp>,
    /// The most recent attempt at a queued transaction.
    pub last_attempt: Option<Attempt>,
}

impl DestinationCensus {
    /// The reply to the last attempt, if it got one; with several recipients, that of the first whose
    /// delivery failed.
    pub fn last_reply(&self) -> Option<Reply> {
        let attempt = self.last_attempt.as_ref()?;
        attempt.given_final_reply()?;
        let outcomes = (0..attempt.recipient_replies.len().max(1)).map(|it| attempt.outcome(it));
        let failed =
            |outcome: &RecipientOutcome| !matches!(outcome, RecipientOutcome::Delivered(_));
        let first = { outcomes.clone() }.find(failed);
        let outcome = first.or_else(|| outcomes.clone().next())?;
        Some(outcome.reply().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_failed_tells() {
        let at = Timestamp::UNIX_EPOCH;
        let [ok, busy] = [Reply::recipient_ok(), Reply::mailbox_busy()];
        let replies = vec![Some(ok), Some(busy), Some(Reply::no_such_user())];
        let broken_off = Attempt::broken_off(at, None, replies);
        let census = |attempt| DestinationCensus {
            last_attempt: attempt,
            ..DestinationCensus::default()
        };
        assert_eq!(census(None).last_reply(), None);
        assert_eq!(census(Some(broken_off.clone())).last_reply(), None);
        let accepted = Attempt {
            final_reply: Reply::message_accepted(),
            ..broken_off
        };
        let told = census(Some(accepted.clone())).last_reply();
        assert_eq!(told, Some(Reply::mailbox_busy()));
        let refused = Attempt {
            recipient_replies: Vec::new(),
            final_reply: Reply::connection_failed(),
            ..accepted
        };
        let told = census(Some(refused)).last_reply();
        assert_eq!(told, Some(Reply::connection_failed()));
    }
}
