//! The task that writes.

use std::{mem, sync::Arc, time::Duration};

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
        stall::Stall,
    },
    Shared,
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
    pub(super) stall: Arc<Stall>,
    room: Arc<Room>,
    room_looks: Looks,
    ballast: Option<Ballast>,
    /// When the files are checked although nothing is to be written.
    look: Interval,
    queue: mpsc::Receiver<Queued>,
    lapses: Lapses,
    pub(super) checkpoints: Checkpoints,
    pub(super) shrinking: Shrinking,
    /// Whether a write has failed, and no write of a message has succeeded since.
    pub(super) is_failing: bool,
}

/// Why a batch was not committed.
enum Failure {
    /// A statement failed. Other operations of the batch may be fine.
    Statement(Cause),
    /// The commit failed.
    Commit(Cause),
    /// It was written to files that are no longer in place.
    Lost(FileLost),
}

impl Task {
    pub(super) fn new(
        batches: BatchWriter,
        options: SqliteConnectOptions,
        Shared {
            files,
            room,
            ballast,
            stall,
        }: Shared,
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
            stall,
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
                self.checkpoint().await;
            }
        }
        self.close().await;
        drop(lock);
        for mut close in closes {
            close.decide(Ok(()));
            close.answer();
        }
    }

    /// Closes the database. SQLite copies the log into the main file and removes it, unless the files are
    /// lost: then they stay as they are.
    async fn close(self) {
        let is_lost = self.files.check().is_err();
        self.files.begin_to_write();
        if is_lost {
            // The connection stays open until the process ends.
            mem::forget(self.batches.connection);
        } else if let Err(error) = self.batches.connection.close().await {
            tracing::error!(error = %Causes(&error), "could not close the database cleanly");
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
                    self.stall.begin();
                    ballast.keep().await;
                    self.stall.end();
                }
            }
            Err(error) => {
                let error = Cause::from(error);
                self.hear(&error);
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
        self.stall.begin();
        self.shrink().await;
        self.stall.end();
        self.checkpoint().await;
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
        if !self.room.has_room() {
            batch.leave_out_conversations();
        }
        self.checkpoints.wrote(&batch);
        self.room_looks.wrote(batch.weight());
        match self.try_twice(&mut batch).await {
            Ok(()) => batch.answer(),
            Err(Failure::Lost(lost)) => self.lose(batch, lost),
            Err(Failure::Commit(cause)) => self.fail(batch, cause).await,
            Err(Failure::Statement(_)) => {
                self.roll_back().await;
                for mut single in batch.into_singles() {
                    match self.try_twice(&mut single).await {
                        Ok(()) => single.answer(),
                        Err(Failure::Lost(lost)) => self.lose(single, lost),
                        Err(Failure::Commit(cause) | Failure::Statement(cause)) => {
                            self.fail(single, cause).await;
                        }
                    }
                }
            }
        }
    }

    /// Commits a batch. If the medium is full and space can be freed, it is tried once more.
    async fn try_twice(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let tried = self.try_once(batch).await;
        let is_full = match &tried {
            Err(Failure::Statement(cause) | Failure::Commit(cause)) => cause.is_full(),
            _ => false,
        };
        if !is_full || !self.make_room().await {
            return tried;
        }
        batch.reset();
        self.try_once(batch).await
    }

    async fn try_once(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        self.stall.begin();
        // What explains a failure writes to the same disk.
        let tried = match self.try_commit(batch).await {
            Err(Failure::Statement(cause)) => Err(Failure::Statement(self.explain(cause).await)),
            Err(Failure::Commit(cause)) => Err(Failure::Commit(self.explain(cause).await)),
            other => other,
        };
        self.stall.end();
        tried
    }

    /// Frees space on a full medium: releases the reserve, and copies the log into the database, so that
    /// it begins anew. The transaction under way is rolled back. Returns whether there was anything to free.
    async fn make_room(&mut self) -> bool {
        self.room_looks.full();
        let Some(ballast) = &mut self.ballast else {
            return false;
        };
        let is_freed = ballast.let_go();
        if is_freed {
            tracing::warn!("the disk is full: releasing the space that was reserved for this case");
        }
        self.roll_back().await;
        let is_logged = self.checkpoints.is_due();
        if is_logged {
            self.checkpoint().await;
        }
        is_freed || is_logged
    }

    async fn try_commit(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let commit = |error: sqlx::Error| Failure::Commit(error.into());
        let begun = BEGIN.execute(&mut self.batches.connection, Values::default());
        begun.await.map_err(commit)?;
        let applied = self.batches.apply(batch).await;
        applied.map_err(|error| Failure::Statement(error.into()))?;
        let committed = COMMIT.execute(&mut self.batches.connection, Values::default());
        committed.await.map_err(commit)?;
        self.files.check().map_err(Failure::Lost)?;
        self.is_failing &= !batch.has_messages();
        self.batches.outbox.committed();
        if self.batches.take_removed() {
            self.shrinking.removed();
        }
        tracing::trace!(operations = batch.len(), "committed");
        Ok(())
    }

    fn lose(&self, batch: Batch, lost: FileLost) {
        let cause = Cause::from(lost);
        self.lapses.put_back(batch.lose(&|| cause.clone().into()));
    }

    async fn fail(&mut self, batch: Batch, cause: Cause) {
        self.is_failing = true;
        if cause.is_full() {
            self.room_looks.full();
        }
        if NOT_WRITTEN.is_first() {
            tracing::error!(operations = batch.len(), error = %cause, "a commit failed");
        }
        self.lapses.put_back(batch.fail(&|| cause.clone().into()));
        self.roll_back().await;
    }

    /// Finds out what is behind an error.
    pub(super) async fn explain(&mut self, cause: Cause) -> Cause {
        self.hear(&cause);
        cause.with_reason(self.room.path()).await
    }

    /// Notes it where SQLite has found damage.
    pub(super) fn hear(&self, cause: &Cause) {
        if cause.is_damage() {
            self.files.damaged(&cause.to_string());
        }
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
