//! Suppressed addresses, to which senders send nothing.

use std::collections::BTreeMap;

use koukan_core::storage::record::{Suppression, SuppressionChange};

use crate::{
    database::Connection,
    query::{KEEP_SUPPRESSION, REMOVE_SUPPRESSION, Values},
    row::{NewAttempt, micros},
};

use super::{BatchWriter, operation::Pending};

impl BatchWriter {
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

/// Writes the addresses that attempts found to be bad.
pub(super) async fn suppress<'a>(
    connection: &mut Connection,
    attempts: impl Iterator<Item = &'a NewAttempt>,
) -> Result<(), sqlx::Error> {
    let found = attempts.flat_map(|attempt| &attempt.suppresses);
    // The last one for each address: one statement must not write a row twice.
    let found: BTreeMap<_, _> = found
        .map(|one| ((&one.sender, &one.address), one))
        .collect();
    match found.is_empty() {
        true => Ok(()),
        false => keep(connection, &found.into_values().collect::<Vec<_>>()).await,
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
