//! Suppressed addresses, to which senders send nothing.

use std::collections::BTreeMap;

use koukan_core::storage::record::{Suppression, SuppressionChange};

use crate::{
    database::Connection,
    query::{KEEP_SUPPRESSION, REMOVE_SUPPRESSION, Values},
    row::micros,
};

use super::{BatchWriter, batch::Batch, operation::Pending, outbox::done};

impl BatchWriter {
    /// Writes the addresses that the attempts of a batch found to be bad, of all that is written. In a shared database
    /// other connections wait for the numbers of these changes until the commit, so little comes after this.
    pub(super) async fn suppress_found(&mut self, batch: &Batch) -> Result<(), sqlx::Error> {
        let settled = done(&batch.settlements).filter_map(|row| row.attempt.as_ref());
        let inserted = done(&batch.inserts).flat_map(|row| &row.attempts);
        let completed = done(&batch.completions).flat_map(|row| &row.attempts);
        let together = done(&batch.groups).flat_map(|group| group.attempts());
        let summaries = done(&batch.summaries).flatten();
        let attempts = settled
            .chain(inserted)
            .chain(completed)
            .chain(together)
            .chain(summaries.flat_map(|row| &row.attempts));
        let found = attempts.flat_map(|attempt| &attempt.suppresses);
        // The last one for each address: one statement must not write a row twice.
        let found: BTreeMap<_, _> = found
            .map(|one| ((&one.sender, &one.address), one))
            .collect();
        match found.is_empty() {
            true => Ok(()),
            false => {
                let found: Vec<_> = found.into_values().collect();
                keep(&mut self.connection, &found).await
            }
        }
    }

    pub(super) async fn change_suppressions(
        &mut self,
        changes: &mut [Pending<SuppressionChange, ()>],
    ) -> Result<(), sqlx::Error> {
        for change in changes {
            match &change.request {
                SuppressionChange::Keep(one) => keep(&mut self.connection, &[one]).await?,
                SuppressionChange::Remove { sender, address } => {
                    let mut values = Values::default();
                    values.add(&**sender).add(&**address);
                    let removed = REMOVE_SUPPRESSION.execute(&mut self.connection, values);
                    removed.await?;
                }
            }
            change.decide(Ok(()));
        }
        Ok(())
    }
}

async fn keep(
    connection: &mut Connection,
    suppressions: &[&Suppression],
) -> Result<(), sqlx::Error> {
    let kept = KEEP_SUPPRESSION.execute_each(connection, suppressions, |one, values| {
        values
            .add(&*one.sender)
            .add(&*one.address)
            .add(micros(one.since))
            .add(micros(one.until))
            .add(&*one.reason);
    });
    kept.await?;
    Ok(())
}
