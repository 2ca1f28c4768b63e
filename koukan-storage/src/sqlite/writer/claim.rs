//! Leases on what is due.

use jiff::{SignedDuration, Timestamp};
use koukan_core::storage::record::{Leased, Status};
use sqlx::sqlite::SqliteRow;

use crate::{
    query::{LEASE_DUE, PARK, Values},
    row::{Malformed, StoredRow, micros},
};

use super::{
    lapse::Claimed,
    operation::{Claim, Pending},
    task::Task,
};

/// How long a transaction that cannot be read is put off.
const PARKED: SignedDuration = SignedDuration::from_hours(1);

impl Task {
    pub(super) async fn claim(
        &mut self,
        claims: &mut [Pending<Claim, Claimed>],
    ) -> Result<(), sqlx::Error> {
        for claim in claims {
            let leased = self.lease_due(&claim.request).await?;
            let claimed = self.lapses.claimed(claim.request.session, leased);
            claim.decide(Ok(claimed));
        }
        Ok(())
    }

    async fn lease_due(&mut self, claim: &Claim) -> Result<Vec<Leased>, sqlx::Error> {
        let mut leased = Vec::new();
        while leased.len() < claim.limit {
            let room = claim.limit - leased.len();
            let mut values = Values::default();
            values
                .add(claim.session.to_string())
                .add(micros(claim.now))
                .add(i64::try_from(room).unwrap_or(i64::MAX));
            let rows = LEASE_DUE.execute(&mut self.connection, values).await?.rows;
            let is_all = rows.len() < room;
            for row in rows {
                match StoredRow(&row).leased() {
                    Ok(transaction) => leased.push(transaction),
                    Err(error) => self.park(&row, &error, claim.now).await?,
                }
            }
            // Those that cannot be read take no place of others.
            if is_all {
                break;
            }
        }
        leased.sort_by_key(|leased| (due(leased), leased.transaction.id));
        Ok(leased)
    }

    /// Puts off what cannot be read. It stays, so that a version that can read it, or a person,
    /// can still deliver it.
    async fn park(
        &mut self,
        row: &SqliteRow,
        error: &Malformed,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let row = StoredRow(row).row_id();
        let row = row.map_err(|error| sqlx::Error::Decode(error.into()))?;
        if self.malformed.insert(row) {
            tracing::error!(
                row,
                %error,
                source = std::error::Error::source(error),
                "a stored transaction cannot be read; it is left for later",
            );
        }
        let mut values = Values::default();
        values.add(micros(now + PARKED)).add(row);
        PARK.execute(&mut self.connection, values).await?;
        Ok(())
    }
}

fn due(leased: &Leased) -> Option<Timestamp> {
    match leased.transaction.status {
        Status::Due(due) => Some(due.at),
        Status::Final(_) => None,
    }
}
