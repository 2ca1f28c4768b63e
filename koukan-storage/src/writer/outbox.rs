//! Events, which are written in the commit that causes them.

use std::sync::Arc;

use koukan_core::{
    causes::Causes,
    storage::record::{Change, Judged},
};
use tokio::sync::watch;

use crate::{
    query::{FIND_CHANGED, INSERT_EVENTS, LAST_EVENT, Values},
    row::EventRow,
};

use super::{BatchWriter, batch::Batch, change::ids, operation::Pending};

/// The events of the commit under way.
pub(crate) struct Outbox {
    is_kept: bool,
    /// The events of operators' changes.
    of_changes: Vec<Arc<EventRow>>,
    /// How many were written.
    count: u64,
    /// The number of the last event that was seen, where others write events too; and of the last that was
    /// announced.
    seen: i64,
    told: i64,
    written: watch::Sender<u64>,
}

impl Outbox {
    /// `written` changes when events are committed, where they are kept.
    pub(crate) fn new(is_kept: bool, written: watch::Sender<u64>) -> Self {
        Self {
            is_kept,
            of_changes: Vec::new(),
            count: 0,
            seen: 0,
            told: 0,
            written,
        }
    }

    /// Forgets events that were not committed.
    pub(crate) fn begin(&mut self) {
        self.of_changes.clear();
        self.count = 0;
    }

    /// Wakes those who wait for events.
    pub(crate) fn committed(&mut self) {
        let is_seen = std::mem::replace(&mut self.told, self.seen) != self.seen;
        let count = self.count + u64::from(is_seen);
        if count > 0 {
            self.written
                .send_modify(|written| *written = written.wrapping_add(count));
        }
    }
}

impl BatchWriter {
    /// Notes the events of a change.
    pub(crate) async fn note_change(
        &mut self,
        change: &Change,
        judged: &[Judged],
    ) -> Result<(), sqlx::Error> {
        let Some(kind) = change.action.event_kind().filter(|_| self.outbox.is_kept) else {
            return Ok(());
        };
        let changed = judged.iter().filter(|(_, verdict)| verdict.is_ok());
        let mut values = Values::default();
        values.add(ids(changed.map(|(id, _)| id)));
        let found = FIND_CHANGED.execute(&mut self.connection, values).await?;
        for row in &found.rows {
            match EventRow::of_hold(row, kind, change.now) {
                Ok(event) => self.outbox.of_changes.push(Arc::new(event)),
                Err(error) => {
                    tracing::warn!(error = %Causes(&*error), "a stored transaction cannot be read, and no event tells of its change");
                }
            }
        }
        Ok(())
    }

    /// Looks for events of other processes, to wake those who wait here.
    pub(super) async fn look_for_events(&mut self) -> Result<(), sqlx::Error> {
        if !self.outbox.is_kept {
            return Ok(());
        }
        let read = LAST_EVENT.execute(&mut self.connection, Values::default());
        let read = read.await?;
        let row = read.rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let last = row.try_get(0)?;
        self.outbox.seen = last;
        Ok(())
    }

    /// Writes the events of everything in a batch, in the order in which it was done.
    pub(crate) async fn write_events(&mut self, batch: &Batch) -> Result<(), sqlx::Error> {
        if !self.outbox.is_kept {
            return Ok(());
        }
        let settled = done(&batch.settlements).flat_map(|row| row.all_events());
        let inserted = done(&batch.inserts).flat_map(|row| &row.events);
        let completed = done(&batch.completions).flat_map(|row| &row.events);
        let together = done(&batch.groups).flat_map(|group| group.events());
        let summaries = done(&batch.summaries).flatten();
        let events: Vec<_> = settled
            .chain(inserted)
            .chain(completed)
            .chain(together)
            .chain(summaries.flat_map(|row| &row.events))
            .chain(&self.outbox.of_changes)
            .collect();
        let written = INSERT_EVENTS.insert(&mut self.connection, &events, |event, values| {
            event.bind(values);
        });
        written.await?;
        self.outbox.count = events.len() as u64;
        Ok(())
    }
}

/// The requests that succeed with this commit.
pub(super) fn done<Q, T>(kind: &[Pending<Q, T>]) -> impl Iterator<Item = &Q> {
    let done = kind.iter().filter(|pending| pending.is_done());
    done.map(|pending| &pending.request)
}
