//! Waiting for a host that has no room.

use std::time::Duration;

use koukan_core::{body::Holdings, rate::Promise, shares::Client};
use tokio::time::Instant;

/// How a transaction waits for a host that has no room for another connection while it serves other
/// connections of ours.
#[derive(Debug)]
pub(crate) struct Turn {
    may_wait: bool,
    /// The time until which it waits, set when it is refused for the first time.
    until: Option<Instant>,
    is_refused: bool,
    /// The connections that the waiting message holds.
    holdings: Holdings,
    /// The client whose message it is.
    client: Client,
    /// Whether the attempt is made from the queue, so that no client waits for it.
    is_queued: bool,
    /// The turn that is kept for it, if the host takes only so many messages in a time.
    promise: Option<Promise>,
    /// Whether to try the host even if it is known not to answer.
    is_forced: bool,
}

impl Turn {
    /// For a transaction that may wait; one that may not goes to another host.
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

    /// Sets whose message it is: clients share connections.
    pub(crate) fn of_client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// The client whose message it is.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sets whether the attempt is made from the queue, so that it leaves room to others.
    pub(crate) fn of_queued(mut self, is_queued: bool) -> Self {
        self.is_queued = is_queued;
        self
    }

    /// Sets the turn that is kept for it.
    pub(crate) fn promised(mut self, promise: Option<Promise>) -> Self {
        self.promise = promise;
        self
    }

    /// The turn that is kept for it.
    pub(crate) fn promise(&self) -> Option<&Promise> {
        self.promise.as_ref()
    }

    /// Sets whether to try the host even if it is known not to answer.
    pub(crate) fn forced(mut self, is_forced: bool) -> Self {
        self.is_forced = is_forced;
        self
    }

    /// Whether to try the host even if it is known not to answer. Only the first call returns `true`.
    pub(super) fn take_forced(&mut self) -> bool {
        std::mem::take(&mut self.is_forced)
    }

    /// Whether the attempt is made from the queue.
    pub(crate) fn is_queued(&self) -> bool {
        self.is_queued
    }

    /// Whether the host has refused a connection because it has no room.
    pub(crate) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether it waits for a connection.
    pub(crate) fn is_waiting(&self) -> bool {
        self.until.is_some()
    }

    /// The connections that the waiting message holds.
    pub(super) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// The time until which it waits for a connection.
    pub(super) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Notes that the host has refused a connection because it has no room. Returns the time until which to wait
    /// for another, if the transaction waits at all; all its waits together last `max`.
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
