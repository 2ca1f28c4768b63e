//! What is found out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{reply::Reply, signals::Signals};

/// By which those who check a chain know that something is found out of each recipient. It is no durable signal:
/// it holds for the chain alone.
pub const RECIPIENT: &str = "recipient_verification";

/// What is known of a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verification {
    /// Its destination takes mail for it.
    Accepted,
    /// Its destination takes none.
    Refused,
    /// It could not be found out.
    Unknown,
}

impl Verification {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Refused, Self::Unknown];

    /// As rules name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Refused => "REFUSED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What a destination has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted,
    /// With that reply.
    Refused(Reply),
    Unknown,
}

/// An answer, and where it comes from.
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

/// What is known of each recipient of one transaction, by its position; a signal of that.
#[derive(Debug)]
pub(super) struct OfRecipients(Mutex<Noted>);

#[derive(Debug)]
struct Noted {
    found: Vec<(usize, Verification)>,
    /// For how long destinations may still be waited for.
    left: Duration,
}

impl OfRecipients {
    /// Those of a transaction; destinations may be waited for so long.
    pub(super) fn of(signals: &Signals, time: Duration) -> Arc<Self> {
        if let Some(known) = signals.find::<Arc<Self>>() {
            return Arc::clone(&known);
        }
        let new = Arc::new(Self(Mutex::new(Noted {
            found: Vec::new(),
            left: time,
        })));
        // Another filter of this kind in the same chain uses the same.
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
