//! The transactions of a store in memory that wait for a lease.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use crate::storage::{
    QueueDepth,
    record::{
        Companions, MessageKey, SchedulingKey, Standing, Suspension, SuspensionChange,
        TransactionId, Work,
    },
};

use super::entry::Entry;

/// Transactions that are due now or later and not leased; held ones separately. Attempts have their
/// destination.
#[derive(Default)]
pub(super) struct Waiting {
    /// First due first.
    clear: BTreeMap<(Timestamp, TransactionId), Option<Bound>>,
    /// Those that were in the fewest crashes first.
    suspects: BTreeMap<(u32, Timestamp, TransactionId), Option<Bound>>,
    held: BTreeSet<TransactionId>,
    /// Of those in `clear`, by message: attempts at messages that others carry as well, and, without a
    /// destination, their notifications; the earliest first.
    by_message: HashMap<OfMessage, BTreeSet<(Timestamp, TransactionId)>>,
    /// The suspended destinations.
    suspended: BTreeMap<Box<str>, Suspension>,
}

/// A message, with the destination of attempts.
type OfMessage = (MessageKey, Option<SchedulingKey>);

/// The destination of an attempt.
struct Bound {
    destination: SchedulingKey,
    /// The host or domain that all of it goes to; empty if there is none.
    only_host: Box<str>,
}

impl Waiting {
    /// Adds a due transaction. Does nothing with a final one.
    pub(super) fn add(&mut self, entry: &Entry) {
        let id = entry.stored.id;
        let Some(due) = entry.due() else { return };
        if entry.stored.held.is_some() {
            self.held.insert(id);
            return;
        }
        let destination = (due.work == Work::Attempt).then(|| Bound {
            destination: entry.scheduling_key(),
            only_host: entry.only_host(),
        });
        if let Some(message) = message(entry) {
            let companions = self.by_message.entry(message).or_default();
            companions.insert((due.at, id));
        }
        match entry.standing() {
            Standing::Clear => self.clear.insert((due.at, id), destination),
            Standing::Suspect => self
                .suspects
                .insert((entry.stored.crashes, due.at, id), destination),
        };
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        let id = entry.stored.id;
        let Some(due) = entry.due() else { return };
        if self.held.remove(&id) {
            return;
        }
        if let Some(message) = message(entry)
            && let Some(companions) = self.by_message.get_mut(&message)
        {
            companions.remove(&(due.at, id));
            if companions.is_empty() {
                self.by_message.remove(&message);
            }
        }
        match entry.standing() {
            Standing::Clear => self.clear.remove(&(due.at, id)),
            Standing::Suspect => self.suspects.remove(&(entry.stored.crashes, due.at, id)),
        };
    }

    /// How many there are, and how many of them are due at `now`.
    pub(super) fn depth(&self, now: Timestamp) -> QueueDepth {
        let clear = self.clear.keys().map(|(at, _)| *at);
        let all = clear.chain(self.suspects.keys().map(|(_, at, _)| *at));
        let (due, later): (Vec<_>, Vec<_>) = all.partition(|at| *at <= now);
        QueueDepth {
            due: due.len() as u64,
            later: later.len() as u64,
            active: 0,
            held: self.held.len() as u64,
            oldest_due: due.into_iter().min(),
        }
    }

    /// The first transactions that are due at `now`, except attempts at these destinations.
    pub(super) fn due(
        &self,
        standing: Standing,
        now: Timestamp,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Vec<TransactionId> {
        let takes = |bound: &&Option<Bound>| self.takes(bound.as_ref(), except);
        match standing {
            Standing::Clear => {
                let due = self.clear.iter().take_while(|((at, _), _)| *at <= now);
                let due = due.filter(|(_, destination)| takes(destination));
                due.map(|((_, id), _)| *id).take(limit).collect()
            }
            Standing::Suspect => {
                let due = self.suspects.iter().filter(|((_, at, _), _)| *at <= now);
                let due = due.filter(|(_, destination)| takes(destination));
                due.map(|((_, _, id), _)| *id).take(limit).collect()
            }
        }
    }

    /// The first due attempts at this destination.
    pub(super) fn due_for(
        &self,
        destination: &SchedulingKey,
        now: Timestamp,
        limit: usize,
    ) -> Vec<TransactionId> {
        let due = self.clear.iter().take_while(|((at, _), _)| *at <= now);
        let is_for = |bound: &Option<Bound>| {
            let to = bound.as_ref().map(|bound| &bound.destination);
            to == Some(destination) && self.takes(bound.as_ref(), &[])
        };
        let due = due.filter(|(_, bound)| is_for(bound));
        due.map(|((_, id), _)| *id).take(limit).collect()
    }

    /// The first due companions.
    pub(super) fn companions(&self, wanted: &Companions, limit: usize) -> Vec<TransactionId> {
        let key = (wanted.message_key, wanted.destination.clone());
        let waiting = self.by_message.get(&key).into_iter().flatten();
        let due = waiting.take_while(|(at, _)| *at <= wanted.until);
        let due = due.filter(|place| {
            let bound = self.clear.get(place);
            self.takes(bound.and_then(Option::as_ref), &[])
        });
        due.map(|(_, id)| *id).take(limit).collect()
    }

    pub(super) fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Option<Timestamp> {
        let takes = |bound: &Option<Bound>| self.takes(bound.as_ref(), except);
        match standing {
            Standing::Clear => {
                let mut waiting = self.clear.iter();
                let next = waiting.find(|(_, destination)| takes(destination));
                next.map(|((at, _), _)| *at)
            }
            Standing::Suspect => {
                let waiting = self.suspects.iter();
                let waiting = waiting.filter(|(_, destination)| takes(destination));
                waiting.map(|((_, at, _), _)| *at).min()
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.clear.len() + self.suspects.len() + self.held.len()
    }

    /// Removes everything except the suspensions.
    pub(super) fn clear(&mut self) {
        *self = Self {
            suspended: std::mem::take(&mut self.suspended),
            ..Self::default()
        };
    }

    pub(super) fn change_suspension(&mut self, change: SuspensionChange) {
        match change {
            SuspensionChange::Suspend(suspension) => {
                let host = suspension.host.clone();
                self.suspended.entry(host).or_insert(suspension);
            }
            SuspensionChange::Resume(host) => drop(self.suspended.remove(&host)),
        }
    }

    pub(super) fn suspensions(&self) -> Vec<Suspension> {
        self.suspended.values().cloned().collect()
    }

    pub(super) fn suspension(&self, host: &str) -> Option<Suspension> {
        self.suspended.get(host).cloned()
    }

    pub(super) fn is_suspended(&self, host: &str) -> bool {
        !self.suspended.is_empty() && self.suspended.contains_key(host)
    }

    /// Whether it is an attempt at a suspended destination.
    pub(super) fn stops(&self, entry: &Entry) -> bool {
        let is_attempt = entry.due().is_some_and(|due| due.work == Work::Attempt);
        is_attempt && !self.suspended.is_empty() && self.is_suspended(&entry.only_host())
    }

    fn takes(&self, bound: Option<&Bound>, except: &[SchedulingKey]) -> bool {
        bound.is_none_or(|bound| {
            !except.contains(&bound.destination) && !self.is_suspended(&bound.only_host)
        })
    }
}

/// The message of a transaction that may have companions, and the destination of an attempt.
fn message(entry: &Entry) -> Option<OfMessage> {
    let is_clear = entry.standing() == Standing::Clear;
    let message = entry.stored.message_key.filter(|_| is_clear)?;
    match entry.due()?.work {
        Work::Attempt => Some((message, Some(entry.scheduling_key()))),
        Work::Notify => Some((message, None)),
        Work::Abandon => None,
    }
}
