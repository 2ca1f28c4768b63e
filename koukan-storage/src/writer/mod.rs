//! The queue of requests to the writer, and how a batch of them is written.
//!
//! A task takes the waiting requests, up to a limit, executes them in one SQL transaction
//! ([`BatchWriter::apply`]), and answers after the commit. A single request is committed at once. While a
//! commit is under way, requests gather for the next one.
//!
//! A request that cannot be done for a reason of its own (a blob of another length, a lost lease) writes
//! nothing and does not affect the others. That shows in the number of changed rows, not in an error. If a
//! statement fails, the requests are repeated one by one, each in its own commit.

mod batch;
mod blobs;
mod change;
mod claim;
mod collect;
mod complete;
mod cursor;
mod insert;
mod lapse;
mod new_blobs;
mod operation;
mod outbox;
mod presence;
mod session;
mod settle;
mod summarise;
mod suppress;
mod suspend;
mod together;
mod trial;

pub(crate) use self::{
    batch::Batch,
    change::weight,
    collect::SUPPRESSED_MAX,
    lapse::Lapses,
    operation::{
        Append, Claim, Claims, Collect, Finish, KeepCursor, OpenSession, Operation, Pending,
        Queued, Take,
    },
    outbox::Outbox,
    presence::{Presence, Publish},
    together::Together,
};

use std::{collections::HashSet, sync::Arc};

use koukan_core::storage::BackendError;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    task::AbortHandle,
};

use crate::{closed::closed, database::Connection};

/// How many operations may wait.
const QUEUED: usize = 4096;
/// How many operations with priority may wait.
const FIRST: usize = 16;
/// How many octets waiting operations may hold in memory.
const QUEUED_OCTETS: usize = 64 << 20;

/// Aborts a task when it is dropped.
struct AbortOnDrop(AbortHandle);

/// The sending end of the writing task's queue. The task ends when this is dropped.
pub(crate) struct Writer {
    queue: mpsc::Sender<Queued>,
    first: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
}

impl Writer {
    /// Creates the queue; a writing task takes the receiving end.
    pub(crate) fn new() -> (Self, Operations) {
        let (queue, operations) = mpsc::channel(QUEUED);
        let (writer, first) = Self::of(queue);
        let lapses = Lapses::new(writer.queue.downgrade());
        let operations = Operations {
            operations,
            first,
            lapses,
        };
        (writer, operations)
    }

    pub(crate) fn none() -> Self {
        Self::of(mpsc::channel(1).0).0
    }

    fn of(queue: mpsc::Sender<Queued>) -> (Self, mpsc::Receiver<Queued>) {
        let (first, operations) = mpsc::channel(FIRST);
        let writer = Self {
            queue,
            first,
            room: Arc::new(Semaphore::new(QUEUED_OCTETS)),
        };
        (writer, operations)
    }

    /// Queues an operation that holds `weight` octets, and waits until it is durable.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the operation is done completely or not at all.
    pub(crate) async fn ask<Q, T>(
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

    /// As [`Writer::ask`], before everything that waits. It is for processes that share the database: a refresh
    /// that is late is useless.
    ///
    /// # Cancel safety
    ///
    /// As of [`Writer::ask`].
    pub(crate) async fn ask_first<Q, T>(
        &self,
        request: Q,
        operation: fn(Pending<Q, T>) -> Operation,
    ) -> Result<T, BackendError> {
        let (answer, answered) = oneshot::channel();
        let operation = operation(Pending::new(request, answer));
        let room = None;
        // This fails where nobody writes any more; the caller notices that.
        let _ = self.first.send(Queued { operation, room }).await;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Queues the operation. If it has to wait for space, it waits in a task of its own: others
    /// must get their space even if this caller is not polled.
    fn hand_on(&self, operation: Operation, weight: u32) -> Option<AbortOnDrop> {
        let queued = match Arc::clone(&self.room).try_acquire_many_owned(weight) {
            Ok(room) => {
                let room = Some(room);
                match self.queue.try_send(Queued { operation, room }) {
                    Err(TrySendError::Full(queued)) => queued,
                    // If the queue is closed, the caller notices that nobody answers.
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
            // This fails where nobody writes any more.
            let _ = queue.send(queued).await;
        });
        Some(AbortOnDrop(waiting.abort_handle()))
    }

    /// Waits until the task takes no more requests.
    pub(crate) async fn ended(&self) {
        self.queue.closed().await;
    }

    /// Waits until all earlier requests are done and the database is closed.
    pub(crate) async fn close(&self) {
        // This fails if the task has ended before, which is fine.
        let _ = self.ask(0, (), Operation::Close).await;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The receiving end of a [`Writer`].
pub(crate) struct Operations {
    pub(crate) operations: mpsc::Receiver<Queued>,
    /// Operations with priority; empty where one process owns the database.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "SQLite is not shared")
    )]
    pub(crate) first: mpsc::Receiver<Queued>,
    pub(crate) lapses: Lapses,
}

/// A connection that writes batches, and its state between batches.
pub(crate) struct BatchWriter {
    pub(crate) connection: Connection,
    lapses: Lapses,
    presence: Presence,
    /// Transactions that could not be read, and for which that was logged.
    malformed: HashSet<String>,
    pub(crate) outbox: Outbox,
    /// Whether something was removed since the last query.
    has_removed: bool,
}

impl BatchWriter {
    pub(crate) fn new(
        connection: Connection,
        lapses: Lapses,
        outbox: Outbox,
        presence: Presence,
    ) -> Self {
        Self {
            connection,
            lapses,
            presence,
            malformed: HashSet::new(),
            outbox,
            has_removed: false,
        }
    }

    /// Executes all operations, kind by kind, within the SQL transaction that has begun.
    pub(crate) async fn apply(&mut self, batch: &mut Batch) -> Result<(), sqlx::Error> {
        self.outbox.begin();
        self.append(&mut batch.appends).await?;
        self.finish(&mut batch.finishes).await?;
        self.check_drafts(&mut batch.completions).await?;
        self.check_keys(&mut batch.inserts).await?;
        self.check_leasers(&mut batch.inserts, &mut batch.completions)
            .await?;
        self.settle_and_insert(
            &mut batch.settlements,
            &mut batch.inserts,
            &mut batch.completions,
        )
        .await?;
        self.write_together(&mut batch.groups).await?;
        self.summarise(&mut batch.summaries).await?;
        self.release(&mut batch.releases, &batch.lapses).await?;
        self.open_sessions(&mut batch.sessions).await?;
        self.refresh_sessions(&mut batch.refreshes).await?;
        self.end_sessions(&mut batch.ends).await?;
        self.publish_addresses(&mut batch.publications).await?;
        self.request_cancels(&mut batch.cancels).await?;
        // Before the leases, so that held or suspended transactions are not leased.
        self.change_suspensions(&mut batch.suspensions).await?;
        self.change(&mut batch.changes).await?;
        self.take(&mut batch.takes).await?;
        self.claim(&mut batch.claims).await?;
        self.bring_forward(&mut batch.set_backs).await?;
        self.keep_cursors(&mut batch.cursors).await?;
        self.collect(&mut batch.collections).await?;
        // Late, since other processes that write suppressions wait for this one until the commit.
        self.suppress_found(batch).await?;
        self.change_suppressions(&mut batch.suppressions).await?;
        // Last, since other connections wait for the events' numbers until the commit.
        self.write_events(batch).await
    }

    /// Whether something was removed since the last call.
    pub(crate) fn take_removed(&mut self) -> bool {
        std::mem::take(&mut self.has_removed)
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
        let (mut writer, _first) = Writer::of(queue);
        writer.room = Arc::new(Semaphore::new(8));
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
        let (mut writer, _first) = Writer::of(queue);
        writer.room = Arc::new(Semaphore::new(8));
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
