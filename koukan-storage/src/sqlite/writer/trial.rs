//! Finds out whether a message could be written.

use crate::{
    query::{BEGIN, Values},
    writer::Pending,
};

use super::{super::error::Cause, task::Task};

impl Task {
    /// Answers whether a message could be written.
    ///
    /// While writing works, beginning a commit is enough proof: the next message is the best trial.
    /// After a write has failed, no mail is accepted that would try again, so a trial amount is
    /// written and removed.
    pub(super) async fn probe(&mut self, probes: Vec<Pending<(), ()>>) {
        if probes.is_empty() {
            return;
        }
        let result = match self.files.check() {
            Err(lost) => Err(Cause::from(lost)),
            Ok(()) => {
                self.stall.begin();
                let written = match self.try_to_write().await {
                    Ok(()) => Ok(()),
                    Err(error) => Err(self.explain(error.into()).await),
                };
                self.stall.end();
                written
            }
        };
        for mut probe in probes {
            probe.decide(result.clone().map_err(Into::into));
            probe.answer();
        }
    }

    async fn try_to_write(&mut self) -> Result<(), sqlx::Error> {
        if self.is_failing {
            let written = self.batches.write_trial().await;
            self.is_failing = written.is_err();
            if written.is_err() {
                self.roll_back().await;
            }
            return written;
        }
        let begun = BEGIN
            .execute(&mut self.batches.connection, Values::default())
            .await;
        self.roll_back().await;
        begun.map(|_| ())
    }
}
