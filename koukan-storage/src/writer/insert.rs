//! New transactions, and their blobs.

use std::collections::{BTreeMap, HashMap};

use koukan_core::storage::{
    BackendError,
    record::{IdempotencyKey, RequestDigest},
};

use crate::{
    database::{Connection, Dialect, Row},
    query::{
        FIND_BLOB, FIND_KEYED, INSERT_ATTEMPTS, INSERT_PART, INSERT_TRANSACTIONS,
        INSERT_WITH_ATTEMPTS, Values,
    },
    row::{NewAttempt, TransactionRow},
};

use super::new_blobs::{NewBlob, write_blobs};

/// The identity of a new transaction is in use already.
#[derive(Debug, thiserror::Error)]
#[error("a transaction with that identity exists already")]
struct Duplicate;

/// The lengths of the finished blobs that transactions refer to.
pub(super) struct FinishedBlobs(HashMap<String, i64>);

impl FinishedBlobs {
    /// Writes the blobs that come with `transactions` and do not exist, and looks up the others.
    pub(super) async fn of(
        connection: &mut Connection,
        transactions: &[&TransactionRow],
    ) -> Result<Self, sqlx::Error> {
        let mut finished = HashMap::new();
        let mut unknown = Vec::new();
        // Sorted, so that of two commits with the same blobs none waits for the other.
        let mut brought = BTreeMap::new();
        for transaction in transactions {
            for blob in transaction.blobs() {
                match &blob.chunks {
                    Some(chunks) => {
                        let new = NewBlob {
                            id: &blob.id,
                            len: blob.len,
                            created: transaction.created,
                            chunks,
                        };
                        brought.entry(blob.id.as_str()).or_insert(new);
                    }
                    None => unknown.push(blob.id.as_str()),
                }
            }
        }
        unknown.retain(|blob| !brought.contains_key(blob));

        let brought: Vec<_> = brought.into_values().collect();
        let written = write_blobs(connection, &brought).await?;
        for (blob, is_new) in brought.iter().zip(written) {
            if is_new {
                finished.insert(blob.id.to_owned(), blob.len);
            } else {
                unknown.push(blob.id);
            }
        }

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
        let mut blobs = transaction.blobs();
        if blobs.all(|blob| self.0.get(&blob.id) == Some(&blob.len)) {
            Ok(())
        } else {
            Err(BackendError::NoSuchBlob)
        }
    }
}

/// Writes transactions whose blobs exist. Decides for each whether it was new.
pub(super) async fn insert(
    connection: &mut Connection,
    transactions: &[&TransactionRow],
) -> Result<Vec<Result<(), BackendError>>, sqlx::Error> {
    let attempts = attempts(transactions);
    let is_together = connection.dialect() == Dialect::Postgres && !attempts.is_empty();
    let inserted = match is_together {
        true => insert_with_attempts(connection, transactions, &attempts).await?,
        false => {
            let inserted = INSERT_TRANSACTIONS.insert(connection, transactions, |row, values| {
                row.bind(values);
            });
            inserted.await?
        }
    };
    let outcomes = match inserted == transactions.len() {
        true => transactions.iter().map(|_| Ok(())).collect(),
        false => which_are_new(connection, transactions, inserted).await?,
    };
    let new = transactions.iter().zip(&outcomes);
    let new = new.filter_map(|(row, outcome)| outcome.is_ok().then_some(*row));
    let new: Vec<_> = new.collect();
    insert_parts(connection, &new).await?;
    if !is_together {
        write_attempts(connection, &self::attempts(&new)).await?;
    }
    Ok(outcomes)
}

/// The outcomes where fewer rows were written than there are: since the keys of the others were looked for, another
/// process has committed transactions with the same keys, or an earlier row has the same one.
async fn which_are_new(
    connection: &mut Connection,
    transactions: &[&TransactionRow],
    inserted: usize,
) -> Result<Vec<Result<(), BackendError>>, sqlx::Error> {
    // This statement sees what was committed meanwhile, and what was just written here.
    let keyed = find_keyed(connection, transactions).await?;
    if let [_] = transactions {
        let outcomes = { keyed.into_iter() }.map(|first| Err(first.unwrap_or_else(duplicate)));
        return Ok(outcomes.collect());
    }
    let outcomes = transactions
        .iter()
        .zip(keyed)
        .map(|(row, first)| match first {
            Some(BackendError::Repeated(id)) if id.to_string() == row.id => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        });
    let outcomes: Vec<_> = outcomes.collect();
    if outcomes.iter().filter(|outcome| outcome.is_ok()).count() != inserted {
        // An identity is in use. Only single executions show which.
        return Err(sqlx::Error::Protocol("transaction is there already".into()));
    }
    Ok(outcomes)
}

/// Writes transactions and the attempts of those that are new, in one go. Returns how many were
/// new.
async fn insert_with_attempts(
    connection: &mut Connection,
    transactions: &[&TransactionRow],
    attempts: &[AttemptOf<'_>],
) -> Result<usize, sqlx::Error> {
    let (mut rows, mut tried) = (Values::default(), Values::default());
    transactions.iter().for_each(|row| row.bind(&mut rows));
    attempts.iter().for_each(|one| one.bind(&mut tried));
    let mut values = Values::default();
    values
        .add_columns(rows.len() / transactions.len(), rows)
        .add_columns(tried.len() / attempts.len(), tried);
    let written = INSERT_WITH_ATTEMPTS.execute(connection, values).await?;
    let row = written.rows.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX))
}

/// Writes the parts of those transactions that have some.
pub(super) async fn insert_parts(
    connection: &mut Connection,
    transactions: &[&TransactionRow],
) -> Result<(), sqlx::Error> {
    let parts = transactions.iter().flat_map(|transaction| {
        let parts = transaction.parts().iter();
        parts.map(|part| (transaction.id.as_str(), part))
    });
    let parts: Vec<_> = parts.collect();
    let written = INSERT_PART.execute_each(connection, &parts, |(transaction, part), values| {
        part.bind(transaction, values);
    });
    written.await?;
    Ok(())
}

/// Writes attempts that were made before their transactions were written.
pub(super) async fn insert_attempts(
    connection: &mut Connection,
    transactions: &[&TransactionRow],
) -> Result<(), sqlx::Error> {
    write_attempts(connection, &attempts(transactions)).await
}

/// An attempt, with its transaction.
struct AttemptOf<'a> {
    transaction: &'a str,
    number: i64,
    attempt: &'a NewAttempt,
}

impl AttemptOf<'_> {
    fn bind(&self, values: &mut Values) {
        self.attempt.bind(self.transaction, self.number, values);
    }
}

/// The attempts that were made before their transactions were written.
fn attempts<'a>(transactions: &[&'a TransactionRow]) -> Vec<AttemptOf<'a>> {
    let attempts = transactions.iter().flat_map(|transaction| {
        let attempts = (1..).zip(&transaction.attempts);
        attempts.map(|(number, attempt)| AttemptOf {
            transaction: &transaction.id,
            number,
            attempt,
        })
    });
    attempts.collect()
}

async fn write_attempts(
    connection: &mut Connection,
    attempts: &[AttemptOf<'_>],
) -> Result<(), sqlx::Error> {
    let written = INSERT_ATTEMPTS.insert(connection, attempts, AttemptOf::bind);
    written.await?;
    Ok(())
}

/// For each transaction, the earlier one that has the same idempotency key, if there is one.
/// Transactions without a key cost nothing.
pub(super) async fn find_keyed(
    connection: &mut Connection,
    transactions: &[&TransactionRow],
) -> Result<Vec<Option<BackendError>>, sqlx::Error> {
    let keyed = transactions.iter().filter_map(|row| {
        let key = row.idempotency_key.as_ref()?;
        Some((&*row.sender, &*key.key))
    });
    let keyed: Vec<_> = keyed.collect();
    let found = FIND_KEYED.execute_each(connection, &keyed, |(sender, key), values| {
        values.add(*sender).add(*key);
    });
    let mut found = found.await?.into_iter();
    let mut repeated = Vec::with_capacity(transactions.len());
    for transaction in transactions {
        let Some(key) = &transaction.idempotency_key else {
            repeated.push(None);
            continue;
        };
        let found = found.next();
        let first = found.as_ref().and_then(|found| found.rows.first());
        repeated.push(first.map(|row| repetition(key, row)).transpose()?);
    }
    Ok(repeated)
}

/// The answer for a transaction whose key is in use already.
fn repetition(key: &IdempotencyKey, first: &Row) -> Result<BackendError, sqlx::Error> {
    let request: Option<&[u8]> = first.try_get(1)?;
    let request = request.and_then(|octets| octets.try_into().ok());
    if !key.repeats(request.map(RequestDigest::new).as_ref()) {
        return Ok(BackendError::KeyReused);
    }
    Ok(match first.try_get::<&str, _>(0)?.parse() {
        Ok(id) => BackendError::Repeated(id),
        Err(error) => BackendError::Malformed(Box::new(error)),
    })
}

pub(super) fn duplicate() -> BackendError {
    BackendError::Failed(Duplicate.into())
}
