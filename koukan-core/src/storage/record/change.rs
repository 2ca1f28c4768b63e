//! What whoever operates the agent has changed about queued transactions.

use jiff::Timestamp;

use super::{Due, EventKind, TransactionId, Work};

/// A change of several transactions; each of them is judged by itself.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which.
    pub ids: Vec<TransactionId>,
    /// What is to become of them.
    pub action: QueueAction,
    /// The present time.
    pub now: Timestamp,
    /// Whether they are only judged, and nothing is written.
    pub is_dry: bool,
}

/// What is to become of a queued transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueAction {
    /// It is attempted now, and not when it would be due. Its attempts still count.
    Retry,
    /// No attempt is made until it is released; one that is under way goes on.
    Hold,
    /// It is not held any longer, and attempted now; what waits for the time at which it is to be sent, at that time.
    Release,
    /// Nothing more is tried, and nobody is told.
    Cancel,
    /// Nothing more is tried, and the reverse-path is notified, where that was promised.
    Bounce,
}

/// What is known of a transaction when it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What is to be done; `None` where it is final.
    pub work: Option<Work>,
    /// Whether it is under lease.
    pub is_leased: bool,
    /// Whether it is held.
    pub is_held: bool,
    /// Whether all of it goes to a destination that is suspended.
    pub is_suspended: bool,
}

/// Why a transaction stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skipped {
    /// It is over, or not there.
    Finished,
    /// An attempt is under way.
    Active,
    /// It is held: it must be released first.
    Held,
    /// It is not held.
    NotHeld,
    /// Its message is still to come.
    Draft,
    /// All is over but the notification.
    Notifying,
    /// Its destination is suspended: that must be resumed first.
    Suspended,
}

/// A transaction, and whether it was changed, or would be.
pub type Judged = (TransactionId, Result<(), Skipped>);

impl QueueAction {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Retry,
        Self::Hold,
        Self::Release,
        Self::Cancel,
        Self::Bounce,
    ];

    /// Whether it can be done to a transaction of which that is known.
    ///
    /// # Errors
    ///
    /// [`Skipped`], where it cannot.
    pub fn judge(self, seen: Seen) -> Result<(), Skipped> {
        let work = seen.work.ok_or(Skipped::Finished)?;
        match (self, work) {
            (Self::Cancel, _) => Ok(()),
            (Self::Release, _) if seen.is_held => Ok(()),
            (Self::Release, _) => Err(Skipped::NotHeld),
            (_, Work::Abandon) => Err(Skipped::Draft),
            (_, Work::Notify) => Err(Skipped::Notifying),
            (Self::Retry | Self::Bounce, _) if seen.is_leased => Err(Skipped::Active),
            (Self::Retry | Self::Hold, _) if seen.is_held => Err(Skipped::Held),
            (Self::Retry, _) if seen.is_suspended => Err(Skipped::Suspended),
            (Self::Retry | Self::Hold | Self::Bounce, _) => Ok(()),
        }
    }

    /// Whether the change itself is all of it. The others end each transaction under a lease of its own.
    pub fn is_one_write(self) -> bool {
        matches!(self, Self::Retry | Self::Hold | Self::Release)
    }

    /// When that is due after this is done `now` to a transaction that is to be sent at `send_at` at the earliest.
    pub(crate) fn due_after(
        self,
        due: Due,
        now: Timestamp,
        send_at: Option<Timestamp>,
    ) -> Timestamp {
        match self {
            Self::Retry => due.brought_forward(now, None),
            Self::Release => due.brought_forward(now, send_at),
            Self::Hold | Self::Cancel | Self::Bounce => due.at,
        }
    }

    /// The event that the change itself is, where it is one.
    pub fn event_kind(self) -> Option<EventKind> {
        match self {
            Self::Hold => Some(EventKind::Held),
            Self::Release => Some(EventKind::Released),
            Self::Retry | Self::Cancel | Self::Bounce => None,
        }
    }

    /// The action in a word, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Cancel => "cancel",
            Self::Bounce => "bounce",
        }
    }
}

impl Skipped {
    /// The reason in a word, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Active => "active",
            Self::Held => "held",
            Self::NotHeld => "not_held",
            Self::Draft => "draft",
            Self::Notifying => "notifying",
            Self::Suspended => "suspended",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_an_attempt_can_be_changed() {
        use QueueAction::{Bounce, Cancel, Hold, Release, Retry};
        use Skipped::{Active, Draft, Finished, Held, NotHeld, Notifying, Suspended};
        let seen = |work, is_leased, is_held| Seen {
            work,
            is_leased,
            is_held,
            is_suspended: false,
        };
        let attempt = Some(Work::Attempt);
        for (seen, verdicts) in [
            (
                seen(attempt, false, false),
                [Ok(()), Ok(()), Err(NotHeld), Ok(()), Ok(())],
            ),
            (
                seen(attempt, false, true),
                [Err(Held), Err(Held), Ok(()), Ok(()), Ok(())],
            ),
            (
                seen(attempt, true, false),
                [Err(Active), Ok(()), Err(NotHeld), Ok(()), Err(Active)],
            ),
            (
                seen(attempt, true, true),
                [Err(Active), Err(Held), Ok(()), Ok(()), Err(Active)],
            ),
            (
                seen(Some(Work::Notify), false, false),
                [
                    Err(Notifying),
                    Err(Notifying),
                    Err(NotHeld),
                    Ok(()),
                    Err(Notifying),
                ],
            ),
            (
                seen(Some(Work::Abandon), false, false),
                [Err(Draft), Err(Draft), Err(NotHeld), Ok(()), Err(Draft)],
            ),
            (seen(None, false, false), [Err(Finished); 5]),
            (
                Seen {
                    is_suspended: true,
                    ..seen(attempt, false, false)
                },
                [Err(Suspended), Ok(()), Err(NotHeld), Ok(()), Ok(())],
            ),
        ] {
            let judged = [Retry, Hold, Release, Cancel, Bounce].map(|action| action.judge(seen));
            assert_eq!(judged, verdicts, "{seen:?}");
        }
    }
}
