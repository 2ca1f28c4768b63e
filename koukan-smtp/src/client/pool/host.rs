//! One host, and the connections to it.

use std::sync::Arc;

use koukan_core::signals::HostPort;
use tokio::time::Instant;

use crate::client::connection::Connection;

use super::{permits::Permits, queue::Queue, right::Entry, room::Room};

/// What is known of a host.
pub(super) struct Host<Io> {
    /// As many permits as `room` says, including those in use.
    pub(super) permits: Arc<Permits>,
    pub(super) room: Room,
    /// The limit on connections for attempts from the queue.
    pub(super) queue: Arc<Queue>,
    /// When it last answered.
    pub(super) answered: Option<Instant>,
    /// Idle connections; the one that was used last is at the end, and is used first.
    pub(super) parked: Vec<Parked<Io>>,
}

/// A connection that waits for its next transaction.
pub(super) struct Parked<Io> {
    pub(super) connection: Box<Connection<Io>>,
    pub(super) expires: Instant,
}

impl<Io> Host<Io> {
    /// A host that has room for this many connections, as far as known.
    pub(super) fn new(max: usize, now: Instant) -> Self {
        Self {
            permits: Permits::new(max),
            room: Room::new(max, now),
            queue: Arc::default(),
            answered: None,
            parked: Vec::new(),
        }
    }

    /// What is needed to get a connection to the host, which has that name.
    pub(super) fn entry(&self, host: Arc<HostPort>, is_suspect: bool) -> Entry {
        Entry {
            host,
            permits: Arc::clone(&self.permits),
            queue: Arc::clone(&self.queue),
            is_suspect,
        }
    }

    /// Allows more connections.
    pub(super) fn grow(&self, by: usize) {
        self.permits.add(by);
        self.queue.grew(by);
    }

    /// Sets how many connections the settings allow; returns idle ones that are now too many.
    #[must_use = "others open as many at once"]
    pub(super) fn resize(&mut self, max: usize) -> Vec<Parked<Io>> {
        match self.room.resize(max) {
            (0, fewer) => self.permits.withdraw(fewer),
            (more, _) => self.grow(more),
        }
        // Each idle connection corresponds to a free permit.
        let surplus = self.parked.len().saturating_sub(self.permits.available());
        self.parked.drain(..surplus).collect()
    }

    /// Whether it can be forgotten without loss.
    pub(super) fn is_unused(&self, now: Instant) -> bool {
        // Every permit, and everyone who waits for one, holds a reference.
        self.parked.is_empty()
            && Arc::strong_count(&self.permits) == 1
            && self.room.is_forgotten(now)
    }
}
