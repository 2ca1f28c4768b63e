//! Reads about suspensions and suppressions that changed.

use koukan_core::storage::{
    BackendError, BansChanged,
    record::{BanChange, Suppression, SuppressionChange, Suspension, SuspensionChange},
};

use crate::{
    database::Row,
    query::{BANS_CHANGED, BANS_KEPT, Values},
    row::from_micros,
};

use super::{Reader, failed};

impl Reader {
    /// The number of the last change, and what has changed after the change with that number.
    pub(crate) async fn bans_changed(
        &self,
        since: Option<u64>,
    ) -> Result<BansChanged, BackendError> {
        let after = since.and_then(|since| i64::try_from(since).ok());
        let mut values = Values::default();
        values.add(after.unwrap_or(i64::MAX));
        let rows = self.rows(&BANS_CHANGED, values).await?;
        changed(since, &rows).map_err(failed)
    }
}

fn changed(since: Option<u64>, rows: &[Row]) -> Result<BansChanged, sqlx::Error> {
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let number = u64::try_from(first.try_get::<i64, _>(0)?).unwrap_or_default();
    // Not where earlier ones are no longer known, nor where the database is an earlier one.
    let is_known = |since| {
        number
            .checked_sub(since)
            .is_some_and(|new| new <= u64::from(BANS_KEPT))
    };
    if !since.is_some_and(is_known) {
        let changes = None;
        return Ok(BansChanged { number, changes });
    }
    let changes = rows.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    Ok(BansChanged {
        number,
        changes: Some(changes.into_iter().flatten().collect()),
    })
}

fn change(row: &Row) -> Result<Option<BanChange>, sqlx::Error> {
    let Some(name) = row.try_get::<Option<&str>, _>(2)? else {
        return Ok(None);
    };
    let change = match row.try_get::<Option<&str>, _>(1)? {
        None => BanChange::Suspension(match row.try_get::<Option<i64>, _>(3)? {
            Some(since) => SuspensionChange::Suspend(Suspension {
                host: name.into(),
                since: from_micros(since),
                by: row.try_get::<&str, _>(4)?.into(),
            }),
            None => SuspensionChange::Resume(name.into()),
        }),
        Some(sender) => BanChange::Suppression(match row.try_get::<Option<i64>, _>(5)? {
            Some(since) => SuppressionChange::Keep(Suppression {
                sender: sender.into(),
                address: name.into(),
                since: from_micros(since),
                until: from_micros(row.try_get(6)?),
                reason: row.try_get::<&str, _>(7)?.into(),
            }),
            None => SuppressionChange::Remove {
                sender: sender.into(),
                address: name.into(),
            },
        }),
    };
    Ok(Some(change))
}
