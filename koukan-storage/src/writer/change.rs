//! Changes by operators.

use std::collections::HashMap;

use koukan_core::storage::record::{Change, Judged, QueueAction, Seen, Skipped, Work};

use crate::{
    query::{HOLD, JUDGE, RELEASE_HELD, RETRY, Values},
    row::{micros, open_recipients, work_of},
};

use super::{BatchWriter, operation::Pending};

impl BatchWriter {
    pub(super) async fn change(
        &mut self,
        changes: &mut [Pending<Change, Vec<Judged>>],
    ) -> Result<(), sqlx::Error> {
        for change in changes {
            let judged = self.judge(&change.request).await?;
            let request = &change.request;
            if !request.is_dry && request.action.is_one_write() {
                self.write_change(request, &judged).await?;
            }
            change.decide(Ok(judged));
        }
        Ok(())
    }

    async fn judge(&mut self, change: &Change) -> Result<Vec<Judged>, sqlx::Error> {
        let mut values = Values::default();
        values.add(ids(change.ids.iter()));
        let rows = JUDGE.execute(&mut self.connection, values).await?.rows;
        let mut seen = HashMap::with_capacity(rows.len());
        for row in &rows {
            let id: &str = row.try_get(0)?;
            let work: Option<&str> = row.try_get(1)?;
            let now = Seen {
                // A value that cannot be read is left to a later lease.
                work: work.map(|work| work_of(work).unwrap_or(Work::Attempt)),
                is_leased: row.try_get(2)?,
                is_held: row.try_get(3)?,
                is_suspended: row.try_get(4)?,
            };
            let recipients = open_recipients(row.try_get(5)?);
            seen.insert(id.to_owned(), (now, recipients));
        }
        let judged = change.ids.iter().map(|id| {
            let seen = seen.get(&id.to_string());
            let verdict = seen.map(|(seen, recipients)| {
                let verdict = change.action.judge(*seen);
                verdict.map(|()| *recipients)
            });
            (*id, verdict.unwrap_or(Err(Skipped::Finished)))
        });
        Ok(judged.collect())
    }

    async fn write_change(
        &mut self,
        change: &Change,
        judged: &[Judged],
    ) -> Result<(), sqlx::Error> {
        let statement = match change.action {
            QueueAction::Retry => &RETRY,
            QueueAction::Hold => &HOLD,
            QueueAction::Release => &RELEASE_HELD,
            QueueAction::Cancel | QueueAction::Bounce => return Ok(()),
        };
        let changed = judged.iter().filter(|(_, verdict)| verdict.is_ok());
        let mut values = Values::default();
        values
            .add(micros(change.now))
            .add(ids(changed.map(|(id, _)| id)));
        statement.execute(&mut self.connection, values).await?;
        self.note_change(change, judged).await
    }
}

pub(super) fn ids(ids: impl Iterator<Item = impl std::fmt::Display>) -> Vec<String> {
    ids.map(|id| id.to_string()).collect()
}

/// The approximate memory of the operation, in octets.
pub(crate) fn weight(change: &Change) -> usize {
    change.ids.len() * size_of::<Judged>()
}
