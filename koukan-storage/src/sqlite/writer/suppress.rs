//! Addresses to which senders send nothing.

use koukan_core::storage::record::{Suppression, SuppressionChange};
use sqlx::SqliteConnection;

use crate::{
    query::{KEEP_SUPPRESSION, REMOVE_SUPPRESSION, Values},
    row::{NewAttempt, micros},
};

use super::{operation::Pending, task::Task};

impl Task {
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

/// Writes what attempts have found to be bad.
pub(super) async fn suppress<'a>(
    connection: &mut SqliteConnection,
    attempts: impl Iterator<Item = &'a NewAttempt>,
) -> Result<(), sqlx::Error> {
    let found: Vec<_> = attempts.flat_map(|attempt| &attempt.suppresses).collect();
    match found.is_empty() {
        true => Ok(()),
        false => keep(connection, &found).await,
    }
}

async fn keep(
    connection: &mut SqliteConnection,
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
