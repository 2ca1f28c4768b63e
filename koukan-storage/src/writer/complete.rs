//! Completion of drafts.

use std::collections::HashSet;

use koukan_core::storage::BackendError;

use crate::{
    query::{COMPLETE, DELETE_ATTEMPTS, DELETE_PARTS, FIND_DRAFT},
    row::TransactionRow,
};

use super::{
    BatchWriter,
    insert::{insert_attempts, insert_parts},
    operation::Pending,
};

type Completions = [Pending<Box<TransactionRow>, ()>];

impl BatchWriter {
    /// Fails completions whose transaction is not an open draft, and notes where parts are to be
    /// replaced.
    pub(super) async fn check_drafts(
        &mut self,
        completions: &mut Completions,
    ) -> Result<(), sqlx::Error> {
        let ids: HashSet<_> = completions.iter().map(|one| &one.request.id).collect();
        if ids.len() < completions.len() {
            // Each sees the result of the one before, so two completions of one draft must be
            // executed one by one.
            return Err(sqlx::Error::Protocol("draft twice in a batch".into()));
        }
        let found = FIND_DRAFT.execute_each(&mut self.connection, completions, |one, values| {
            one.request.bind_draft(values);
        });
        let found = found.await?;
        for (completion, found) in completions.iter_mut().zip(found) {
            match found.rows.first() {
                None => completion.decide(Err(BackendError::NotDraft)),
                Some(row) => {
                    let kind: Option<&str> = row.try_get(0)?;
                    completion.request.replaces_parts = kind.is_some();
                    completion.request.replaces_attempts = row.try_get::<i64, _>(1)? > 0;
                }
            }
        }
        Ok(())
    }

    /// Completes the open drafts.
    pub(super) async fn complete(
        &mut self,
        completions: &mut Completions,
    ) -> Result<(), sqlx::Error> {
        let rows = completions.iter().filter(|one| one.is_open());
        let rows: Vec<_> = rows.map(|one| &*one.request).collect();
        let completed = COMPLETE.execute_each(&mut self.connection, &rows, |row, values| {
            row.bind_completion(values);
        });
        completed.await?;
        let with_parts: Vec<_> = rows.iter().filter(|row| row.replaces_parts).collect();
        let deleted =
            DELETE_PARTS.execute_each(&mut self.connection, &with_parts, |row, values| {
                values.add(row.id.as_str());
            });
        deleted.await?;
        let attempted: Vec<_> = rows.iter().filter(|row| row.replaces_attempts).collect();
        let deleted =
            DELETE_ATTEMPTS.execute_each(&mut self.connection, &attempted, |row, values| {
                values.add(row.id.as_str());
            });
        deleted.await?;
        insert_parts(&mut self.connection, &rows).await?;
        insert_attempts(&mut self.connection, &rows).await?;
        let open = completions.iter_mut().filter(|one| one.is_open());
        open.for_each(|one| one.decide(Ok(())));
        Ok(())
    }
}
