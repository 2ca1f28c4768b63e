//! Summaries of finished transactions that were never committed.

use crate::{query::INSERT_SUMMARIES, row::TransactionRow};

use super::{BatchWriter, operation::Pending};

impl BatchWriter {
    pub(super) async fn summarise(
        &mut self,
        summaries: &mut [Pending<Vec<TransactionRow>, ()>],
    ) -> Result<(), sqlx::Error> {
        for pending in summaries {
            let rows = &pending.request;
            let written = INSERT_SUMMARIES.insert(&mut self.connection, rows, |row, values| {
                row.bind_summary(values);
            });
            written.await?;
            pending.decide(Ok(()));
        }
        Ok(())
    }
}
