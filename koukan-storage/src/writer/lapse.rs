//! Leases that were taken for a caller who has gone.
//!
//! A caller that asks for leases may be dropped while they are being committed. Nobody would then
//! work on those transactions until the session ends, so they are given back.

use std::sync::{Arc, Mutex, PoisonError};

use koukan_core::storage::record::{Leased, SessionId};
use tokio::sync::mpsc;

use crate::row::LeaseRow;

use super::operation::{Operation, Queued};

/// Leases to be given back; clones share them.
#[derive(Clone)]
pub(crate) struct Lapses {
    leases: Arc<Mutex<Vec<LeaseRow>>>,
    queue: mpsc::WeakSender<Queued>,
}

/// Leases on their way to the caller.
pub(crate) struct Claimed {
    leased: Vec<Leased>,
    session: SessionId,
    lapses: Lapses,
    is_committed: bool,
}

impl Lapses {
    pub(crate) fn new(queue: mpsc::WeakSender<Queued>) -> Self {
        Self {
            leases: Arc::default(),
            queue,
        }
    }

    pub(crate) fn claimed(&self, session: SessionId, leased: Vec<Leased>) -> Claimed {
        Claimed {
            leased,
            session,
            lapses: self.clone(),
            is_committed: false,
        }
    }

    /// Takes the leases that are to be given back.
    pub(crate) fn take(&self) -> Vec<LeaseRow> {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut leases)
    }

    /// Puts them back, to be tried again with the next batch.
    pub(crate) fn put_back(&self, lapsed: Vec<LeaseRow>) {
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.extend(lapsed);
    }

    fn tell(&self) {
        if let Some(queue) = self.queue.upgrade() {
            // If the queue is full, the writer is busy, and will check for lapses.
            let _ = queue.try_send(Queued {
                operation: Operation::Lapse,
                room: None,
            });
        }
    }
}

impl Claimed {
    /// From now on they must arrive or be given back.
    pub(crate) fn commit(&mut self) {
        self.is_committed = true;
    }

    pub(crate) fn into_leased(mut self) -> Vec<Leased> {
        std::mem::take(&mut self.leased)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if !self.is_committed || self.leased.is_empty() {
            return;
        }
        let lease =
            |leased: &Leased| LeaseRow::new(leased.transaction.id, self.session, leased.fence);
        self.lapses
            .put_back(self.leased.iter().map(lease).collect());
        self.lapses.tell();
    }
}
