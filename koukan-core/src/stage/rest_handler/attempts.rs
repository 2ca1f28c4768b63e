//! Attempts that run beside requests.

use std::{fmt, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

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
    max: u32,
    is_stopping: watch::Sender<bool>,
}

/// Room for one attempt.
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
    _charge: Charge<Client>,
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
            max: u32::try_from(max).unwrap_or(u32::MAX),
            is_stopping: watch::Sender::new(false),
        }))
    }

    /// Makes requests that wait for a change return, and refuses new transactions.
    pub fn stop(&self) {
        self.0.is_stopping.send_replace(true);
    }

    /// Waits until no attempt is under way.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it ends.
    pub async fn ended(&self) {
        // Once all room can be acquired, no attempt has any.
        let _ = self.0.room.acquire_many(self.0.max).await;
    }

    /// Room for one more attempt of a client, if there is any.
    pub(super) fn room(&self, client: &Client) -> Option<Room> {
        Some(Room {
            _charge: self.0.shares.charge(client, 1)?,
            _permit: Arc::clone(&self.0.room).try_acquire_owned().ok()?,
        })
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.0.is_stopping.borrow()
    }

    /// Ready when requests are to stop waiting.
    pub(super) async fn stopping(&self) {
        let mut is_stopping = self.0.is_stopping.subscribe();
        // The sending half lives as long as `self`.
        let _ = is_stopping.wait_for(|is_stopping| *is_stopping).await;
    }
}

impl fmt::Debug for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.0.max as usize - self.0.room.available_permits();
        f.debug_struct("Attempts")
            .field("under_way", &under_way)
            .finish_non_exhaustive()
    }
}
