//! What became of a lease.

use jiff::Timestamp;

use crate::reply::Reply;

/// The result for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// An attempt was made.
    Attempted {
        /// Its final reply, which stands for all recipients.
        final_reply: Reply,
        /// When another attempt may be made, if a recipient is left, and attempts and time are not
        /// used up.
        retry_at: Option<Timestamp>,
    },
    /// The originator was notified, or did not need to be.
    Notified,
    /// The transaction was cancelled during the attempt.
    Cancelled,
    /// The message was never completed.
    Abandoned,
    /// The agent stops, or the destination was suspended: the transaction was given back, and the attempt
    /// does not count.
    GivenBack,
    /// The destination's hosts were not tried, since they are down or their rate limit is reached. That does
    /// not count as an attempt. The transaction is attempted when a host is there again, or when it is its
    /// turn.
    HeldBack {
        /// When it is looked at in any case, if it has waited long.
        until: Option<Timestamp>,
    },
    /// No attempt was made: earlier ones were broken off until attempts or time were used up.
    UsedUp,
    /// The message could not be read from storage, so the attempt does not count.
    Postponed {
        /// When it is tried again.
        until: Timestamp,
    },
}
