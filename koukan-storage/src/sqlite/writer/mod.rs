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
mod change;
mod checkpoint;
mod claim;
mod collect;
mod complete;
mod cursor;
mod insert;
mod lapse;
mod operation;
mod outbox;
mod session;
mod settle;
mod shrink;
mod summarise;
mod suppress;
mod suspend;
mod task;
mod together;
mod trial;

pub(super) use self::{
    change::weight,
    collect::SUPPRESSED_MAX,
    operation::{Append, Claim, Claims, Collect, Finish, KeepCursor, OpenSession, Operation, Take},
    outbox::Outbox,
    shrink::count_pages,
    together::Together,
};

use std::sync::Arc;

use koukan_core::storage::BackendError;
use sqlx::{SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    task::AbortHandle,
};

use self::{
    operation::{Pending, Queued},
    task::Task,
};
use super::{ballast::Ballast, error::closed, files::Files, lock::ProcessLock, room::Room};

/// Operations that wait, at most.
const QUEUED: usize = 4096;
/// Octets that operations that wait hold in memory, at most.
const QUEUED_OCTETS: usize = 64 << 20;

/// Ends a task when it is dropped.
struct AbortOnDrop(AbortHandle);

/// The way to the task that writes, which ends when this is dropped.
pub(super) struct Writer {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

impl Writer {
    pub(super) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        shared: (Arc<Files>, Arc<Room>, Option<Ballast>),
        outbox: Outbox,
        lock: ProcessLock,
    ) -> Self {
        let (queue, operations) = mpsc::channel(QUEUED);
        let queues = (operations, queue.downgrade());
        let task = Task::new(connection, options, shared, outbox, queues);
        tokio::spawn(task.run(lock));
        Self {
            queue,
            room: Arc::new(Semaphore::new(QUEUED_OCTETS)),
        }
    }

    /// Nobody writes: whatever is asked for fails.
    pub(super) fn none() -> Self {
        let (queue, _) = mpsc::channel(1);
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
        let (answer, answered) = oneshot::channel();
        let operation = operation(Pending::new(request, answer));
        let _waiting = self.hand_on(operation, weight);
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Puts an operation into the queue; where it has to wait for room, in a task of its own:
    /// whoever asked need not be polled for others to get theirs.
    fn hand_on(&self, operation: Operation, weight: u32) -> Option<AbortOnDrop> {
        let queued = match Arc::clone(&self.room).try_acquire_many_owned(weight) {
            Ok(room) => {
                let room = Some(room);
                match self.queue.try_send(Queued { operation, room }) {
                    Err(TrySendError::Full(queued)) => queued,
                    // Where the queue is closed, whoever asked sees that nobody answers.
                    Ok(()) | Err(TrySendError::Closed(_)) => return None,
                }
            }
            Err(_) => Queued {
                operation,
                room: None,
            },
        };
        let (queue, room) = (self.queue.clone(), Arc::clone(&self.room));
        let waiting = tokio::spawn(async move {
            let mut queued = queued;
            if queued.room.is_none() {
                queued.room = room.acquire_many_owned(weight).await.ok();
            }
            // It fails where nobody writes any more.
            let _ = queue.send(queued).await;
        });
        Some(AbortOnDrop(waiting.abort_handle()))
    }

    /// Waits until the task takes nothing more from the queue.
    pub(super) async fn ended(&self) {
        self.queue.closed().await;
    }

    /// Has everything before it done, and the database closed.
    pub(super) async fn close(&self) {
        // It fails where the task has ended before, which is as well.
        let _ = self.ask(0, (), Operation::Close).await;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        task::{Context, Waker},
        time::Duration,
    };

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_room_gets_it_without_being_polled() {
        let (queue, mut operations) = mpsc::channel(4);
        let room = Arc::new(Semaphore::new(8));
        let writer = Writer { queue, room };
        let mut cx = Context::from_waker(Waker::noop());
        let mut asked: Vec<_> = (0..3)
            .map(|_| Box::pin(writer.ask(8, (), Operation::Probe)))
            .collect();
        for asked in &mut asked {
            assert!(asked.as_mut().poll(&mut cx).is_pending());
        }
        for _ in 0..3 {
            let operation = timeout(Duration::from_secs(1), operations.recv()).await;
            operation.expect("it waits to be polled").unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_gone_away_takes_no_room() {
        let (queue, mut operations) = mpsc::channel(4);
        let room = Arc::new(Semaphore::new(8));
        let writer = Writer { queue, room };
        let mut cx = Context::from_waker(Waker::noop());
        let mut asked: Vec<_> = (0..3)
            .map(|_| Box::pin(writer.ask(8, (), Operation::Probe)))
            .collect();
        for asked in &mut asked {
            assert!(asked.as_mut().poll(&mut cx).is_pending());
        }
        asked.truncate(1);
        for is_there in [true, false] {
            let operation = timeout(Duration::from_secs(1), operations.recv()).await;
            assert_eq!(operation.is_ok(), is_there);
        }
    }
}
