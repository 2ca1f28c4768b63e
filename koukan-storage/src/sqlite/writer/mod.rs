//! The one task that writes, and the queue to it.
//!
//! It takes what waits, up to a bound, does all of it in one SQL transaction, and answers after
//! the commit. A lone operation is committed at once; while one commit is under way, the next
//! gathers behind it.
//!
//! An operation that cannot be done for its own reason (a blob of another length, a lease that is
//! lost) writes nothing and fails no other: that shows in the number of rows changed, not in an
//! error. Where a statement does fail, the operations are done again one by one, each in a commit
//! of its own.
//!
//! Where a file of the database is no longer the one that was opened, nothing is written; where
//! that shows after the commit, nobody is acknowledged.
//!
//! Where the commit itself fails, a sync above all, nobody of the batch is acknowledged. What it
//! has put into the log may still be found there after a crash, as a whole, but nothing builds on
//! it: the next commit writes over the same place.

mod batch;
mod blobs;
mod checkpoint;
mod claim;
mod collect;
mod complete;
mod insert;
mod lapse;
mod operation;
mod session;
mod settle;
mod shrink;
mod summarise;
mod task;

pub(super) use self::operation::{Append, Claim, Collect, Finish, OpenSession, Operation, Take};

use std::sync::Arc;

use koukan_core::storage::BackendError;
use sqlx::{SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::{
    operation::{Pending, Queued},
    task::Task,
};
use super::{error::closed, files::Files, lock::ProcessLock};

/// Operations that wait, at most.
const QUEUED: usize = 4096;
/// Octets that operations that wait hold in memory, at most.
const QUEUED_OCTETS: usize = 64 << 20;

/// The way to the task that writes, which ends when this is dropped.
pub(super) struct Writer {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

impl Writer {
    pub(super) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        files: Arc<Files>,
        lock: ProcessLock,
    ) -> Self {
        let (queue, operations) = mpsc::channel(QUEUED);
        let task = Task::new(connection, options, files, operations, queue.downgrade());
        tokio::spawn(task.run(lock));
        Self {
            queue,
            room: Arc::new(Semaphore::new(QUEUED_OCTETS)),
        }
    }

    /// Has an operation done that holds `weight` octets, and waits until it is durable.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the operation is done or not done, as a whole.
    pub(super) async fn ask<Q, T>(
        &self,
        weight: usize,
        request: Q,
        operation: fn(Pending<Q, T>) -> Operation,
    ) -> Result<T, BackendError> {
        let weight =
            u32::try_from(weight.min(QUEUED_OCTETS)).expect("the bound is less than 4 GiB");
        let room = Arc::clone(&self.room).acquire_many_owned(weight).await;
        let (answer, answered) = oneshot::channel();
        let queued = Queued {
            operation: operation(Pending::new(request, answer)),
            room: Some(room.map_err(|_| closed())?),
        };
        self.queue.send(queued).await.map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Has everything before it done, and the database closed.
    pub(super) async fn close(&self) {
        // It fails where the task has ended before, which is as well.
        let _ = self.ask(0, (), Operation::Close).await;
    }
}
