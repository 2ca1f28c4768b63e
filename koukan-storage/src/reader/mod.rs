//! Reads, independent of the writer.

mod bans;
mod destinations;
mod sessions;
mod suppressions;

use std::{cmp::Reverse, fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::blob::BlobId;
use koukan_core::causes::Causes;
use koukan_core::storage::{
    BackendError, Census, EventPage, EventQuery, ListCursor, Listing, QueueDepth, QueueState,
    record::{Attempt, Conversation, SchedulingKey, Standing, StoredTransaction},
};

use crate::{
    closed::closed,
    database::{Dialect, Row},
    query::{
        BOUND_EVENTS, CENSUS, DEPTH, FIND_CURSOR, FIND_ORPHANS, FIND_SUMMARY, FIND_TRANSACTION,
        LIST_ATTEMPTS, LIST_EVENTS, NEXT_DUE, NEXT_SUSPECT, PROBE, Page, READ_BLOB,
        READ_SMALL_BLOBS, SUMMARY_CONVERSATION, Statement, Values, list, list_summaries, select,
    },
    row::{StoredRow, attempt, conversation, from_micros, kept_event, micros, scheduling_keys},
};

/// Blobs that are removed in one go at most, and then their approximate total size in octets.
const ORPHANS_AT_ONCE: i64 = 256;
const OCTETS_AT_ONCE: i64 = 64 << 20;

/// Runs reads.
#[async_trait]
pub(crate) trait Source: Send + Sync + 'static {
    fn dialect(&self) -> Dialect;

    /// Returns the rows of a statement. A read that has begun ends by itself and returns its connection, even if
    /// the caller is not polled or is dropped.
    async fn rows(&self, text: Arc<str>, values: Values) -> Result<Vec<Row>, BackendError>;

    async fn close(&self);
}

pub(crate) struct Reader(Arc<dyn Source>);

impl Reader {
    pub(crate) fn new(source: impl Source) -> Self {
        Self(Arc::new(source))
    }

    pub(crate) async fn close(&self) {
        self.0.close().await;
    }

    pub(crate) async fn find(&self, id: &str) -> Result<Option<StoredTransaction>, BackendError> {
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

    pub(crate) async fn list(
        &self,
        listing: Listing,
    ) -> Result<Vec<StoredTransaction>, BackendError> {
        let dialect = self.0.dialect();
        let mut rows = self.page(list(dialect, &listing)).await?;
        if matches!(listing.state, None | Some(QueueState::Finished)) {
            rows.extend(self.page(list_summaries(dialect, &listing)).await?);
        }
        let mut list = Vec::with_capacity(rows.len());
        for row in &rows {
            match StoredRow(row).transaction() {
                Ok(transaction) => list.push(transaction),
                Err(error) => {
                    tracing::warn!(error = %Causes(&error), "a stored transaction cannot be read and is left out of the list");
                }
            }
        }
        let place = |one: &StoredTransaction| (one.created, one.id);
        list.sort_unstable_by_key(|one| Reverse(place(one)));
        list.truncate(listing.limit);
        Ok(list)
    }

    /// The positions of committed transactions in a list.
    pub(crate) async fn select(&self, listing: &Listing) -> Result<Vec<ListCursor>, BackendError> {
        let rows = self.page(select(self.0.dialect(), listing)).await?;
        let mut places = Vec::with_capacity(rows.len());
        for row in &rows {
            let created: i64 = row.try_get(0).map_err(failed)?;
            let id: &str = row.try_get(1).map_err(failed)?;
            // Rows that cannot be read are left out, as in lists.
            if let Ok(id) = id.parse() {
                let created = from_micros(created);
                places.push(ListCursor { created, id });
            }
        }
        Ok(places)
    }

    pub(crate) async fn attempts(&self, id: &str) -> Result<Vec<Attempt>, BackendError> {
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

    pub(crate) async fn read_blob(&self, blob: &str, offset: u64) -> Result<Bytes, BackendError> {
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

    pub(crate) async fn read_small_blobs(
        &self,
        blobs: &[BlobId],
        max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        let blobs: Vec<_> = blobs.iter().map(BlobId::to_string).collect();
        let mut values = Values::default();
        values
            .add(blobs)
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

    pub(crate) async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError> {
        let statement = match standing {
            Standing::Clear => &NEXT_DUE,
            Standing::Suspect => &NEXT_SUSPECT,
        };
        let mut values = Values::default();
        values.add(scheduling_keys(except));
        let row = self.row(statement, values).await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let due: Option<i64> = row.try_get(0).map_err(failed)?;
        Ok(due.map(from_micros))
    }

    pub(crate) async fn census(&self) -> Result<Census, BackendError> {
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

    /// How much is queued.
    pub(crate) async fn depth(&self, now: Timestamp) -> Result<QueueDepth, BackendError> {
        let mut values = Values::default();
        values.add(micros(now)).add(micros(now));
        let Some(row) = self.row(&DEPTH, values).await? else {
            return Ok(QueueDepth::default());
        };
        let count = |column: usize| -> Result<u64, BackendError> {
            let count: i64 = row.try_get(column).map_err(failed)?;
            Ok(count.cast_unsigned())
        };
        let oldest: Option<i64> = row.try_get(4).map_err(failed)?;
        let due = count(0)?;
        Ok(QueueDepth {
            due,
            later: count(1)?.saturating_sub(due),
            active: count(2)?,
            held: count(3)?,
            oldest_due: oldest.map(from_micros),
        })
    }

    /// Some events.
    pub(crate) async fn events(&self, query: &EventQuery) -> Result<EventPage, BackendError> {
        let (first, last) = self.bounds_of_events().await?;
        let after = query.after.unwrap_or(first - 1);
        // Later events are for the next page.
        let until = after.saturating_add(EventQuery::SEEN_MAX).min(last);
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let kinds = query.kinds.iter().map(|kind| kind.as_str().to_owned());
        let kinds = (!query.kinds.is_empty()).then(|| kinds.collect::<Vec<_>>());
        let senders = query.senders.as_ref();
        let senders = senders.map(|senders| {
            senders
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>()
        });
        let mut values = Values::default();
        values
            .add(number(after))
            .add(number(until))
            .add(senders)
            .add(kinds)
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
        // Some events may have been removed meanwhile.
        let (first, _) = self.bounds_of_events().await?;
        Ok(EventPage {
            events,
            seen,
            first,
            last,
        })
    }

    /// The position of a reader of events.
    pub(crate) async fn cursor(&self, name: &str) -> Result<Option<u64>, BackendError> {
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

    /// Some blobs that were created before a time, and to which no unfinished transaction refers.
    pub(crate) async fn orphans(&self, until: i64) -> Result<Vec<String>, BackendError> {
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

    /// Reads something, to find out whether reading works.
    pub(crate) async fn probe(&self) -> Result<(), BackendError> {
        self.row(&PROBE, Values::default()).await.map(|_| ())
    }

    async fn row(
        &self,
        statement: &'static Statement,
        values: Values,
    ) -> Result<Option<Row>, BackendError> {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    async fn rows(
        &self,
        statement: &'static Statement,
        values: Values,
    ) -> Result<Vec<Row>, BackendError> {
        let text = statement.text(self.0.dialect());
        self.0.rows(text, values).await
    }

    async fn page(&self, page: Page) -> Result<Vec<Row>, BackendError> {
        self.0.rows(page.text, page.values).await
    }
}

/// A column holds an unexpected value.
fn failed(error: sqlx::Error) -> BackendError {
    BackendError::Failed(Box::new(Undecoded(error)))
}

/// A value that cannot be read. Keeps the driver's types out of the API.
#[derive(Debug)]
struct Undecoded(sqlx::Error);

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Undecoded {}

/// The conversation in a column. One that cannot be read is left out.
fn heard(row: &Row, column: usize) -> Result<Option<Arc<Conversation>>, BackendError> {
    let json: Option<&str> = row.try_get(column).map_err(failed)?;
    Ok(json.and_then(|json| conversation(json).ok()).map(Arc::new))
}
