//! The events of an in-memory store.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::storage::{
    EventPage, EventQuery, EventRetention,
    record::{KeptEvent, NewEvent},
};

/// The newest events, up to the number to be kept.
pub(super) struct Events {
    kept: VecDeque<KeptEvent>,
    max: usize,
    last: u64,
    written: watch::Sender<u64>,
}

impl Events {
    pub(super) fn new(max: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            max: max.max(1),
            last: 0,
            written: watch::Sender::new(0),
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    pub(super) fn add(&mut self, events: impl IntoIterator<Item = NewEvent>) {
        let before = self.last;
        for event in events {
            self.last += 1;
            let number = self.last;
            self.kept.push_back(KeptEvent { number, event });
        }
        let excess = self.kept.len().saturating_sub(self.max);
        self.kept.drain(..excess);
        if self.last > before {
            self.written.send_replace(self.last);
        }
    }

    pub(super) fn page(&self, query: &EventQuery) -> EventPage {
        let first = self.kept.front().map_or(self.last + 1, |it| it.number);
        let after = query.after.unwrap_or(first - 1);
        let until = after.saturating_add(EventQuery::SEEN_MAX).min(self.last);
        let in_reach = self.kept.iter().skip_while(|it| it.number <= after);
        let in_reach = in_reach.take_while(|it| it.number <= until);
        let asked_for = in_reach.filter(|it| {
            let senders = query.senders.as_ref();
            let name = &*it.event.sender.name;
            let is_of_kind = query.kinds.is_empty() || query.kinds.contains(&it.event.kind);
            is_of_kind && senders.is_none_or(|senders| senders.iter().any(|known| **known == *name))
        });
        let events: Vec<_> = asked_for.take(query.limit).cloned().collect();
        let last = events.last().filter(|_| events.len() >= query.limit);
        EventPage {
            seen: last.map_or(until, |last| last.number),
            events,
            first,
            last: self.last,
        }
    }

    /// Removes at most `limit` of the oldest. Returns how many.
    pub(super) fn collect(&mut self, now: Timestamp, keep: EventRetention, limit: usize) -> u64 {
        let before = now.checked_sub(keep.age).unwrap_or(Timestamp::MIN);
        let mut removed = 0;
        while removed < limit
            && let Some(first) = self.kept.front()
            && (first.event.at < before || self.kept.len() as u64 > keep.count)
        {
            self.kept.pop_front();
            removed += 1;
        }
        removed as u64
    }
}
