//! Reads, each in a task of its own, beside the writer.

mod destinations;
mod suppressions;

use std::{cmp::Reverse, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::blob::BlobId;
use koukan_core::causes::Causes;
use koukan_core::storage::{
    BackendError, Census, EventPage, EventQuery, ListCursor, ListState, Listing,
    record::{Attempt, Conversation, SchedulingKey, Standing, StoredTransaction},
};
use sqlx::{
    AssertSqlSafe, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};
use tokio::sync::oneshot;

use crate::{
    query::{
        BOUND_EVENTS, CENSUS, FIND_CURSOR, FIND_ORPHANS, FIND_SUMMARY, FIND_TRANSACTION,
        LIST_ATTEMPTS, LIST_EVENTS, NEXT_DUE, NEXT_SUSPECT, PROBE, READ_BLOB, READ_SMALL_BLOBS,
        SUMMARY_CONVERSATION, Statement, Values, list, list_summaries, select,
    },
    row::{StoredRow, attempt, conversation, from_micros, json_texts, kept_event, scheduling_keys},
};

use super::{
    error::{closed, failed},
    files::Files,
};

/// Blobs that are removed in one go, at most, and about how many octets they have in all.
const ORPHANS_AT_ONCE: i64 = 256;
const OCTETS_AT_ONCE: i64 = 64 << 20;

pub(super) struct Reader {
    pool: SqlitePool,
    files: Arc<Files>,
}

impl Reader {
    pub(super) fn new(options: SqliteConnectOptions, connections: u32, files: Arc<Files>) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            // A connection to a file does not wear out.
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options);
        Self { pool, files }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn find(&self, id: &str) -> Result<Option<StoredTransaction>, BackendError> {
        let mut values = Values::default();
        values.add(id);
        let found = self.row(&FIND_TRANSACTION, values).await?;
        let found = match found {
            None => {
                let mut values = Values::default();
                values.add(id);
                self.row(&FIND_SUMMARY, values).await?
            }
            found => found,
        };
        let Some(row) = found else {
            return Ok(None);
        };
        let transaction = StoredRow(&row).transaction();
        let transaction = transaction.map_err(|error| BackendError::Malformed(error.into()))?;
        Ok(Some(transaction))
    }

    pub(super) async fn list(
        &self,
        listing: Listing,
    ) -> Result<Vec<StoredTransaction>, BackendError> {
        let page = list(&listing);
        let mut rows = self.page(page.text, page.values).await?;
        if matches!(listing.state, None | Some(ListState::Finished)) {
            let page = list_summaries(&listing);
            rows.extend(self.page(page.text, page.values).await?);
        }
        let mut list = Vec::with_capacity(rows.len());
        for row in &rows {
            match StoredRow(row).transaction() {
                Ok(transaction) => list.push(transaction),
                Err(error) => {
                    tracing::warn!(error = %Causes(&error), "a stored transaction cannot be read and is not listed");
                }
            }
        }
        let place = |one: &StoredTransaction| (one.created, one.id);
        list.sort_unstable_by_key(|one| Reverse(place(one)));
        list.truncate(listing.limit);
        Ok(list)
    }

    /// Where transactions that were committed stand in a list.
    pub(super) async fn select(&self, listing: &Listing) -> Result<Vec<ListCursor>, BackendError> {
        let page = select(listing);
        let rows = self.page(page.text, page.values).await?;
        let mut places = Vec::with_capacity(rows.len());
        for row in &rows {
            let created: i64 = row.try_get(0).map_err(failed)?;
            let id: &str = row.try_get(1).map_err(failed)?;
            // What cannot be read is left out, as in lists.
            if let Ok(id) = id.parse() {
                let created = from_micros(created);
                places.push(ListCursor { created, id });
            }
        }
        Ok(places)
    }

    pub(super) async fn attempts(&self, id: &str) -> Result<Vec<Attempt>, BackendError> {
        let mut values = Values::default();
        values.add(id);
        let rows = self.rows(&LIST_ATTEMPTS, values).await?;
        if rows.is_empty() {
            let found = self.find(id).await?;
            let mut last = found.and_then(|found| found.last_attempt);
            if let Some(last) = &mut last {
                let mut values = Values::default();
                values.add(id);
                let row = self.row(&SUMMARY_CONVERSATION, values).await?;
                last.conversation = row.map(|row| heard(&row, 0)).transpose()?.flatten();
            }
            return Ok(Vec::from_iter(last));
        }
        let attempts = rows.iter().map(|row| {
            let outcome: &str = row.try_get(0).map_err(failed)?;
            let attempt = attempt(outcome);
            let attempt = attempt.map_err(|error| BackendError::Malformed(error.into()))?;
            Ok(Attempt {
                conversation: heard(row, 1)?,
                ..attempt
            })
        });
        attempts.collect()
    }

    pub(super) async fn read_blob(&self, blob: &str, offset: u64) -> Result<Bytes, BackendError> {
        let offset = i64::try_from(offset).map_err(|_| BackendError::NoSuchBlob)?;
        let mut values = Values::default();
        values.add(blob).add(offset).add(1);
        let row = self.row(&READ_BLOB, values).await?;
        let row = row.ok_or(BackendError::NoSuchBlob)?;
        let start: i64 = row.try_get(0).map_err(failed)?;
        let octets: Vec<u8> = row.try_get(1).map_err(failed)?;
        let mut octets = Bytes::from(octets);
        let skipped = usize::try_from(offset - start).unwrap_or(usize::MAX);
        if skipped >= octets.len() {
            return Err(BackendError::NoSuchBlob);
        }
        Ok(octets.split_off(skipped))
    }

    pub(super) async fn read_small_blobs(
        &self,
        blobs: &[BlobId],
        max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        let blobs: Vec<_> = blobs.iter().map(BlobId::to_string).collect();
        let mut values = Values::default();
        values
            .add(&*json_texts(blobs.iter().map(String::as_str)))
            .add(i64::try_from(max).unwrap_or(i64::MAX));
        let rows = self.rows(&READ_SMALL_BLOBS, values).await?;
        let read = rows.iter().map(|row| {
            let blob: &str = row.try_get(0).map_err(failed)?;
            let blob = blob.parse::<BlobId>();
            let blob = blob.map_err(|error| BackendError::Malformed(error.into()))?;
            let octets: Vec<u8> = row.try_get(1).map_err(failed)?;
            Ok((blob, octets.into()))
        });
        read.collect()
    }

    pub(super) async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError> {
        let statement = match standing {
            Standing::Clear => &NEXT_DUE,
            Standing::Suspect => &NEXT_SUSPECT,
        };
        let mut values = Values::default();
        values.add(&*scheduling_keys(except));
        let row = self.row(statement, values).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let due: Option<i64> = row.try_get(0).map_err(failed)?;
        Ok(due.map(from_micros))
    }

    pub(super) async fn census(&self) -> Result<Census, BackendError> {
        let Some(row) = self.row(&CENSUS, Values::default()).await? else {
            return Ok(Census::default());
        };
        let count = |column: usize| -> Result<u64, BackendError> {
            let count: i64 = row.try_get(column).map_err(failed)?;
            Ok(count.cast_unsigned())
        };
        Ok(Census {
            waiting: count(0)?,
            leased: count(1)?,
            finished: count(2)?,
        })
    }

    /// Some events.
    pub(super) async fn events(&self, query: &EventQuery) -> Result<EventPage, BackendError> {
        let (first, last) = self.bounds_of_events().await?;
        let after = query.after.unwrap_or(first - 1);
        // What is committed from here on is for the next page.
        let until = after.saturating_add(EventQuery::SEEN_MAX).min(last);
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let kinds = query.kinds.iter().map(|kind| kind.as_str());
        let kinds = (!query.kinds.is_empty()).then(|| json_texts(kinds));
        let senders = query.senders.as_ref();
        let senders = senders.map(|senders| json_texts(senders.iter().map(|name| &**name)));
        let mut values = Values::default();
        values
            .add(number(after))
            .add(number(until))
            .add(senders.as_deref())
            .add(kinds.as_deref())
            .add(i64::try_from(query.limit).unwrap_or(i64::MAX));
        let rows = self.rows(&LIST_EVENTS, values).await?;
        let mut seen = until;
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            let number: i64 = row.try_get(0).map_err(failed)?;
            if rows.len() >= query.limit {
                seen = number.cast_unsigned();
            }
            match kept_event(row) {
                Ok(event) => events.push(event),
                Err(error) => {
                    tracing::warn!(number, error = %Causes(&error), "an event cannot be read and is left out");
                }
            }
        }
        // Some of them may have been removed meanwhile.
        let (first, _) = self.bounds_of_events().await?;
        Ok(EventPage {
            events,
            seen,
            first,
            last,
        })
    }

    /// How far a reader of events has come.
    pub(super) async fn cursor(&self, name: &str) -> Result<Option<u64>, BackendError> {
        let mut values = Values::default();
        values.add(name);
        let Some(row) = self.row(&FIND_CURSOR, values).await? else {
            return Ok(None);
        };
        let number: i64 = row.try_get(0).map_err(failed)?;
        Ok(Some(number.cast_unsigned()))
    }

    async fn bounds_of_events(&self) -> Result<(u64, u64), BackendError> {
        let row = self.row(&BOUND_EVENTS, Values::default()).await?;
        let row = row.ok_or_else(closed)?;
        let number = |column: usize| -> Result<u64, BackendError> {
            let number: i64 = row.try_get(column).map_err(failed)?;
            Ok(number.cast_unsigned())
        };
        Ok((number(0)?, number(1)?))
    }

    /// Some blobs that were created before a time and that nothing unfinished refers to.
    pub(super) async fn orphans(&self, until: i64) -> Result<Vec<String>, BackendError> {
        let mut values = Values::default();
        values.add(until).add(ORPHANS_AT_ONCE);
        let rows = self.rows(&FIND_ORPHANS, values).await?;
        let mut orphans = Vec::with_capacity(rows.len());
        let mut octets = 0;
        for row in rows {
            orphans.push(row.try_get(0).map_err(failed)?);
            octets += row.try_get::<i64, _>(1).map_err(failed)?;
            if octets > OCTETS_AT_ONCE {
                break;
            }
        }
        Ok(orphans)
    }

    /// Reads something, if only that there is something to read.
    pub(super) async fn probe(&self) -> Result<(), BackendError> {
        self.row(&PROBE, Values::default()).await.map(|_| ())
    }

    async fn row(
        &self,
        statement: &'static Statement,
        values: Values,
    ) -> Result<Option<SqliteRow>, BackendError> {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// Reads in a task of its own: a read that has a connection ends and gives it back, whether
    /// anybody polls whoever asked or not. Who has gone away before that waits for none.
    async fn rows(
        &self,
        statement: &'static Statement,
        values: Values,
    ) -> Result<Vec<SqliteRow>, BackendError> {
        self.page(statement.text(), values).await
    }

    async fn page(
        &self,
        text: AssertSqlSafe<Arc<str>>,
        values: Values,
    ) -> Result<Vec<SqliteRow>, BackendError> {
        self.files.check()?;
        let pool = self.pool.clone();
        let (mut answer, answered) = oneshot::channel();
        tokio::spawn(async move {
            let connection = tokio::select! {
                biased;
                () = answer.closed() => return,
                connection = pool.acquire() => connection,
            };
            let rows = async {
                let query = sqlx::query_with(text, values.into_arguments());
                query.fetch_all(&mut *connection?).await
            };
            let rows = rows.await;
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(rows);
        });
        let rows = answered.await.map_err(|_| closed())?;
        rows.map_err(failed)
    }
}

/// What was said, as a column tells it; one that cannot be read tells nothing.
fn heard(row: &SqliteRow, column: usize) -> Result<Option<Arc<Conversation>>, BackendError> {
    let json: Option<&str> = row.try_get(column).map_err(failed)?;
    Ok(json.and_then(|json| conversation(json).ok()).map(Arc::new))
}
