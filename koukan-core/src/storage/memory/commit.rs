//! Transactions written together.

use std::collections::{HashMap, HashSet};

use crate::{
    blob::BlobId,
    storage::{
        BackendError,
        record::{Commit, IdempotencyKey, NewTransaction, TransactionId},
    },
};

use super::store::{Duplicate, Store};

/// What was checked so far of the transactions written together.
#[derive(Default)]
pub(super) struct Seen {
    ids: HashSet<TransactionId>,
    keys: HashMap<(String, String), (TransactionId, IdempotencyKey)>,
    brought: HashMap<BlobId, u64>,
}

impl Store {
    pub(super) fn commit(&mut self, together: Vec<Commit>) -> Result<(), BackendError> {
        let mut seen = Seen::default();
        for one in &together {
            self.check_one(one, &mut seen)?;
        }
        for one in together {
            match one {
                Commit::Insert(new) => self.add(new),
                Commit::Complete(new) => self.replace_draft(new)?,
            }
        }
        Ok(())
    }

    /// Whether one can be written after those that were checked.
    fn check_one(&self, one: &Commit, seen: &mut Seen) -> Result<(), BackendError> {
        match one {
            Commit::Insert(new) => self.check_new(new, seen),
            Commit::Complete(new) => {
                self.draft_of(new)?;
                if !seen.ids.insert(new.id) {
                    return Err(BackendError::NotDraft);
                }
                self.check_rest(new, seen)
            }
        }
    }

    /// As `check_one`, for a new transaction.
    pub(super) fn check_new(
        &self,
        new: &NewTransaction,
        seen: &mut Seen,
    ) -> Result<(), BackendError> {
        self.check_key(new)?;
        seen.add_key(new)?;
        if self.is_there(new.id) || !seen.ids.insert(new.id) {
            return Err(BackendError::Failed(Duplicate.into()));
        }
        self.check_rest(new, seen)
    }

    fn check_rest(&self, new: &NewTransaction, seen: &mut Seen) -> Result<(), BackendError> {
        self.check_leaser(new)?;
        let body = new.body.as_ref();
        body.map_or(Ok(()), |body| {
            self.blobs.check_with(body, &mut seen.brought)
        })
    }
}

impl Seen {
    fn add_key(&mut self, new: &NewTransaction) -> Result<(), BackendError> {
        let Some(key) = &new.idempotency_key else {
            return Ok(());
        };
        let name = (new.context.sender.name.to_string(), key.key.to_string());
        match self.keys.insert(name, (new.id, key.clone())) {
            None => Ok(()),
            Some((first, before)) if key.repeats(before.request.as_ref()) => {
                Err(BackendError::Repeated(first))
            }
            Some(_) => Err(BackendError::KeyReused),
        }
    }
}
