//! The results for the recipients of one transaction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::signals::Signals;

use super::Resolution;

/// How many answers of one transaction are cached.
const KEPT_MAX: usize = 100;

/// The results for the recipients, by position; a signal of one transaction.
#[derive(Debug)]
pub(super) struct OfRecipients(Mutex<Known>);

#[derive(Debug)]
struct Known {
    found: Vec<(usize, Found)>,
    answers: Vec<(Question, Resolution)>,
    /// How much longer to wait for the DNS.
    left: Duration,
}

/// What is known of a recipient.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) rcpt: Option<Resolution>,
    pub(super) next_hop: Option<Resolution>,
}

/// A question to the DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// The hosts that accept a domain's mail.
    MailDomain(Box<str>),
    /// The addresses of a host.
    Host(Box<str>),
}

impl OfRecipients {
    /// The results of this transaction. Unknown ones may be waited for, for at most `time`.
    pub(super) fn of(signals: &Signals, time: Duration) -> Arc<Self> {
        if let Some(known) = signals.find::<Arc<Self>>() {
            return Arc::clone(&known);
        }
        let new = Arc::new(Self(Mutex::new(Known {
            found: Vec::new(),
            answers: Vec::new(),
            left: time,
        })));
        // Another filter of this kind in the same chain uses the same results.
        let _ = signals.set(Arc::clone(&new));
        new
    }

    pub(super) fn find(signals: &Signals, position: usize) -> Option<Found> {
        let known = signals.find::<Arc<Self>>()?;
        let known = known.lock();
        let of = known.found.iter().find(|(other, _)| *other == position);
        of.map(|(_, found)| *found)
    }

    pub(super) fn note(&self, position: usize, found: Found) {
        self.lock().found.push((position, found));
    }

    /// The answer to the same question before.
    pub(super) fn answer(&self, question: &Question) -> Option<Resolution> {
        let known = self.lock();
        let answer = known.answers.iter().find(|(asked, _)| asked == question);
        answer.map(|(_, answer)| *answer)
    }

    pub(super) fn keep(&self, question: Question, answer: Resolution) {
        let mut known = self.lock();
        if known.answers.len() < KEPT_MAX {
            known.answers.push((question, answer));
        }
    }

    pub(super) fn left(&self) -> Duration {
        self.lock().left
    }

    pub(super) fn spend(&self, time: Duration) {
        let mut known = self.lock();
        known.left = known.left.saturating_sub(time);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
