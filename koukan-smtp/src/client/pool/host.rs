//! One host, and the connections to it.

use std::sync::Arc;

use koukan_core::signals::HostPort;
use tokio::time::Instant;

use crate::client::connection::Connection;

use super::{permits::Permits, queue::Queue, right::Entry, room::Room};

/// What is known of a host.
pub(super) struct Host<Io> {
    /// As many as `room` says, those in use included.
    pub(super) permits: Arc<Permits>,
    pub(super) room: Room,
    /// Those of them that are used for attempts from the queue.
    pub(super) queue: Arc<Queue>,
    /// When it has last answered.
    pub(super) answered: Option<Instant>,
    /// The one that was used last comes last, and is used first.
    pub(super) parked: Vec<Parked<Io>>,
}

/// A connection that waits for its next transaction.
pub(super) struct Parked<Io> {
    pub(super) connection: Box<Connection<Io>>,
    pub(super) expires: Instant,
}

impl<Io> Host<Io> {
    /// One that has room for so many connections, as far as is known.
    pub(super) fn new(max: usize, now: Instant) -> Self {
        Self {
            permits: Permits::new(max),
            room: Room::new(max, now),
            queue: Arc::default(),
            answered: None,
            parked: Vec::new(),
        }
    }

    /// The way to its connections; it has that name.
    pub(super) fn entry(&self, host: Arc<HostPort>, is_suspect: bool) -> Entry {
        Entry {
            host,
            permits: Arc::clone(&self.permits),
            queue: Arc::clone(&self.queue),
            is_suspect,
        }
    }

    /// There may be so many connections more.
    pub(super) fn grow(&self, by: usize) {
        self.permits.add(by);
        self.queue.grew(by);
    }

    /// There may be so many connections when the host takes all; returns those that are idle and too many.
    #[must_use = "others open as many at once"]
    pub(super) fn resize(&mut self, max: usize) -> Vec<Parked<Io>> {
        match self.room.resize(max) {
            (0, fewer) => self.permits.withdraw(fewer),
            (more, _) => self.grow(more),
        }
        // Each of them has its place among those that are free.
        let surplus = self.parked.len().saturating_sub(self.permits.available());
        self.parked.drain(..surplus).collect()
    }

    /// Whether nothing is lost with it.
    pub(super) fn is_unused(&self, now: Instant) -> bool {
        // Every permit, and everyone who waits for one, holds them.
        self.parked.is_empty()
            && Arc::strong_count(&self.permits) == 1
            && self.room.is_forgotten(now)
    }
}
