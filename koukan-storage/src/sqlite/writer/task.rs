//! The task that writes.

use std::collections::HashSet;

use koukan_core::storage::record::SessionId;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::{sync::mpsc, task::yield_now};

use crate::query::{BEGIN, COMMIT, ROLLBACK, Values};

use super::{
    super::{SqliteOptions, error::Cause, lock::ProcessLock},
    batch::Batch,
    checkpoint::Checkpoints,
    lapse::Lapses,
    operation::Queued,
};

/// Operations that are committed together, at most.
const BATCH: usize = 512;
/// Octets that they hold in memory, about; one operation may have more.
const BATCH_OCTETS: usize = 8 << 20;
/// How often others are let run who may have more to write, after a commit.
const PATIENCE: usize = 8;

pub(super) struct Task {
    pub(super) connection: SqliteConnection,
    options: SqliteOptions,
    queue: mpsc::Receiver<Queued>,
    pub(super) lapses: Lapses,
    /// Sessions that were begun by this process; all others are dead.
    pub(super) sessions: HashSet<SessionId>,
    /// Rows of transactions that could not be read, and that was logged.
    pub(super) malformed: HashSet<i64>,
    checkpoints: Checkpoints,
}

/// Why a batch was not committed.
enum Failure {
    /// A statement; others of the batch may be fine.
    Statement(sqlx::Error),
    /// The whole.
    Commit(sqlx::Error),
}

impl Task {
    pub(super) fn new(
        connection: SqliteConnection,
        options: SqliteOptions,
        queue: mpsc::Receiver<Queued>,
        sender: mpsc::WeakSender<Queued>,
    ) -> Self {
        Self {
            connection,
            options,
            queue,
            lapses: Lapses::new(sender),
            sessions: HashSet::new(),
            malformed: HashSet::new(),
            checkpoints: Checkpoints::default(),
        }
    }

    /// Writes until the queue is closed. The lock goes last, when the database is closed.
    pub(super) async fn run(mut self, lock: ProcessLock) {
        let mut closes = Vec::new();
        let mut together = 1;
        while let Some(first) = self.next().await {
            let mut batch = self.gather(first, together).await;
            together = batch.len();
            for close in batch.take_closes() {
                self.queue.close();
                closes.push(close);
            }
            self.commit(batch).await;
            if self.checkpoints.is_urgent() {
                self.checkpoints.run(&mut self.connection).await;
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::error!(%error, "could not close the database cleanly");
        }
        drop(lock);
        for mut close in closes {
            close.decide(Ok(()));
            close.answer();
        }
    }

    /// The next operation; `None` when there will be none. In the meantime, what is in the log is
    /// brought into the database.
    async fn next(&mut self) -> Option<Queued> {
        tokio::select! {
            biased;
            next = self.queue.recv() => return next,
            () = self.checkpoints.idle() => {}
        }
        self.checkpoints.run(&mut self.connection).await;
        self.queue.recv().await
    }

    /// Takes what waits.
    ///
    /// Those who were answered together are likely to come back together, but the first of them
    /// wakes this task. So the others are let run first: without that, every other commit would
    /// hold a single operation.
    async fn gather(&mut self, first: Queued, together: usize) -> Batch {
        for _ in 0..PATIENCE {
            if self.queue.len() + 1 >= together {
                break;
            }
            yield_now().await;
        }
        let mut batch = Batch::default();
        batch.add(first);
        while batch.len() < BATCH
            && batch.weight() < BATCH_OCTETS
            && let Ok(next) = self.queue.try_recv()
        {
            batch.add(next);
        }
        batch.lapses = self.lapses.take();
        batch
    }

    async fn commit(&mut self, mut batch: Batch) {
        if batch.is_empty() {
            return;
        }
        self.checkpoints.wrote(&batch);
        match self.try_commit(&mut batch).await {
            Ok(()) => batch.answer(),
            Err(Failure::Commit(error)) => self.fail(batch, error).await,
            Err(Failure::Statement(_)) => {
                self.roll_back().await;
                for mut single in batch.into_singles() {
                    match self.try_commit(&mut single).await {
                        Ok(()) => single.answer(),
                        Err(Failure::Commit(error) | Failure::Statement(error)) => {
                            self.fail(single, error).await;
                        }
                    }
                }
            }
        }
    }

    async fn try_commit(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let begun = BEGIN.execute(&mut self.connection, Values::default());
        begun.await.map_err(Failure::Commit)?;
        self.apply(batch).await.map_err(Failure::Statement)?;
        let committed = COMMIT.execute(&mut self.connection, Values::default());
        committed.await.map_err(Failure::Commit)?;
        tracing::trace!(operations = batch.len(), "committed");
        Ok(())
    }

    /// Does all operations, kind by kind.
    async fn apply(&mut self, batch: &mut Batch) -> Result<(), sqlx::Error> {
        self.append(&mut batch.appends).await?;
        self.finish(&mut batch.finishes).await?;
        self.check_drafts(&mut batch.completions).await?;
        self.check_keys(&mut batch.inserts).await?;
        self.settle_and_insert(
            &mut batch.settlements,
            &mut batch.inserts,
            &mut batch.completions,
        )
        .await?;
        self.summarise(&mut batch.summaries).await?;
        self.release(&mut batch.releases, &batch.lapses).await?;
        self.open_sessions(&mut batch.sessions).await?;
        self.take(&mut batch.takes).await?;
        self.claim(&mut batch.claims).await?;
        self.collect(&mut batch.collections).await
    }

    async fn fail(&mut self, batch: Batch, error: sqlx::Error) {
        let cause = Cause::from(error);
        tracing::error!(operations = batch.len(), error = %cause, "could not write");
        self.lapses.put_back(batch.fail(&cause));
        self.roll_back().await;
    }

    /// Takes back what a failed batch has written.
    async fn roll_back(&mut self) {
        // SQLite may have done so by itself, which is the error here.
        let rolled_back = ROLLBACK.execute(&mut self.connection, Values::default());
        let _ = rolled_back.await;
        // One that is not fit for use any more is replaced.
        if self.connection.ping().await.is_err()
            && let Ok(connection) = self.options.writing().connect().await
        {
            self.connection = connection;
        }
    }
}
