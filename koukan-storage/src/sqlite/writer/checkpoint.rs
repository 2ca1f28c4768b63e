//! Decides when the log is copied into the database.

use std::time::Duration;

use koukan_core::{causes::Causes, repeats::Repeats};

use crate::{
    query::{CHECKPOINT, Values},
    writer::Batch,
};

use super::{super::error::Cause, task::Task};

/// At about this size of the log, in octets, a checkpoint is run even though callers have to wait
/// for it. With twice the size it takes twice as long, half as often.
const URGENT: usize = 8 << 20;
/// The approximate number of octets that a commit adds to the log besides its content: pages of
/// indices.
const COMMIT: usize = 64 << 10;

/// The interval between log lines about checkpoints that fail; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_COPIED: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::error!(
        times,
        seconds,
        "the log still cannot be copied into the database"
    );
});

/// Decides on checkpoints.
#[derive(Default)]
pub(super) struct Checkpoints {
    /// The approximate size of the log in octets.
    logged: usize,
}

impl Checkpoints {
    pub(super) fn wrote(&mut self, batch: &Batch) {
        self.logged += batch.weight() * 3 / 2 + COMMIT;
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.logged > URGENT
    }

    /// Whether a checkpoint is due once nothing is left to write.
    pub(super) fn is_due(&self) -> bool {
        self.logged > 0
    }

    /// Notes that a checkpoint is run. What it does not copy is safe in the log until the next one.
    fn begin(&mut self) {
        self.logged = 0;
    }
}

impl Task {
    /// Copies the log into the database, unless the files are lost. Nobody else writes the database.
    pub(super) async fn checkpoint(&mut self) {
        self.checkpoints.begin();
        if self.files.check().is_err() {
            return;
        }
        self.files.begin_to_write();
        self.stall.begin();
        let copied = CHECKPOINT.execute(&mut self.batches.connection, Values::default());
        let copied = copied.await.map_err(Cause::from);
        self.stall.end();
        self.files.wrote();
        if let Err(cause) = copied {
            self.hear(&cause);
            if NOT_COPIED.is_first() {
                tracing::error!(error = %Causes(&cause), "could not copy the log into the database");
            }
        }
    }
}
