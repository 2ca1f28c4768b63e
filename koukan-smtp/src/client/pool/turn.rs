//! Waiting for a host that has no room.

use std::time::Duration;

use koukan_core::{body::Holdings, rate::Promise, shares::Client};
use tokio::time::Instant;

/// How a transaction waits for a host that has no room for another connection while it serves others
/// of ours.
#[derive(Debug)]
pub(crate) struct Turn {
    may_wait: bool,
    /// Until when it waits, since it was refused for the first time.
    until: Option<Instant>,
    is_refused: bool,
    /// Of the message that waits.
    holdings: Holdings,
    /// Whose message it is.
    client: Client,
    /// Whether no client waits for it.
    is_queued: bool,
    /// The turn that is kept for it, where the host takes only so many messages in a time.
    promise: Option<Promise>,
    /// Whether the host is to be tried also where it is known not to answer.
    is_forced: bool,
}

impl Turn {
    /// For a transaction that may wait, or has other hosts to go to.
    pub(crate) fn new(may_wait: bool, holdings: Holdings) -> Self {
        Self {
            may_wait,
            until: None,
            is_refused: false,
            holdings,
            client: Client::Unknown,
            is_queued: false,
            promise: None,
            is_forced: false,
        }
    }

    /// Says whose message it is: connections are shared between clients.
    pub(crate) fn of_client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Whose message it is.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Says whether the attempt is made from the queue, so that it leaves room to others.
    pub(crate) fn of_queued(mut self, is_queued: bool) -> Self {
        self.is_queued = is_queued;
        self
    }

    /// Says which turn is kept for it.
    pub(crate) fn promised(mut self, promise: Option<Promise>) -> Self {
        self.promise = promise;
        self
    }

    /// The turn that is kept for it.
    pub(crate) fn promise(&self) -> Option<&Promise> {
        self.promise.as_ref()
    }

    /// Says whether the host is to be tried also where it is known not to answer.
    pub(crate) fn forced(mut self, is_forced: bool) -> Self {
        self.is_forced = is_forced;
        self
    }

    /// Whether that is so; once it was asked it is not any longer.
    pub(super) fn take_forced(&mut self) -> bool {
        std::mem::take(&mut self.is_forced)
    }

    /// Whether the attempt is made from the queue.
    pub(crate) fn is_queued(&self) -> bool {
        self.is_queued
    }

    /// Whether the host has refused a connection for want of room.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether one is waited for.
    pub(crate) fn is_waiting(&self) -> bool {
        self.until.is_some()
    }

    /// What the message holds that waits.
    pub(super) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Until when one is waited for.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Notes that the host has refused a connection for want of room; until when to wait for
    /// another, if at all: so long in all as `max`.
    pub(crate) fn wait(&mut self, max: Duration) -> Option<Instant> {
        self.is_refused = true;
        if !self.may_wait {
            return None;
        }
        let now = Instant::now();
        let until = *self.until.get_or_insert_with(|| now + max);
        (now < until).then_some(until)
    }
}
