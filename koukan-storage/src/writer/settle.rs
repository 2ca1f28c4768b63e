//! Ends of leases, and new transactions.

use std::collections::HashSet;

use koukan_core::storage::BackendError;

use crate::{
    database::{Connection, Dialect},
    query::{
        ADD_ATTEMPT, ADD_ATTEMPTS, ADDED, HOLDS_LEASE, RELEASE, SETTLE, SETTLE_TOGETHER, SETTLED,
        Values,
    },
    row::{LeaseRow, SettlementRow, TransactionRow},
};

use super::{
    BatchWriter,
    insert::{FinishedBlobs, duplicate, find_keyed, insert},
    operation::Pending,
};

type Settlements = [Pending<Box<SettlementRow>, ()>];
type Inserts = [Pending<Box<TransactionRow>, ()>];

impl BatchWriter {
    /// Writes settlements, and transactions together with the settlements' notifications. Inserts
    /// and completions that were decided before are left out.
    pub(super) async fn settle_and_insert(
        &mut self,
        settlements: &mut Settlements,
        inserts: &mut Inserts,
        completions: &mut Inserts,
    ) -> Result<(), sqlx::Error> {
        self.check_leases(settlements).await?;
        let new = notifications(settlements, Pending::is_open)
            .chain(open_rows(inserts))
            .chain(open_rows(completions));
        let new: Vec<_> = new.collect();
        let blobs = FinishedBlobs::of(&mut self.connection, &new).await?;
        check_notifications(settlements, &blobs);
        self.settle(settlements).await?;

        let notifications: Vec<_> = notifications(settlements, Pending::is_done).collect();
        let inserted = insert(&mut self.connection, &notifications).await?;
        if inserted.iter().any(Result::is_err) {
            // Two settlements bring the same notification: they must be executed one by one.
            return Err(sqlx::Error::Protocol(
                "notification twice in a batch".into(),
            ));
        }
        check_bodies(inserts, &blobs);
        check_bodies(completions, &blobs);
        let rows: Vec<_> = open_rows(inserts).collect();
        let inserted = insert(&mut self.connection, &rows).await?;
        let open = inserts.iter_mut().filter(|insert| insert.is_open());
        for (insert, outcome) in open.zip(inserted) {
            insert.decide(outcome);
        }
        self.complete(completions).await
    }

    /// Decides inserts that repeat an earlier one.
    pub(super) async fn check_keys(&mut self, inserts: &mut Inserts) -> Result<(), sqlx::Error> {
        let rows: Vec<_> = open_rows(inserts).collect();
        let repeated = find_keyed(&mut self.connection, &rows).await?;
        let open = inserts.iter_mut().filter(|insert| insert.is_open());
        for (insert, repeated) in open.zip(repeated) {
            if let Some(error) = repeated {
                insert.decide(Err(error));
            }
        }
        Ok(())
    }

    /// Decides settlements with a notification but no lease, so that nothing is written for them.
    async fn check_leases(&mut self, settlements: &mut Settlements) -> Result<(), sqlx::Error> {
        for settlement in settlements {
            let Some(notification) = &settlement.request.notification else {
                continue;
            };
            let mut values = Values::default();
            values.add(notification.id.as_str());
            settlement.request.lease.bind(&mut values);
            let held = HOLDS_LEASE.execute(&mut self.connection, values).await?;
            match held.rows.first() {
                None => settlement.decide(Err(BackendError::LeaseLost)),
                Some(row) => {
                    let is_duplicate: bool = row.try_get(0)?;
                    let repeated = find_keyed(&mut self.connection, &[notification]).await?;
                    let repeated = repeated.into_iter().next().flatten();
                    if let Some(error) = repeated.or_else(|| is_duplicate.then(duplicate)) {
                        settlement.decide(Err(error));
                    }
                }
            }
        }
        Ok(())
    }

    async fn settle(&mut self, settlements: &mut Settlements) -> Result<(), sqlx::Error> {
        let mut open: Vec<_> = settlements
            .iter_mut()
            .filter(|settlement| settlement.is_open())
            .collect();
        let is_settled = write_settlements(&mut self.connection, &open).await?;
        for (settlement, is_settled) in open.iter_mut().zip(is_settled) {
            settlement.decide(held(u64::from(is_settled)));
        }
        let attempted = open.iter().filter(|settlement| settlement.is_done());
        let attempted = attempted.map(|settlement| &*settlement.request);
        let attempted: Vec<_> = attempted.filter(|row| row.attempt.is_some()).collect();
        add_attempts(&mut self.connection, &attempted).await
    }

    /// Gives leases back.
    pub(super) async fn release(
        &mut self,
        releases: &mut [Pending<LeaseRow, ()>],
        lapses: &[LeaseRow],
    ) -> Result<(), sqlx::Error> {
        let leases = releases.iter().map(|release| &release.request);
        let leases: Vec<_> = leases.chain(lapses).collect();
        let released = RELEASE.execute_each(&mut self.connection, &leases, |lease, values| {
            lease.bind(values);
        });
        let released = released.await?;
        for (release, released) in releases.iter_mut().zip(released) {
            release.decide(held(released.affected));
        }
        Ok(())
    }
}

/// Writes settlements whose leases are held. Decides for each whether it was written.
async fn write_settlements(
    connection: &mut Connection,
    settlements: &[&mut Pending<Box<SettlementRow>, ()>],
) -> Result<Vec<bool>, sqlx::Error> {
    if settlements.len() < 2 || connection.dialect() == Dialect::Sqlite {
        let settled = SETTLE.execute_each(connection, settlements, |settlement, values| {
            settlement.request.bind(values);
        });
        let settled = settled.await?;
        return Ok(settled.iter().map(|one| one.affected > 0).collect());
    }
    // If several settlements end the same lease, the first one does it, and the others have none.
    let mut leases = HashSet::new();
    let places = (0_i64..).zip(settlements);
    let first = places.filter(|(_, settlement)| leases.insert(&settlement.request.lease));
    let mut rows = Values::default();
    for (place, settlement) in first {
        settlement.request.bind(&mut rows);
        rows.add(place);
    }
    let mut values = Values::default();
    values.add_columns(SETTLED.len(), rows);
    let settled = SETTLE_TOGETHER.execute(connection, values).await?;
    let places = settled.rows.iter().map(|row| row.try_get::<i64, _>(0));
    let places: HashSet<_> = places.collect::<Result<_, _>>()?;
    let settlements = (0..).zip(settlements);
    Ok(settlements
        .map(|(place, _)| places.contains(&place))
        .collect())
}

/// Writes the attempts of settlements.
async fn add_attempts(
    connection: &mut Connection,
    attempted: &[&SettlementRow],
) -> Result<(), sqlx::Error> {
    if attempted.len() < 2 || connection.dialect() == Dialect::Sqlite {
        let added = ADD_ATTEMPT.execute_each(connection, attempted, |row, values| {
            row.bind_attempt(values);
        });
        added.await?;
        return Ok(());
    }
    let mut rows = Values::default();
    attempted.iter().for_each(|row| row.bind_attempt(&mut rows));
    let mut values = Values::default();
    values.add_columns(ADDED, rows);
    ADD_ATTEMPTS.execute(connection, values).await?;
    Ok(())
}

/// The notifications of these settlements.
fn notifications(
    settlements: &Settlements,
    which: fn(&Pending<Box<SettlementRow>, ()>) -> bool,
) -> impl Iterator<Item = &TransactionRow> {
    let which = settlements
        .iter()
        .filter(move |settlement| which(settlement));
    which.filter_map(|settlement| settlement.request.notification.as_ref())
}

fn open_rows(inserts: &Inserts) -> impl Iterator<Item = &TransactionRow> {
    let open = inserts.iter().filter(|insert| insert.is_open());
    open.map(|insert| &*insert.request)
}

fn check_bodies(inserts: &mut Inserts, blobs: &FinishedBlobs) {
    for insert in inserts.iter_mut().filter(|insert| insert.is_open()) {
        if let Err(error) = blobs.check(&insert.request) {
            insert.decide(Err(error));
        }
    }
}

fn check_notifications(settlements: &mut Settlements, blobs: &FinishedBlobs) {
    for settlement in settlements {
        if let Some(notification) = &settlement.request.notification
            && settlement.is_open()
            && let Err(error) = blobs.check(notification)
        {
            settlement.decide(Err(error));
        }
    }
}

fn held(affected: u64) -> Result<(), BackendError> {
    match affected {
        0 => Err(BackendError::LeaseLost),
        _ => Ok(()),
    }
}
