//! When the log is brought into the database.

use koukan_core::causes::Causes;

use crate::{
    database::Connection,
    query::{CHECKPOINT, Values},
    writer::Batch,
};

/// Octets in the log at which whoever waits has to wait longer, about. Twice as much takes twice as
/// long, half as often.
const URGENT: usize = 8 << 20;
/// Octets that a commit adds to the log beside what it writes, about: pages of indices.
const COMMIT: usize = 64 << 10;

/// Decides on checkpoints.
#[derive(Default)]
pub(super) struct Checkpoints {
    /// Octets in the log, about.
    logged: usize,
}

impl Checkpoints {
    pub(super) fn wrote(&mut self, batch: &Batch) {
        self.logged += batch.weight() * 3 / 2 + COMMIT;
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.logged > URGENT
    }

    /// Whether there is something to do once nothing is written any more.
    pub(super) fn is_due(&self) -> bool {
        self.logged > 0
    }

    pub(super) async fn run(&mut self, connection: &mut Connection) {
        // What is left in the log is safe there; the next time will do.
        self.logged = 0;
        if let Err(error) = CHECKPOINT.execute(connection, Values::default()).await {
            tracing::error!(error = %Causes(&error), "could not bring the log into the database");
        }
    }
}
