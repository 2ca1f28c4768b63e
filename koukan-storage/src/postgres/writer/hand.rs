//! A connection that writes, and is replaced when it is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use koukan_core::{causes::Causes, repeats::Repeats, storage::record::SessionId};
use sqlx::{AssertSqlSafe, Executor};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::{
    database::Connection,
    query::{AWAIT_WRITER, COMMIT, FORGET_WRITERS, LAST_COMMIT, ROLLBACK, Values},
    writer::{Batch, BatchWriter, Lapses},
};

use super::{
    super::{access::Process, error::Cause, fullness::Fullness},
    link::Link,
};

/// How long another try is put off at first, and at most.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The interval between log lines about failed writes; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_WRITTEN: Repeats = Repeats::new(INTERVAL, |commits, interval| {
    let seconds = interval.as_secs();
    tracing::error!(commits, seconds, "commits are still failing");
});
static READ_ONLY: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::error!(times, seconds, "the database still takes no writes");
});
static AWAY: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(times, seconds, "the database still cannot be reached");
});
static LOST: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(times, seconds, "more connections to the database were lost");
});

pub(super) struct Hand {
    pub(super) batches: BatchWriter,
    /// The process of the server that serves the connection, and when the connection was last used.
    pub(super) process: Process,
    pub(super) used: Instant,
    pub(super) link: Link,
    pub(super) lapses: Lapses,
    pub(super) fullness: Arc<Fullness>,
    /// Whether a write has failed, and no write of a message has succeeded since.
    pub(super) is_failing: Arc<AtomicBool>,
    pub(super) mark: Mark,
}

/// A number that a commit writes, so that the server can be asked whether the commit was made.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    writer: String,
    number: i64,
}

impl Mark {
    /// The mark of a writer that has not committed yet.
    pub(super) fn new() -> Self {
        Self {
            writer: SessionId::random().to_string(),
            number: 0,
        }
    }
}

/// Why a batch was not committed.
enum Failure {
    /// Nothing was written: a statement failed. Others of the batch may be fine.
    Statement(Cause),
    /// Nothing was written: the connection was lost before.
    Lost(Cause),
    /// Nobody knows whether it was committed.
    Doubt(Cause),
}

impl Failure {
    /// Whether repeating the batch as it is may succeed.
    fn is_passing(&self) -> bool {
        match self {
            Self::Statement(cause) => cause.is_conflict(),
            Self::Lost(_) => true,
            Self::Doubt(_) => false,
        }
    }

    fn into_cause(self) -> Cause {
        match self {
            Self::Statement(cause) | Self::Lost(cause) | Self::Doubt(cause) => cause,
        }
    }
}

impl Hand {
    /// Commits a batch, and answers every caller in it.
    pub(super) async fn write(mut self, mut batch: Batch) -> Self {
        let probes = batch.take_probes();
        if !batch.is_empty() {
            self.commit(batch).await;
        }
        if !probes.is_empty() {
            self.probe(probes).await;
        }
        self.used = Instant::now();
        self
    }

    pub(super) async fn close(self) {
        let closed = timeout(self.link.silence, self.batches.connection.close()).await;
        if let Ok(Err(error)) = closed {
            tracing::debug!(error = %Causes(&error), "could not close a connection cleanly");
        }
    }

    async fn commit(&mut self, mut batch: Batch) {
        match self.insist(&mut batch).await {
            Ok(()) => self.succeed(batch),
            Err(Failure::Statement(_)) => {
                let mut singles = batch.into_singles().into_iter();
                while let Some(mut single) = singles.next() {
                    let failure = match self.insist(&mut single).await {
                        Ok(()) => {
                            self.succeed(single);
                            continue;
                        }
                        Err(failure) => failure,
                    };
                    // When the server is gone, the callers do not wait for it one after the other.
                    let is_gone = !matches!(failure, Failure::Statement(_));
                    let cause = failure.into_cause();
                    self.fail(single, cause.clone());
                    if is_gone {
                        for rest in singles.by_ref() {
                            self.fail(rest, cause.clone());
                        }
                    }
                }
            }
            Err(failure) => self.fail(batch, failure.into_cause()),
        }
    }

    fn succeed(&mut self, batch: Batch) {
        if batch.has_messages() {
            self.is_failing.store(false, Ordering::Relaxed);
            self.fullness.note(false);
        }
        self.batches.outbox.committed();
        self.batches.take_removed();
        tracing::trace!(operations = batch.len(), "committed");
        batch.answer();
    }

    fn fail(&mut self, batch: Batch, cause: Cause) {
        self.is_failing.store(true, Ordering::Relaxed);
        if cause.is_full() {
            self.fullness.note(true);
        }
        if NOT_WRITTEN.is_first() {
            tracing::error!(operations = batch.len(), error = %cause, "a commit failed");
        }
        self.lapses.put_back(batch.fail(&|| cause.clone().into()));
    }

    /// Commits a batch. Repeats that for as long as the failure may pass.
    async fn insist(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let until = self.link.outage.writing_until();
        let mut pause = PAUSE;
        loop {
            let failure = match self.try_commit(batch, until).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            if !failure.is_passing() || Instant::now() >= until {
                return Err(failure);
            }
            batch.reset();
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_commit(&mut self, batch: &mut Batch, until: Instant) -> Result<(), Failure> {
        self.connect(until).await.map_err(Failure::Lost)?;
        if let Err(cause) = self.begin(until).await {
            return Err(self.not_written(cause, until).await);
        }
        let (process, pulse, silence) = (self.process, &self.link.pulse, self.link.silence);
        // A step of a batch may take as long as a single statement may.
        let applying = self.batches.apply(batch);
        if let Err(cause) = pulse.answer(process, (silence * 2, until), applying).await {
            return Err(self.not_written(cause, until).await);
        }
        let committing = COMMIT.execute(&mut self.batches.connection, Values::default());
        let cause = match pulse.answer(process, (silence, until), committing).await {
            Ok(_) => {
                self.link.outage.is_written();
                return Ok(());
            }
            Err(cause) => cause,
        };
        if cause.is_refusal() {
            // The server says that nothing was committed.
            self.roll_back(until).await;
            return Err(Failure::Statement(cause));
        }
        let mark = self.mark.clone();
        let cause = self.lose(cause);
        match self.find_outcome(&mark, until).await {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::Lost(cause)),
            None => Err(Failure::Doubt(Cause::in_doubt(cause))),
        }
    }

    /// Begins a commit, and writes its mark.
    async fn begin(&mut self, until: Instant) -> Result<(), Cause> {
        self.mark.number += 1;
        let Mark { writer, number } = &self.mark;
        let Connection::Postgres(connection) = &mut self.batches.connection else {
            return Err(sqlx::Error::WorkerCrashed.into());
        };
        // One round trip.
        let beginning = format!(
            "BEGIN; INSERT INTO commits (writer, number, at) \
             VALUES ('{writer}', {number}, clock_timestamp()) \
             ON CONFLICT (writer) DO UPDATE SET number = excluded.number, at = excluded.at"
        );
        let beginning = connection.execute(AssertSqlSafe(beginning));
        let (process, pulse, silence) = (self.process, &self.link.pulse, self.link.silence);
        pulse
            .answer(process, (silence, until), beginning)
            .await
            .map(|_| ())
    }

    /// The failure that an error before COMMIT means.
    async fn not_written(&mut self, cause: Cause, until: Instant) -> Failure {
        if cause.is_lost() {
            return Failure::Lost(self.lose(cause));
        }
        self.roll_back(until).await;
        Failure::Statement(cause)
    }

    /// Asks whether the commit with this mark was made; `None` where the answer does not come in
    /// time.
    async fn find_outcome(&mut self, mark: &Mark, until: Instant) -> Option<bool> {
        // Asking is worth some time in any case.
        let until = until.max(Instant::now() + self.link.patience / 2);
        let mut pause = PAUSE;
        while Instant::now() < until {
            if let Ok(last) = self.last_commit(&mark.writer, until).await {
                return Some(last == mark.number);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        None
    }

    /// The number of a writer's last commit. If a commit is still under way, since the server has not noticed
    /// that its client is gone, this waits as long as for a lock.
    async fn last_commit(&mut self, writer: &str, until: Instant) -> Result<i64, Cause> {
        self.connect(until).await?;
        let connection = &mut self.batches.connection;
        let asking = async {
            AWAIT_WRITER.execute(connection, of(writer)).await?;
            LAST_COMMIT.execute(connection, of(writer)).await
        };
        let (process, pulse, silence) = (self.process, &self.link.pulse, self.link.silence);
        let asked = pulse.answer(process, (silence, until), asking).await;
        let asked = asked.map_err(|cause| self.lose(cause))?;
        let row = asked.rows.first().ok_or(sqlx::Error::RowNotFound)?;
        Ok(row.try_get(0)?)
    }

    /// Deletes the marks of old writers. If that fails, another process does it.
    pub(super) async fn forget_writers(mut self) -> Self {
        let forgetting = FORGET_WRITERS.execute(&mut self.batches.connection, Values::default());
        let Link {
            pulse,
            silence,
            outage,
            ..
        } = &self.link;
        let forgotten = pulse.answer(self.process, (*silence, outage.writing_until()), forgetting);
        if forgotten.await.is_err() {
            self.let_go();
        }
        self
    }

    /// Replaces the connection, where it is lost, in the time that is left for it: others wait for this hand.
    pub(super) async fn connect(&mut self, until: Instant) -> Result<(), Cause> {
        if self.link.doubts(self.used) {
            self.let_go();
        }
        if let Connection::Lost = self.batches.connection {
            let begun = Instant::now();
            let connecting = timeout_at(until.max(begun + LONGEST_PAUSE), self.link.connect());
            let connected = match connecting.await {
                Ok(connected) => connected.map_err(Cause::from),
                Err(_) => Err(Cause::silent(begun.elapsed())),
            };
            let session = connected.inspect_err(|cause| {
                self.link.outage.is_away();
                if AWAY.is_first() {
                    tracing::warn!(error = %cause, "the database cannot be reached");
                }
            })?;
            self.batches.connection = session.connection.into();
            (self.process, self.used) = (session.process, Instant::now());
            self.link.outage.is_there();
        }
        Ok(())
    }

    /// Closes the connection. The server may still hold its locks. The row of the mark is not among those that
    /// another connection needs: from now on another mark is used.
    fn let_go(&mut self) {
        self.batches.connection = Connection::Lost;
        self.mark = Mark::new();
    }

    /// Closes a connection that is lost.
    pub(super) fn lose(&mut self, cause: Cause) -> Cause {
        self.let_go();
        if cause.is_read_only() {
            self.link.outage.is_read_only();
            if READ_ONLY.is_first() {
                tracing::error!(error = %cause, "the database takes no writes: it is a standby, or was made read-only");
            }
            return cause;
        }
        self.link.outage.is_away();
        if LOST.is_first() {
            tracing::warn!(error = %cause, "a connection to the database was lost");
        }
        cause
    }

    /// Rolls back a failed batch.
    pub(super) async fn roll_back(&mut self, until: Instant) {
        let rolling_back = ROLLBACK.execute(&mut self.batches.connection, Values::default());
        let (process, pulse, silence) = (self.process, &self.link.pulse, self.link.silence);
        if pulse
            .answer(process, (silence, until), rolling_back)
            .await
            .is_err()
        {
            self.let_go();
        }
    }
}

fn of(writer: &str) -> Values {
    let mut values = Values::default();
    values.add(writer);
    values
}
