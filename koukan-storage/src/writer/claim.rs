//! Leases of due transactions.

use jiff::{SignedDuration, Timestamp};
use koukan_core::causes::Causes;
use koukan_core::storage::{
    BackendError,
    record::{Leased, SessionId, Standing, Status},
};

use crate::{
    database::{Dialect, Row},
    query::{
        LEASE, LEASE_COMPANIONS, LEASE_DUE, LEASE_FOR, LEASE_NOTIFICATIONS, LEASE_SUSPECTS, LOCK,
        PARK, RELEASE, Statement, Values,
    },
    row::{Malformed, StoredRow, micros, work_as_str},
};

use super::{
    BatchWriter,
    lapse::Claimed,
    operation::{Claim, Claims, Pending, Take},
    presence::Living,
};

/// How long a transaction that cannot be read is postponed.
const PARKED: SignedDuration = SignedDuration::from_hours(1);

impl BatchWriter {
    pub(super) async fn claim(
        &mut self,
        claims: &mut [Pending<Claim, Claimed>],
    ) -> Result<(), sqlx::Error> {
        let living = self.living(!claims.is_empty()).await?;
        for claim in claims {
            let Claim { session, now, of } = &claim.request;
            if is_dead(&living, *session) {
                claim.decide(Err(BackendError::SessionLost));
                continue;
            }
            let mut leased = Vec::new();
            match of {
                Claims::Due {
                    standing,
                    limit,
                    except,
                } => {
                    let statement = match standing {
                        Standing::Clear => &LEASE_DUE,
                        Standing::Suspect => &LEASE_SUSPECTS,
                    };
                    let bind = |values: &mut Values| {
                        let session = session.to_string();
                        values.add(session).add(micros(*now)).add(except.clone());
                    };
                    self.lease_all(statement, bind, *now, *limit, &mut leased)
                        .await?;
                }
                Claims::For { destination, limit } => {
                    let bind = |values: &mut Values| {
                        values
                            .add(session.to_string())
                            .add(destination.as_str())
                            .add(micros(*now));
                    };
                    self.lease_all(&LEASE_FOR, bind, *now, *limit, &mut leased)
                        .await?;
                }
                Claims::Companions { companions, limit } => {
                    for wanted in companions {
                        let statement = match wanted.destination {
                            Some(_) => &LEASE_COMPANIONS,
                            None => &LEASE_NOTIFICATIONS,
                        };
                        let bind = |values: &mut Values| {
                            values
                                .add(session.to_string())
                                .add(wanted.message_key.to_string());
                            if let Some(destination) = &wanted.destination {
                                values.add(destination.as_str());
                            }
                            values.add(micros(wanted.until));
                        };
                        let left = wanted.limit.min(*limit - leased.len());
                        self.lease_all(statement, bind, *now, left, &mut leased)
                            .await?;
                    }
                }
            }
            leased.sort_by_key(|leased| (due(leased), leased.transaction.id));
            let claimed = self.lapses.claimed(*session, leased);
            claim.decide(Ok(claimed));
        }
        Ok(())
    }

    /// Leases single transactions.
    pub(super) async fn take(
        &mut self,
        takes: &mut [Pending<Take, Claimed>],
    ) -> Result<(), sqlx::Error> {
        let living = self.living(!takes.is_empty()).await?;
        let mut open = Vec::with_capacity(takes.len());
        for take in takes {
            match is_dead(&living, take.request.session) {
                true => take.decide(Err(BackendError::SessionLost)),
                false => open.push(take),
            }
        }
        if self.connection.dialect() == Dialect::Postgres && !open.is_empty() {
            // Without the lock, a lease that waits for another commit would read parts and attempts as they
            // were before that commit.
            let ids = open.iter().map(|take| take.request.id.clone());
            let mut values = Values::default();
            values.add(ids.collect::<Vec<_>>());
            LOCK.execute(&mut self.connection, values).await?;
        }
        let leased = LEASE
            .execute_each(&mut self.connection, &open, |take, values| {
                let Take { id, session, work } = &take.request;
                values
                    .add(session.to_string())
                    .add(id.as_str())
                    .add(work.map(work_as_str))
                    .add(work.map(work_as_str));
            })
            .await?;
        for (take, leased) in open.into_iter().zip(leased) {
            let session = take.request.session;
            let leased = match leased.rows.first() {
                Some(row) => self.taken(session, row).await?.map(Some),
                None => Ok(None),
            };
            take.decide(leased.map(|leased| self.lapses.claimed(session, Vec::from_iter(leased))));
        }
        Ok(())
    }

    /// The leased transactions. The lease of one that cannot be read ends.
    async fn taken(
        &mut self,
        session: SessionId,
        row: &Row,
    ) -> Result<Result<Leased, BackendError>, sqlx::Error> {
        let row = StoredRow(row);
        let error = match row.leased() {
            Ok(leased) => return Ok(Ok(leased)),
            Err(error) => error,
        };
        let lease = row.lease(session);
        let lease = lease.map_err(|error| sqlx::Error::Decode(error.into()))?;
        let mut values = Values::default();
        lease.bind(&mut values);
        RELEASE.execute(&mut self.connection, values).await?;
        Ok(Err(BackendError::Malformed(error.into())))
    }

    /// Leases as many transactions as the statement finds, at most `limit`, which is the last value
    /// that it binds.
    async fn lease_all(
        &mut self,
        statement: &Statement,
        bind: impl Fn(&mut Values),
        now: Timestamp,
        limit: usize,
        leased: &mut Vec<Leased>,
    ) -> Result<(), sqlx::Error> {
        let end = leased.len() + limit;
        while leased.len() < end {
            let room = end - leased.len();
            let mut values = Values::default();
            bind(&mut values);
            values.add(i64::try_from(room).unwrap_or(i64::MAX));
            let rows = statement.execute(&mut self.connection, values).await?.rows;
            let is_all = rows.len() < room;
            for row in rows {
                match StoredRow(&row).leased() {
                    Ok(transaction) => leased.push(transaction),
                    Err(error) => self.park(&row, &error, now).await?,
                }
            }
            // Transactions that cannot be read do not count towards the limit.
            if is_all {
                break;
            }
        }
        Ok(())
    }

    /// Postpones transactions that cannot be read. They stay, so that a version that can read them,
    /// or a person, can still deliver them.
    async fn park(
        &mut self,
        row: &Row,
        error: &Malformed,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let row = StoredRow(row);
        let id = row.id();
        let id = id.map_err(|error| sqlx::Error::Decode(error.into()))?;
        if self.malformed.insert(id.to_owned()) {
            tracing::error!(
                id,
                error = %Causes(error),
                "a stored transaction cannot be read; it is left for later",
            );
        }
        let mut values = Values::default();
        values.add(micros(now + PARKED)).add(id);
        PARK.execute(&mut self.connection, values).await?;
        Ok(())
    }
}

/// Whether the session is dead, and can lease nothing.
fn is_dead(living: &Option<Living>, session: SessionId) -> bool {
    let living = living.as_ref();
    living.is_some_and(|living| !living.contains(&session.to_string()))
}

fn due(leased: &Leased) -> Option<Timestamp> {
    match leased.transaction.status {
        Status::Due(due) => Some(due.at),
        Status::Final(_) => None,
    }
}
