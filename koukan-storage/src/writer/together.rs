//! Transactions that are written together, all or none.

use std::sync::Arc;

use koukan_core::storage::BackendError;

use crate::{
    query::{MARK, RETURN_TO_MARK, UNMARK, Values},
    row::{EventRow, NewAttempt, SettlementRow, TransactionRow},
};

use super::{BatchWriter, operation::Pending};

/// New transactions, completed drafts and ends of leases.
#[derive(Default)]
pub(crate) struct Together {
    settlements: Vec<Pending<Box<SettlementRow>, ()>>,
    inserts: Vec<Pending<Box<TransactionRow>, ()>>,
    completions: Vec<Pending<Box<TransactionRow>, ()>>,
}

impl Together {
    pub(crate) fn new(
        inserts: impl IntoIterator<Item = TransactionRow>,
        completions: impl IntoIterator<Item = TransactionRow>,
    ) -> Self {
        let row = |row| Pending::unheard(Box::new(row));
        Self {
            inserts: inserts.into_iter().map(row).collect(),
            completions: completions.into_iter().map(row).collect(),
            ..Self::default()
        }
    }

    /// Ends of leases, and the new transactions that come with them.
    pub(crate) fn of_settlements(
        settlements: impl IntoIterator<Item = SettlementRow>,
        kept: impl IntoIterator<Item = TransactionRow>,
    ) -> Self {
        let row = |row| Pending::unheard(Box::new(row));
        Self {
            settlements: settlements.into_iter().map(row).collect(),
            ..Self::new(kept, [])
        }
    }

    /// Leaves out what was said in attempts.
    pub(super) fn leave_out_conversations(&mut self) {
        for settlement in &mut self.settlements {
            settlement.request.leave_out_conversation();
        }
    }

    /// Whether they contain messages.
    pub(super) fn has_messages(&self) -> bool {
        !(self.inserts.is_empty() && self.completions.is_empty())
    }

    /// The approximate number of octets that they hold in memory.
    pub(crate) fn weight(&self) -> usize {
        let rows = self.inserts.iter().chain(&self.completions);
        let rows = rows.map(|row| row.request.weight());
        let settlements = self.settlements.iter();
        let settlements = settlements.map(|row| row.request.weight());
        rows.chain(settlements).sum()
    }

    /// The events of all of them.
    pub(super) fn events(&self) -> impl Iterator<Item = &Arc<EventRow>> {
        let rows = self.inserts.iter().chain(&self.completions);
        let settled = self.settlements.iter();
        let settled = settled.flat_map(|settlement| settlement.request.all_events());
        rows.flat_map(|row| &row.request.events).chain(settled)
    }

    /// The attempts of all of them.
    pub(super) fn attempts(&self) -> impl Iterator<Item = &NewAttempt> {
        let rows = self.inserts.iter().chain(&self.completions);
        let settled = self.settlements.iter();
        let settled = settled.filter_map(|settlement| settlement.request.attempt.as_ref());
        settled.chain(rows.flat_map(|row| &row.request.attempts))
    }

    /// They may have been tried before, in another batch.
    fn reset(&mut self) {
        let rows = self.inserts.iter_mut().chain(&mut self.completions);
        rows.for_each(Pending::reset);
        self.settlements.iter_mut().for_each(Pending::reset);
    }

    fn take_error(&mut self) -> Option<BackendError> {
        let mut settlements = self.settlements.iter_mut();
        let mut rows = self.inserts.iter_mut().chain(&mut self.completions);
        let of_settlement = settlements.find_map(Pending::take_error);
        of_settlement.or_else(|| rows.find_map(Pending::take_error))
    }
}

impl BatchWriter {
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
        group.reset();
        self.check_drafts(&mut group.completions).await?;
        self.check_keys(&mut group.inserts).await?;
        self.check_leasers(&mut group.inserts, &mut group.completions)
            .await?;
        if let Some(error) = group.take_error() {
            return Ok(Err(error));
        }
        MARK.execute(&mut self.connection, Values::default())
            .await?;
        let Together {
            settlements,
            inserts,
            completions,
        } = group;
        self.settle_and_insert(settlements, &mut [], &mut [])
            .await?;
        // Without its lease, nothing that comes with it is looked at: it may exist already.
        if settlements.iter().all(Pending::is_done) {
            self.settle_and_insert(&mut [], inserts, completions)
                .await?;
        }
        let error = group.take_error();
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
