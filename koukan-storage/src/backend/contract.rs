//! The contract of a backend, implemented for any database.

use std::{mem, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobId,
    storage::{
        BackendError, Blobs, Census, EventPage, EventQuery, ListCursor, Listing, Queue, QueueDepth,
        Records,
        record::{
            Attempt, Change, Commit, Companions, DestinationCensus, Due, Judged, Leased,
            NewTransaction, SchedulingKey, SessionId, Settlement, Standing, Status,
            StoredTransaction, Suspension, SuspensionChange, TransactionId, Work,
        },
    },
};

use tokio::sync::watch;

use super::{Database, DatabaseBackend};
use crate::{
    row::{LeaseRow, SettlementRow, Telling, Texts, TransactionRow, micros, scheduling_keys},
    writer::{Append, Claim, Claims, Finish, KeepCursor, Operation, Take, Together, weight},
};

#[async_trait]
impl<D: Database> Queue for DatabaseBackend<D> {
    async fn insert(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        self.0.database.check_room()?;
        // The row is made here and not by the writer, so that all processors share that work.
        let row = Box::new(TransactionRow::new(transaction, self.telling())?);
        self.0
            .writer
            .ask(row.weight(), row, Operation::Insert)
            .await
    }

    async fn complete(&self, transaction: NewTransaction) -> Result<(), BackendError> {
        // A transaction that stays a draft causes no events.
        let is_draft = |due: &Due| due.work == Work::Abandon;
        if !matches!(&transaction.status, Status::Due(due) if is_draft(due)) {
            self.0.database.check_room()?;
        }
        let row = Box::new(TransactionRow::new(transaction, self.telling())?);
        self.0
            .writer
            .ask(row.weight(), row, Operation::Complete)
            .await
    }

    async fn commit(&self, together: Vec<Commit>) -> Result<(), BackendError> {
        self.0.database.check_room()?;
        let telling = self.telling();
        let (mut inserts, mut completions) = (Vec::new(), Vec::new());
        for one in together {
            match one {
                Commit::Insert(new) => inserts.push(TransactionRow::new(new, telling)?),
                Commit::Complete(new) => completions.push(TransactionRow::new(new, telling)?),
            }
        }
        let together = Together::new(inserts, completions);
        let weight = together.weight();
        self.0
            .writer
            .ask(weight, together, Operation::Together)
            .await
    }

    async fn lease_due(
        &self,
        session: SessionId,
        now: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Leased>, BackendError> {
        let request = Claim {
            session,
            now,
            of: Claims::Due {
                standing,
                limit,
                except: scheduling_keys(except),
            },
        };
        let claimed = self.0.writer.ask(0, request, Operation::Claim).await?;
        Ok(claimed.into_leased())
    }

    async fn lease_for(
        &self,
        session: SessionId,
        now: Timestamp,
        destination: &SchedulingKey,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        let destination = destination.clone();
        let request = Claim {
            session,
            now,
            of: Claims::For { destination, limit },
        };
        let claimed = self.0.writer.ask(0, request, Operation::Claim).await?;
        Ok(claimed.into_leased())
    }

    async fn lease_companions(
        &self,
        session: SessionId,
        now: Timestamp,
        companions: Vec<Companions>,
        limit: usize,
    ) -> Result<Vec<Leased>, BackendError> {
        let request = Claim {
            session,
            now,
            of: Claims::Companions { companions, limit },
        };
        let claimed = self.0.writer.ask(0, request, Operation::Claim).await?;
        Ok(claimed.into_leased())
    }

    async fn lease(
        &self,
        id: TransactionId,
        session: SessionId,
        work: Option<Work>,
    ) -> Result<Option<Leased>, BackendError> {
        let request = Take {
            id: id.to_string(),
            session,
            work,
        };
        let taken = self.0.writer.ask(0, request, Operation::Take).await?;
        Ok(taken.into_leased().pop())
    }

    async fn request_cancel(&self, id: TransactionId) -> Result<(), BackendError> {
        if self.0.database.session_term().is_none() {
            return Ok(());
        }
        let request = self
            .0
            .writer
            .ask(0, id.to_string(), Operation::RequestCancel);
        request.await
    }

    async fn holder(&self, id: TransactionId) -> Result<Option<SessionId>, BackendError> {
        match self.0.database.session_term() {
            Some(_) => self.0.reader.holder(&id.to_string()).await,
            None => Ok(None),
        }
    }

    async fn next_due(
        &self,
        standing: Standing,
        except: &[SchedulingKey],
    ) -> Result<Option<Timestamp>, BackendError> {
        self.0.reader.next_due(standing, except).await
    }

    async fn bring_forward(&self, by: Duration) -> Result<(), BackendError> {
        self.0.writer.ask(0, by, Operation::BringForward).await
    }

    async fn settle(&self, mut settlement: Settlement) -> Result<(), BackendError> {
        if !settlement.together.is_empty() || !settlement.kept.is_empty() {
            let telling = self.telling();
            let together = mem::take(&mut settlement.together);
            let (mut settlements, mut kept) = (Vec::with_capacity(1 + together.len()), Vec::new());
            for mut one in std::iter::once(settlement).chain(together) {
                for new in mem::take(&mut one.kept) {
                    kept.push(TransactionRow::new(new, telling)?);
                }
                settlements.push(SettlementRow::new(one, telling)?);
            }
            let together = Together::of_settlements(settlements, kept);
            let weight = together.weight();
            let asked = self.0.writer.ask(weight, together, Operation::Together);
            return asked.await;
        }
        let row = Box::new(SettlementRow::new(settlement, self.telling())?);
        self.0
            .writer
            .ask(row.weight(), row, Operation::Settle)
            .await
    }

    async fn release(
        &self,
        id: TransactionId,
        session: SessionId,
        fence: u64,
    ) -> Result<(), BackendError> {
        let lease = LeaseRow::new(id, session, fence);
        self.0.writer.ask(0, lease, Operation::Release).await
    }

    async fn change(&self, change: Change) -> Result<Vec<Judged>, BackendError> {
        let weight = weight(&change);
        self.0.writer.ask(weight, change, Operation::Change).await
    }

    async fn change_suspension(&self, change: SuspensionChange) -> Result<(), BackendError> {
        let change = self.0.writer.ask(0, change, Operation::ChangeSuspension);
        change.await
    }

    async fn suspensions(&self) -> Result<Vec<Suspension>, BackendError> {
        self.0.reader.suspensions().await
    }
}

#[async_trait]
impl<D: Database> Blobs for DatabaseBackend<D> {
    async fn append_blob(
        &self,
        blob: BlobId,
        offset: u64,
        octets: Bytes,
        now: Timestamp,
    ) -> Result<(), BackendError> {
        self.0.database.check_room()?;
        let request = Append {
            blob: blob.to_string(),
            offset: i64::try_from(offset).map_err(|_| BackendError::BlobConflict)?,
            octets,
            now: micros(now),
        };
        let weight = request.octets.len();
        self.0.writer.ask(weight, request, Operation::Append).await
    }

    async fn finish_blob(&self, blob: BlobId, len: u64) -> Result<(), BackendError> {
        let request = Finish {
            blob: blob.to_string(),
            len: i64::try_from(len).map_err(|_| BackendError::BlobConflict)?,
        };
        self.0.writer.ask(0, request, Operation::Finish).await
    }

    async fn read_blob(&self, blob: BlobId, offset: u64) -> Result<Bytes, BackendError> {
        self.0.reader.read_blob(&blob.to_string(), offset).await
    }

    async fn read_small_blobs(
        &self,
        blobs: &[BlobId],
        max: u64,
    ) -> Result<Vec<(BlobId, Bytes)>, BackendError> {
        self.0.reader.read_small_blobs(blobs, max).await
    }
}

#[async_trait]
impl<D: Database> Records for DatabaseBackend<D> {
    async fn summarise(&self, summaries: Vec<NewTransaction>) -> Result<(), BackendError> {
        let telling = match self.0.keeps_events {
            true => Telling::Summary,
            false => Telling::Nothing,
        };
        let mut texts = Texts::default();
        let rows = summaries.into_iter();
        let rows = rows.map(|summary| TransactionRow::after(&mut texts, summary, telling));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let weight = rows.iter().map(TransactionRow::weight).sum();
        self.0.writer.ask(weight, rows, Operation::Summarise).await
    }

    async fn find(&self, id: TransactionId) -> Result<Option<StoredTransaction>, BackendError> {
        self.0.reader.find(&id.to_string()).await
    }

    async fn list(&self, listing: Listing) -> Result<Vec<StoredTransaction>, BackendError> {
        self.0.reader.list(listing).await
    }

    async fn select(&self, listing: Listing) -> Result<Vec<ListCursor>, BackendError> {
        self.0.reader.select(&listing).await
    }

    async fn destinations(
        &self,
        host: Option<&str>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DestinationCensus>, BackendError> {
        self.0.reader.destinations(host, micros(now), limit).await
    }

    async fn attempts(&self, id: TransactionId) -> Result<Vec<Attempt>, BackendError> {
        self.0.reader.attempts(&id.to_string()).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Option<QueueDepth>, BackendError> {
        self.0.reader.depth(now).await.map(Some)
    }

    async fn census(&self) -> Result<Census, BackendError> {
        self.0.reader.census().await
    }

    fn keeps_events(&self) -> bool {
        self.0.keeps_events
    }

    async fn events(&self, query: EventQuery) -> Result<EventPage, BackendError> {
        self.0.reader.events(&query).await
    }

    async fn cursor(&self, name: &str) -> Result<Option<u64>, BackendError> {
        self.0.reader.cursor(name).await
    }

    async fn hold_reader(&self, name: &str, session: SessionId) -> Result<(), BackendError> {
        if self.0.database.session_term().is_none() {
            return Ok(());
        }
        let request = KeepCursor::Hold(name.into(), session);
        self.0.writer.ask(0, request, Operation::Cursor).await
    }

    async fn reader(&self, name: &str) -> Result<Option<SessionId>, BackendError> {
        match self.0.database.session_term() {
            Some(_) => self.0.reader.reader(name).await,
            None => Ok(None),
        }
    }

    async fn keep_cursor_of(
        &self,
        (reader, session): (&str, SessionId),
        name: &str,
        number: u64,
    ) -> Result<(), BackendError> {
        if self.0.database.session_term().is_none() {
            return self.keep_cursor(name, number).await;
        }
        let request = KeepCursor::By {
            name: name.into(),
            number: number.cast_signed(),
            reader: (reader.into(), session),
        };
        self.0.writer.ask(0, request, Operation::Cursor).await
    }

    async fn keep_cursor(&self, name: &str, number: u64) -> Result<(), BackendError> {
        let request = KeepCursor::Of {
            name: name.into(),
            number: number.cast_signed(),
        };
        self.0.writer.ask(0, request, Operation::Cursor).await
    }

    fn events_written(&self) -> Option<watch::Receiver<u64>> {
        Some(self.0.events.clone())
    }
}

impl<D: Database> DatabaseBackend<D> {
    fn telling(&self) -> Telling {
        match self.0.keeps_events {
            true => Telling::Commit,
            false => Telling::Nothing,
        }
    }
}
