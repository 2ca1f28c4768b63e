//! Reads about suppressed addresses.

use koukan_core::storage::{BackendError, record::Suppression};

use crate::{
    query::{LIST_SUPPRESSIONS, Values},
    row::from_micros,
    writer::SUPPRESSED_MAX,
};

use super::{Reader, failed};

impl Reader {
    pub(crate) async fn suppressions(&self) -> Result<Vec<Suppression>, BackendError> {
        let mut values = Values::default();
        values.add(SUPPRESSED_MAX);
        let rows = self.rows(&LIST_SUPPRESSIONS, values).await?;
        let rows = rows.iter().map(|row| {
            Ok(Suppression {
                sender: row.try_get::<&str, _>(0)?.into(),
                address: row.try_get::<&str, _>(1)?.into(),
                since: from_micros(row.try_get(2)?),
                until: from_micros(row.try_get(3)?),
                reason: row.try_get::<&str, _>(4)?.into(),
            })
        });
        rows.collect::<Result<_, sqlx::Error>>().map_err(failed)
    }
}
