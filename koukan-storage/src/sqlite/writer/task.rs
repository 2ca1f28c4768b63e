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

/// Operations that are committed together, at most.
const BATCH: usize = 512;
/// Octets that they hold in memory, about; one operation may have more.
const BATCH_OCTETS: usize = 8 << 20;
/// How long nothing is to be written before the database is tidied up.
const IDLE: Duration = Duration::from_millis(500);
/// How often the files are looked for while nothing is written.
const LOOK: Duration = Duration::from_secs(5);
/// For how long failures to write are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_WRITTEN: Repeats = Repeats::new(INTERVAL, |commits, interval| {
    let seconds = interval.as_secs();
    tracing::error!(commits, seconds, "could still not write");
});

/// How often others are let run who may have more to write, after a commit.
const PATIENCE: usize = 8;

pub(super) struct Task {
    pub(super) batches: BatchWriter,
    options: SqliteConnectOptions,
    pub(super) files: Arc<Files>,
    room: Arc<Room>,
    room_looks: Looks,
    ballast: Option<Ballast>,
    /// When the files are looked for although nothing is to be written.
    look: Interval,
    queue: mpsc::Receiver<Queued>,
    lapses: Lapses,
    checkpoints: Checkpoints,
    pub(super) shrinking: Shrinking,
    /// Whether a write has failed, and none of a message has worked since.
    pub(super) is_failing: bool,
}

/// Why a batch was not committed.
enum Failure {
    /// A statement; others of the batch may be fine.
    Statement(sqlx::Error),
    /// The whole.
    Commit(sqlx::Error),
    /// It went into files that nobody will find.
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

    /// The next operation; `None` when there will be none. In the meantime, what is in the log is
    /// brought into the database, which is made smaller where it can be, and the files are looked
    /// for.
    async fn next(&mut self) -> Option<Queued> {
        loop {
            let is_tidy = !self.checkpoints.is_due() && !self.shrinking.is_due();
            tokio::select! {
                biased;
                next = self.queue.recv() => return next,
                () = sleep(IDLE), if !is_tidy => self.tidy().await,
                _ = self.look.tick() => {
                    // What is wrong is logged there.
                    if self.files.check().is_ok() && self.room.is_kept() {
                        self.look_for_room().await;
                    }
                }
            }
        }
    }

    /// Finds out whether there is room for new mail.
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
            // Until the files are back: an operation that is done then makes it due again.
            self.checkpoints = Checkpoints::default();
            self.shrinking = Shrinking::default();
            return;
        }
        self.shrink().await;
        self.checkpoints.run(&mut self.batches.connection).await;
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
                tracing::warn!("the disk is full: lets go of the room that was kept for this");
            }
        }
        if NOT_WRITTEN.is_first() {
            tracing::error!(operations = batch.len(), error = %cause, "could not write");
        }
        self.lapses.put_back(batch.fail(&|| cause.clone().into()));
        self.roll_back().await;
    }

    /// Takes back what a failed batch has written.
    pub(super) async fn roll_back(&mut self) {
        // SQLite may have done so by itself, which is the error here.
        let rolled_back = ROLLBACK.execute(&mut self.batches.connection, Values::default());
        let _ = rolled_back.await;
        // One that is not fit for use any more is replaced.
        if self.batches.connection.ping().await.is_err()
            && let Ok(connection) = self.options.connect().await
        {
            self.batches.connection = connection.into();
        }
    }
}
