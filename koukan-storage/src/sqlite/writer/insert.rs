//! New transactions, and their blobs.

use std::collections::HashMap;

use koukan_core::storage::BackendError;
use sqlx::{Row, SqliteConnection};

use crate::{
    query::{FIND_BLOB, INSERT_BLOB, INSERT_CHUNK, INSERT_TRANSACTION},
    row::{BodyRow, TransactionRow},
};

/// The identity of a new transaction is that of an old one.
#[derive(Debug, thiserror::Error)]
#[error("a transaction of that identity is there already")]
pub(super) struct Duplicate;

/// Lengths of the finished blobs that transactions refer to.
pub(super) struct FinishedBlobs(HashMap<String, i64>);

impl FinishedBlobs {
    /// Writes the blobs that come with `transactions` and are not there, and looks up the others.
    pub(super) async fn of(
        connection: &mut SqliteConnection,
        transactions: &[&TransactionRow],
    ) -> Result<Self, sqlx::Error> {
        let mut finished = HashMap::new();
        let mut unknown = Vec::new();
        let mut brought = HashMap::new();
        for transaction in transactions {
            let Some(body) = &transaction.body else {
                continue;
            };
            match &body.chunks {
                Some(chunks) => {
                    let new = (body.blob.as_str(), body.len, transaction.created, chunks);
                    brought.entry(body.blob.as_str()).or_insert(new);
                }
                None => unknown.push(body.blob.as_str()),
            }
        }
        unknown.retain(|blob| !brought.contains_key(blob));

        let brought: Vec<_> = brought.into_values().collect();
        let written = INSERT_BLOB.execute_each(connection, &brought, |new, values| {
            let (blob, len, created, _) = new;
            values.add(*blob).add(*len).add(*created);
        });
        let mut chunks = Vec::with_capacity(brought.len());
        for ((blob, len, _, octets), written) in brought.iter().zip(written.await?) {
            if written.affected == 1 {
                finished.insert((*blob).to_owned(), *len);
                chunks.extend(octets.iter().map(|(start, octets)| (*blob, *start, octets)));
            } else {
                unknown.push(blob);
            }
        }
        let written = INSERT_CHUNK.execute_each(connection, &chunks, |chunk, values| {
            let (blob, start, octets) = chunk;
            values.add(*blob).add(*start).add(&***octets);
        });
        written.await?;

        unknown.sort_unstable();
        unknown.dedup();
        let found = FIND_BLOB.execute_each(connection, &unknown, |blob, values| {
            values.add(*blob);
        });
        for (blob, found) in unknown.iter().zip(found.await?) {
            if let Some(row) = found.rows.first()
                && row.try_get(1)?
            {
                finished.insert((*blob).to_owned(), row.try_get(0)?);
            }
        }
        Ok(Self(finished))
    }

    /// Whether a transaction can be written.
    pub(super) fn check(&self, transaction: &TransactionRow) -> Result<(), BackendError> {
        let is_fine = |body: &BodyRow| self.0.get(&body.blob) == Some(&body.len);
        if transaction.body.as_ref().is_none_or(is_fine) {
            Ok(())
        } else {
            Err(BackendError::NoSuchBlob)
        }
    }
}

/// Writes transactions whose blobs are there, and tells of each whether its id was new.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    transactions: &[&TransactionRow],
) -> Result<Vec<Result<(), BackendError>>, sqlx::Error> {
    let inserted = INSERT_TRANSACTION.execute_each(connection, transactions, |row, values| {
        row.bind(values);
    });
    let inserted = inserted.await?.into_iter();
    let outcome = inserted.map(|inserted| match inserted.affected {
        0 => Err(BackendError::Failed(Duplicate.into())),
        _ => Ok(()),
    });
    Ok(outcome.collect())
}
