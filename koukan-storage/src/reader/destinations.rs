//! Reads about destinations.

use koukan_core::storage::{
    BackendError,
    record::{DestinationCensus, Suspension},
};

use crate::{
    database::Row,
    query::{COUNT_DESTINATION, COUNT_DESTINATIONS, LIST_SUSPENSIONS, Values},
    row::{attempt, from_micros},
};

use super::{Reader, failed};

impl Reader {
    pub(crate) async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError> {
        let rows = self.rows(&LIST_SUSPENSIONS, Values::default()).await?;
        let rows = rows.iter().map(|row| {
            Ok(Suspension {
                host: row.try_get::<&str, _>(0)?.into(),
                since: from_micros(row.try_get(1)?),
                by: row.try_get::<&str, _>(2)?.into(),
            })
        });
        rows.collect::<Result<_, sqlx::Error>>().map_err(failed)
    }

    pub(crate) async fn destinations(
        &self,
        host: Option<&str>,
        now: i64,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError> {
        let mut values = Values::default();
        values
            .add(now)
            .add(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = match host {
            None => self.rows(&COUNT_DESTINATIONS, values).await?,
            Some(host) => {
                values.add(host);
                self.rows(&COUNT_DESTINATION, values).await?
            }
        };
        rows.iter().map(counted).collect()
    }
}

fn counted(row: &Row) -> Result<DestinationCensus, BackendError> {
    let count = |column: usize| {
        let count = row.try_get::<i64, _>(column);
        count.map(|count| u64::try_from(count).unwrap_or_default())
    };
    let counted = || -> Result<_, sqlx::Error> {
        let next: Option<i64> = row.try_get(5)?;
        Ok(DestinationCensus {
            host: row.try_get::<&str, _>(0)?.into(),
            queued: count(1)?,
            active: count(2)?,
            held: count(3)?,
            due: count(4)?,
            next: next.map(from_micros),
            last_attempt: None,
        })
    };
    let counted = counted().map_err(failed)?;
    let outcome: Option<&str> = row.try_get(6).map_err(failed)?;
    Ok(DestinationCensus {
        // An outcome that cannot be read is left out; the counts stay.
        last_attempt: outcome.and_then(|outcome| attempt(outcome).ok()),
        ..counted
    })
}
