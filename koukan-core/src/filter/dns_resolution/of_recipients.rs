//! What is known of the recipients of one transaction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::signals::Signals;

use super::Resolution;

/// Answers that are kept to be given again, in one transaction.
const KEPT_MAX: usize = 100;

/// What is known of each recipient, by its position; a signal of one transaction.
#[derive(Debug)]
pub(super) struct OfRecipients(Mutex<Known>);

#[derive(Debug)]
struct Known {
    found: Vec<(usize, Found)>,
    answers: Vec<(Question, Resolution)>,
    /// For how long the DNS may still be waited for.
    left: Duration,
}

/// What is known of a recipient.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) rcpt: Option<Resolution>,
    pub(super) next_hop: Option<Resolution>,
}

/// What the DNS is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// Hosts that take the mail of a domain.
    MailDomain(Box<str>),
    /// The addresses of a host.
    Host(Box<str>),
}

impl OfRecipients {
    /// Those of a transaction; what is not known yet may be waited for so long.
    pub(super) fn of(signals: &Signals, time: Duration) -> Arc<Self> {
        if let Some(known) = signals.find::<Arc<Self>>() {
            return Arc::clone(&known);
        }
        let new = Arc::new(Self(Mutex::new(Known {
            found: Vec::new(),
            answers: Vec::new(),
            left: time,
        })));
        // Another filter of this kind in the same chain uses the same.
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

    /// What was answered to that before.
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
