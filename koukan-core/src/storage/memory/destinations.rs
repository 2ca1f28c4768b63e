//! The queue of an in-memory store, by destination.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;

use crate::storage::record::{DestinationCensus, Leased, SchedulingKey, Seen, SessionId, Work};

use super::{entry::Entry, store::Store};

impl Store {
    pub(super) fn lease_for(
        &mut self,
        session: SessionId,
        now: Timestamp,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Vec<Leased> {
        let ids = self.waiting.due_for(destination, now, limit).into_iter();
        ids.filter_map(|id| self.lease(id, session, None)).collect()
    }

    pub(super) fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Vec<DestinationCensus> {
        let mut by_host = BTreeMap::<Box<str>, DestinationCensus>::new();
        for entry in self.transactions.values() {
            let only = entry.only_host();
            if !only.is_empty() && host.is_none_or(|host| *host == *only) {
                by_host.entry(only).or_default().count(entry, now);
            }
        }
        by_host.retain(|_, census| census.queued > 0);
        let counted = by_host.into_iter();
        let mut counted: Vec<_> = counted
            .map(|(host, census)| DestinationCensus { host, ..census })
            .collect();
        counted.sort_by_key(|census| {
            let is_suspended = self.waiting.is_suspended(&census.host);
            (!is_suspended, Reverse(census.queued))
        });
        counted.truncate(limit);
        counted
    }

    /// The properties by which a change is judged.
    pub(super) fn seen(&self, entry: &Entry) -> Seen {
        Seen {
            work: entry.due().map(|due| due.work),
            is_leased: entry.lease.is_some(),
            is_held: entry.stored.held.is_some(),
            is_suspended: self.waiting.stops(entry),
        }
    }
}

impl DestinationCensus {
    fn count(&mut self, entry: &Entry, now: Timestamp) {
        let Some(due) = entry.due() else { return };
        self.queued += 1;
        match (entry.lease, entry.stored.held) {
            (Some(_), _) => self.active += 1,
            (None, Some(_)) => self.held += 1,
            (None, None) if due.work == Work::Attempt && due.at <= now => self.due += 1,
            (None, None) if due.work == Work::Attempt => {
                let next = self.next.map_or(due.at, |next| next.min(due.at));
                self.next = Some(next);
            }
            (None, None) => {}
        }
        let ended = |attempt: &Option<_>| attempt.as_ref().map(|it: &super::Attempt| it.ended);
        if ended(&entry.stored.last_attempt) > ended(&self.last_attempt) {
            self.last_attempt.clone_from(&entry.stored.last_attempt);
        }
    }
}

impl Entry {
    /// The host or domain to which all of it goes; empty if there is not exactly one.
    pub(super) fn only_host(&self) -> Box<str> {
        let (context, recipients) = (&self.stored.context, &self.stored.recipients);
        let key = SchedulingKey::of(context, recipients);
        key.only_host(context, recipients).into()
    }
}
