//! Changes of queued transactions by operators.

use jiff::Timestamp;

use super::{Due, EventKind, TransactionId, Work};

/// A change of several transactions, each of which is judged separately.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which transactions.
    pub ids: Vec<TransactionId>,
    /// The change.
    pub action: QueueAction,
    /// The current time.
    pub now: Timestamp,
    /// Whether they are only judged, and nothing is written.
    pub is_dry: bool,
}

/// A change of a queued transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueAction {
    /// Attempt it now, before it is due. Its attempts still count.
    Retry,
    /// Make no attempt until it is released. A current attempt goes on.
    Hold,
    /// End the hold, and attempt it now; with a time of sending, at that time.
    Release,
    /// End it, without notification.
    Cancel,
    /// End it, and notify the reverse-path, if that was promised.
    Bounce,
}

/// The facts by which a change is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its work; `None` where it is final.
    pub work: Option<Work>,
    /// Whether it is under lease.
    pub is_leased: bool,
    /// Whether it is held.
    pub is_held: bool,
    /// Whether all of it goes to a suspended destination.
    pub is_suspended: bool,
}

/// Why a transaction stays unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skipped {
    /// It is over, or does not exist.
    Finished,
    /// An attempt is under way.
    Active,
    /// It is held: it must be released first.
    Held,
    /// It is not held.
    NotHeld,
    /// Its message is still to come.
    Draft,
    /// Everything is done except the notification.
    Notifying,
    /// Its destination is suspended, and must be resumed first.
    Suspended,
}

/// A transaction, and whether it was or would be changed: how many of its recipients the change is about, which are
/// those that are not settled; or why not.
pub type Judged = (TransactionId, Result<u32, Skipped>);

impl QueueAction {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Retry,
        Self::Hold,
        Self::Release,
        Self::Cancel,
        Self::Bounce,
    ];

    /// Whether this change is possible, given these facts.
    ///
    /// # Errors
    ///
    /// [`Skipped`] where it is not.
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

    /// Whether the change is a single write. The others end each transaction under a lease of its own.
    pub fn is_one_write(self) -> bool {
        matches!(self, Self::Retry | Self::Hold | Self::Release)
    }

    /// The due time after this action at `now`, for a transaction whose earliest time of sending is `send_at`.
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

    /// The event of the change itself, if it is one.
    pub fn event_kind(self) -> Option<EventKind> {
        match self {
            Self::Hold => Some(EventKind::Held),
            Self::Release => Some(EventKind::Released),
            Self::Retry | Self::Cancel | Self::Bounce => None,
        }
    }

    /// A word for the action, as in the REST API.
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
    /// A word for the reason, as in the REST API.
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
