//! Decides when the log is copied into the database.

use koukan_core::causes::Causes;

use crate::{
    database::Connection,
    query::{CHECKPOINT, Values},
    writer::Batch,
};

/// At about this size of the log, in octets, a checkpoint is run even though callers have to wait
/// for it. With twice the size it takes twice as long, half as often.
const URGENT: usize = 8 << 20;
/// The approximate number of octets that a commit adds to the log besides its content: pages of
/// indices.
const COMMIT: usize = 64 << 10;

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

    pub(super) async fn run(&mut self, connection: &mut Connection) {
        // The rest is safe in the log until the next checkpoint.
        self.logged = 0;
        if let Err(error) = CHECKPOINT.execute(connection, Values::default()).await {
            tracing::error!(error = %Causes(&error), "could not copy the log into the database");
        }
    }
}
