//! Attempts beside requests.

use std::{fmt, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    shares::{Charge, Client, Shares},
    storage::Lease,
};

/// The attempts that a [`RestHandler`](super::RestHandler) has begun, each in a task of its own:
/// requests come and go, and the attempt goes on.
#[derive(Clone)]
pub struct Attempts(Arc<Inner>);

struct Inner {
    room: Arc<Semaphore>,
    /// The same room, as it is shared between clients.
    shares: Shares<Client>,
    max: u32,
    is_stopping: watch::Sender<bool>,
}

/// Room for one attempt.
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
    _charge: Charge<Client>,
}

/// A lease that is attempted beside the requests, and the room for that.
pub(super) struct Admitted {
    pub(super) lease: Lease,
    pub(super) room: Room,
}

impl Admitted {
    /// Without room the transaction is left to the queue, and so is one that is to be sent later.
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

    /// Lets requests that wait for a change return, and refuses new transactions.
    pub fn stop(&self) {
        self.0.is_stopping.send_replace(true);
    }

    /// Waits until no attempt is under way.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn ended(&self) {
        // All room is there when nobody has any.
        let _ = self.0.room.acquire_many(self.0.max).await;
    }

    /// Room for one more of a client, if there is some for it.
    pub(super) fn room(&self, client: &Client) -> Option<Room> {
        Some(Room {
            _charge: self.0.shares.charge(client, 1)?,
            _permit: Arc::clone(&self.0.room).try_acquire_owned().ok()?,
        })
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.0.is_stopping.borrow()
    }

    /// Ready when waits are to end.
    pub(super) async fn stopping(&self) {
        let mut is_stopping = self.0.is_stopping.subscribe();
        // The sender lives as long as this.
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
