//! Attempts that run beside requests.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    shares::{Charge, Client, Shares},
    storage::Lease,
};

/// The attempts that a [`RestHandler`](super::RestHandler) has begun. Each runs in a task of its
/// own and goes on when the request ends.
#[derive(Clone)]
pub struct Attempts(Arc<Inner>);

struct Inner {
    room: Arc<Semaphore>,
    /// The same room, shared fairly between clients.
    shares: Shares<Client>,
    max: usize,
    /// Told whenever an attempt has ended.
    one_ended: Notify,
    phase: watch::Sender<Phase>,
    /// Whether what would have to be kept is refused.
    keeps_nothing: AtomicBool,
}

/// How far the stop of the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// It does not stop.
    Open,
    /// What can be kept is left to the queue.
    Stopping,
    /// Nothing more begins that is not kept.
    Leaving,
    /// Nobody waits any more.
    Closing,
}

/// Room for one attempt.
pub(super) struct Room {
    permit: Option<OwnedSemaphorePermit>,
    _charge: Charge<Client>,
    attempts: Attempts,
}

impl Drop for Room {
    fn drop(&mut self) {
        // Before anybody is told.
        drop(self.permit.take());
        self.attempts.0.one_ended.notify_waiters();
    }
}

/// A lease that is attempted beside the requests, and its room.
pub(super) struct Admitted {
    pub(super) lease: Lease,
    pub(super) room: Room,
}

impl Admitted {
    /// Without room, and if the transaction is scheduled for later, it is left to the queue.
    pub(super) fn new(lease: Lease, room: Option<Room>) -> Option<Self> {
        match room {
            Some(room) if !lease.is_scheduled() => Some(Self { lease, room }),
            _ => {
                lease.leave();
                None
            }
        }
    }
}

impl Attempts {
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self(Arc::new(Inner {
            room: Arc::new(Semaphore::new(max)),
            shares: Shares::new(max as u64),
            max,
            one_ended: Notify::new(),
            phase: watch::Sender::new(Phase::Open),
            keeps_nothing: AtomicBool::new(false),
        }))
    }

    /// Begins to stop. New transactions that storage keeps are committed as before, but are not attempted here: they are
    /// left to the queue, for the next start or another process. So no client need be refused. Incremental transactions
    /// are not kept, and are attempted as before, until [`Attempts::leave`]. Attempts no longer wait for messages that are
    /// still to be uploaded.
    pub fn stop(&self) {
        self.reach(Phase::Stopping);
    }

    /// Like [`Attempts::stop`]; in addition, incremental transactions are refused: their clients would have to come again
    /// for replies when nobody is here. Those that have begun continue. So [`Attempts::ended`] is ready at some time,
    /// however many clients come.
    pub fn leave(&self) {
        self.reach(Phase::Leaving);
    }

    /// Like [`Attempts::stop`], for storage that does not outlive the process: what would be left to the queue is refused.
    pub fn stop_without_queue(&self) {
        self.0.keeps_nothing.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// Like [`Attempts::leave`]; in addition, requests that wait for a change return, now and later.
    pub fn let_go(&self) {
        self.reach(Phase::Closing);
    }

    /// Waits until no attempt is under way, including those that begin while it waits.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it ends.
    pub async fn ended(&self) {
        loop {
            let one_ended = self.0.one_ended.notified();
            tokio::pin!(one_ended);
            one_ended.as_mut().enable();
            if self.0.room.available_permits() >= self.0.max {
                return;
            }
            one_ended.await;
        }
    }

    /// Room for one more attempt of a client, for what is not kept: none once the agent leaves.
    pub(super) fn room_unless_leaving(&self, client: &Client) -> Option<Room> {
        self.room_before(Phase::Leaving, client)
    }

    /// The same for what is in the queue otherwise: none once the agent stops.
    pub(super) fn room_unless_stopping(&self, client: &Client) -> Option<Room> {
        self.room_before(Phase::Stopping, client)
    }

    /// Room for one more attempt of a client, if there is any before that phase.
    fn room_before(&self, phase: Phase, client: &Client) -> Option<Room> {
        let room = Room {
            _charge: self.0.shares.charge(client, 1)?,
            permit: Some(Arc::clone(&self.0.room).try_acquire_owned().ok()?),
            attempts: self.clone(),
        };
        // In this order: whoever sees no attempt after the phase has begun sees none later.
        let may_begin = *self.0.phase.borrow() < phase;
        may_begin.then_some(room)
    }

    /// Whether what would have to be kept is refused.
    pub(super) fn keeps_nothing(&self) -> bool {
        self.0.keeps_nothing.load(Ordering::Relaxed)
    }

    /// Ready when what can be kept is left to the queue.
    pub(super) async fn stopping(&self) {
        self.reached(Phase::Stopping).await;
    }

    /// Ready when waits are to end.
    pub(super) async fn closing(&self) {
        self.reached(Phase::Closing).await;
    }

    fn reach(&self, phase: Phase) {
        self.0.phase.send_if_modified(|known| {
            let is_news = *known < phase;
            *known = phase.max(*known);
            is_news
        });
    }

    async fn reached(&self, phase: Phase) {
        let mut known = self.0.phase.subscribe();
        // The sender lives as long as this.
        let _ = known.wait_for(|known| *known >= phase).await;
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.0.max - self.0.room.available_permits();
        f.debug_struct("Attempts")
            .field("under_way", &under_way)
            .finish_non_exhaustive()
    }
}
