//! The task that writes.

use std::{sync::Arc, time::Duration};

use koukan_core::{causes::Causes, repeats::Repeats};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tokio::{
    sync::mpsc,
    task::yield_now,
    time::{Interval, MissedTickBehavior, interval, sleep},
};

use crate::{
    query::{BEGIN, COMMIT, ROLLBACK, Values},
    writer::{Batch, BatchWriter, Lapses, Operations, Queued},
};

use super::{
    super::{
        ballast::Ballast,
        error::Cause,
        files::{FileLost, Files},
        lock::ProcessLock,
        room::{Looks, Room},
    },
    checkpoint::Checkpoints,
    shrink::{Shrinking, count_pages},
};

/// How many operations are committed together at most.
const BATCH: usize = 512;
/// The approximate number of octets that these hold in memory; a single operation may hold more.
const BATCH_OCTETS: usize = 8 << 20;
/// How long nothing may be written before the database is tidied up.
const IDLE: Duration = Duration::from_millis(500);
/// How often the files are checked while nothing is written.
const LOOK: Duration = Duration::from_secs(5);
/// The interval between log lines about failed writes; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_WRITTEN: Repeats = Repeats::new(INTERVAL, |commits, interval| {
    let seconds = interval.as_secs();
    tracing::error!(commits, seconds, "commits are still failing");
});

/// How often, after a commit, other tasks run first that may have more to write.
const PATIENCE: usize = 8;

pub(super) struct Task {
    pub(super) batches: BatchWriter,
    options: SqliteConnectOptions,
    pub(super) files: Arc<Files>,
    room: Arc<Room>,
    room_looks: Looks,
    ballast: Option<Ballast>,
    /// When the files are checked although nothing is to be written.
    look: Interval,
    queue: mpsc::Receiver<Queued>,
    lapses: Lapses,
    checkpoints: Checkpoints,
    pub(super) shrinking: Shrinking,
    /// Whether a write has failed, and no write of a message has succeeded since.
    pub(super) is_failing: bool,
}

/// Why a batch was not committed.
enum Failure {
    /// A statement failed. Other operations of the batch may be fine.
    Statement(sqlx::Error),
    /// The commit failed.
    Commit(sqlx::Error),
    /// It was written to files that are no longer in place.
    Lost(FileLost),
}

impl Task {
    pub(super) fn new(
        batches: BatchWriter,
        options: SqliteConnectOptions,
        (files, room, ballast): (Arc<Files>, Arc<Room>, Option<Ballast>),
        Operations {
            operations, lapses, ..
        }: Operations,
    ) -> Self {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            batches,
            options,
            files,
            room,
            room_looks: Looks::new(),
            ballast,
            look,
            queue: operations,
            lapses,
            checkpoints: Checkpoints::default(),
            shrinking: Shrinking::default(),
            is_failing: false,
        }
    }

    /// Writes until the queue is closed. The lock is released last, when the database is closed.
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
            let probes = batch.take_probes();
            self.commit(batch).await;
            self.probe(probes).await;
            if self.room.is_kept() && self.room_looks.is_due(&self.room) {
                self.look_for_room().await;
            }
            if self.checkpoints.is_urgent() {
                self.checkpoints.run(&mut self.batches.connection).await;
            }
        }
        if let Err(error) = self.batches.connection.close().await {
            tracing::error!(error = %Causes(&error), "could not close the database cleanly");
        }
        drop(lock);
        for mut close in closes {
            close.decide(Ok(()));
            close.answer();
        }
    }

    /// Returns the next operation; `None` when there will be none. While it waits, the log is
    /// copied into the database, the file is made smaller if possible, and the files are checked.
    async fn next(&mut self) -> Option<Queued> {
        loop {
            let is_tidy = !self.checkpoints.is_due() && !self.shrinking.is_due();
            tokio::select! {
                biased;
                next = self.queue.recv() => return next,
                () = sleep(IDLE), if !is_tidy => self.tidy().await,
                _ = self.look.tick() => {
                    // `check` logs what is wrong.
                    if self.files.check().is_ok() && self.room.is_kept() {
                        self.look_for_room().await;
                    }
                }
            }
        }
    }

    /// Measures whether there is space for new mail.
    async fn look_for_room(&mut self) {
        let is_full = self.room_looks.begin();
        match count_pages(&mut self.batches.connection).await {
            Ok(pages) => {
                if self.room.look(pages, is_full)
                    && let Some(ballast) = &mut self.ballast
                {
                    ballast.keep().await;
                }
            }
            Err(error) => {
                tracing::warn!(error = %Causes(&error), "could not count the pages of the database");
            }
        }
    }

    async fn tidy(&mut self) {
        if self.files.check().is_err() {
            // There is nothing to do until the files are back. An operation at that time makes the
            // checkpoint due again.
            self.checkpoints = Checkpoints::default();
            self.shrinking = Shrinking::default();
            return;
        }
        self.shrink().await;
        self.checkpoints.run(&mut self.batches.connection).await;
    }

    /// Takes the waiting operations.
    ///
    /// Callers that were answered together are likely to come back together, but the first of them
    /// wakes this task. So the others run first. Without that, every other commit would contain a
    /// single operation.
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
        if let Err(lost) = self.files.check() {
            let cause = Cause::from(lost);
            self.lapses.put_back(batch.fail(&|| cause.clone().into()));
            return;
        }
        self.checkpoints.wrote(&batch);
        self.room_looks.wrote(batch.weight());
        match self.try_commit(&mut batch).await {
            Ok(()) => batch.answer(),
            Err(Failure::Lost(lost)) => {
                let cause = Cause::from(lost);
                self.lapses.put_back(batch.lose(&|| cause.clone().into()));
            }
            Err(Failure::Commit(error)) => self.fail(batch, error).await,
            Err(Failure::Statement(_)) => {
                self.roll_back().await;
                for mut single in batch.into_singles() {
                    match self.try_commit(&mut single).await {
                        Ok(()) => single.answer(),
                        Err(Failure::Lost(lost)) => {
                            let cause = Cause::from(lost);
                            self.lapses.put_back(single.lose(&|| cause.clone().into()));
                        }
                        Err(Failure::Commit(error) | Failure::Statement(error)) => {
                            self.fail(single, error).await;
                        }
                    }
                }
            }
        }
    }

    async fn try_commit(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let begun = BEGIN.execute(&mut self.batches.connection, Values::default());
        begun.await.map_err(Failure::Commit)?;
        let applied = self.batches.apply(batch).await;
        applied.map_err(Failure::Statement)?;
        let committed = COMMIT.execute(&mut self.batches.connection, Values::default());
        committed.await.map_err(Failure::Commit)?;
        self.files.check().map_err(Failure::Lost)?;
        self.is_failing &= !batch.has_messages();
        self.batches.outbox.committed();
        if self.batches.take_removed() {
            self.shrinking.removed();
        }
        tracing::trace!(operations = batch.len(), "committed");
        Ok(())
    }

    async fn fail(&mut self, batch: Batch, error: sqlx::Error) {
        self.is_failing = true;
        let cause = Cause::from(error);
        if cause.is_full() {
            self.room_looks.full();
            if self.ballast.as_mut().is_some_and(Ballast::let_go) {
                tracing::warn!(
                    "the disk is full: releasing the space that was reserved for this case"
                );
            }
        }
        if NOT_WRITTEN.is_first() {
            tracing::error!(operations = batch.len(), error = %cause, "a commit failed");
        }
        self.lapses.put_back(batch.fail(&|| cause.clone().into()));
        self.roll_back().await;
    }

    /// Rolls back a failed batch.
    pub(super) async fn roll_back(&mut self) {
        // SQLite may have rolled back by itself, which makes this an error.
        let rolled_back = ROLLBACK.execute(&mut self.batches.connection, Values::default());
        let _ = rolled_back.await;
        // A connection that is no longer usable is replaced.
        if self.batches.connection.ping().await.is_err()
            && let Ok(connection) = self.options.connect().await
        {
            self.batches.connection = connection.into();
        }
    }
}
