//! Transactions that are written together: all of them or none.

use std::sync::Arc;

use koukan_core::storage::BackendError;

use crate::{
    query::{MARK, RETURN_TO_MARK, UNMARK, Values},
    row::{EventRow, TransactionRow},
};

use super::{operation::Pending, task::Task};

/// New transactions, and drafts that are completed.
pub(in crate::sqlite) struct Together {
    inserts: Vec<Pending<Box<TransactionRow>, ()>>,
    completions: Vec<Pending<Box<TransactionRow>, ()>>,
}

impl Together {
    pub(in crate::sqlite) fn new(
        inserts: impl IntoIterator<Item = TransactionRow>,
        completions: impl IntoIterator<Item = TransactionRow>,
    ) -> Self {
        let row = |row| Pending::unheard(Box::new(row));
        Self {
            inserts: inserts.into_iter().map(row).collect(),
            completions: completions.into_iter().map(row).collect(),
        }
    }

    /// Octets that they hold in memory, about.
    pub(in crate::sqlite) fn weight(&self) -> usize {
        let rows = self.inserts.iter().chain(&self.completions);
        rows.map(|row| row.request.weight()).sum()
    }

    /// What is told of all of them.
    pub(super) fn events(&self) -> impl Iterator<Item = &Arc<EventRow>> {
        let rows = self.inserts.iter().chain(&self.completions);
        rows.flat_map(|row| &row.request.events)
    }

    fn rows(&mut self) -> impl Iterator<Item = &mut Pending<Box<TransactionRow>, ()>> {
        self.inserts.iter_mut().chain(&mut self.completions)
    }
}

impl Task {
    pub(super) async fn write_together(
        &mut self,
        groups: &mut [Pending<Together, ()>],
    ) -> Result<(), sqlx::Error> {
        for group in groups {
            let outcome = self.write_group(&mut group.request).await?;
            group.decide(outcome);
        }
        Ok(())
    }

    async fn write_group(
        &mut self,
        group: &mut Together,
    ) -> Result<Result<(), BackendError>, sqlx::Error> {
        // They may have been tried before, with others.
        group.rows().for_each(Pending::reset);
        self.check_drafts(&mut group.completions).await?;
        self.check_keys(&mut group.inserts).await?;
        if let Some(error) = group.rows().find_map(Pending::take_error) {
            return Ok(Err(error));
        }
        MARK.execute(&mut self.connection, Values::default())
            .await?;
        self.settle_and_insert(&mut [], &mut group.inserts, &mut group.completions)
            .await?;
        let error = group.rows().find_map(Pending::take_error);
        if error.is_some() {
            RETURN_TO_MARK
                .execute(&mut self.connection, Values::default())
                .await?;
        }
        UNMARK
            .execute(&mut self.connection, Values::default())
            .await?;
        Ok(error.map_or(Ok(()), Err))
    }
}
