//! The results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{reply::Reply, signals::Signals};

/// A name by which a check of the chain knows that this filter gives a result for each recipient. It is not a
/// durable signal: it applies to this chain only.
pub const RECIPIENT: &str = "recipient_verification";

/// The result for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verification {
    /// The destination accepts mail for it.
    Accepted,
    /// The destination refuses mail for it.
    Refused,
    /// It could not be determined.
    Unknown,
}

impl Verification {
    /// All results.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Unknown];

    /// Its name in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Refused => "REFUSED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A destination's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    /// With that reply.
    Refused(Reply),
    Unknown,
}

/// An answer, and whether it was known before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) answer: Answer,
    /// Whether the destination was waited for.
    pub(super) is_asked: bool,
}

impl Told {
    pub(super) fn known(answer: Answer) -> Self {
        Self {
            answer,
            is_asked: false,
        }
    }

    pub(super) fn asked(answer: Answer) -> Self {
        Self {
            answer,
            is_asked: true,
        }
    }
}

impl Answer {
    pub(super) fn verification(&self) -> Verification {
        match self {
            Self::Accepted => Verification::Accepted,
            Self::Refused(_) => Verification::Refused,
            Self::Unknown => Verification::Unknown,
        }
    }
}

/// The results for the recipients of one transaction, by position; a signal.
#[derive(Debug)]
pub(super) struct OfRecipients(Mutex<Noted>);

#[derive(Debug)]
struct Noted {
    found: Vec<(usize, Verification)>,
    /// How much longer to wait for destinations.
    left: Duration,
}

impl OfRecipients {
    /// The results of this transaction. Destinations may be waited for, for at most `time`.
    pub(super) fn of(signals: &Signals, time: Duration) -> Arc<Self> {
        if let Some(known) = signals.find::<Arc<Self>>() {
            return Arc::clone(&known);
        }
        let new = Arc::new(Self(Mutex::new(Noted {
            found: Vec::new(),
            left: time,
        })));
        // Another filter of this kind in the same chain uses the same results.
        let _ = signals.set(Arc::clone(&new));
        new
    }

    pub(super) fn find(signals: &Signals, position: usize) -> Option<Verification> {
        let known = signals.find::<Arc<Self>>()?;
        let known = known.lock();
        let of = known.found.iter().find(|(other, _)| *other == position);
        of.map(|(_, found)| *found)
    }

    pub(super) fn note(&self, position: usize, found: Verification) {
        self.lock().found.push((position, found));
    }

    pub(super) fn left(&self) -> Duration {
        self.lock().left
    }

    pub(super) fn spend(&self, time: Duration) {
        let mut noted = self.lock();
        noted.left = noted.left.saturating_sub(time);
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
