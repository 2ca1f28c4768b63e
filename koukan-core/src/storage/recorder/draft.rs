//! Transactions that are created by requests.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    blob::Blob, body::Body, event, path::ReversePath, signals::Carried, supervision::contain,
    transaction::Mail,
};

use super::{
    super::{
        BackendError, CustodyError, Lease, SharedBody, Storage, Watch,
        conclude::conclude,
        live::{Durability, Live, OnDrop, Side, State},
        live_body::{LiveBody, LivePart},
        record::{Due, FinalReason, IdempotencyKey, NewTransaction, Status, Terms, Work},
    },
    Recorder,
};

impl Recorder {
    /// Sets the MAIL command, unless it is set. Returns the current one.
    pub fn mail(&self, mail: Mail) -> &Mail {
        self.live.set_mail(mail)
    }

    /// Adds durable signals that come later than the transaction. Signals that are set stay.
    pub fn signals(&self, carried: Carried) {
        self.live
            .update(Side::Reader, |_| self.live.signals.add_carried(carried));
    }

    /// Sets a described message: the description in JSON, and its parts by name, which may still
    /// grow.
    pub fn composition(&self, description: Blob, parts: Vec<(Box<str>, Blob)>) {
        let parts = parts
            .into_iter()
            .map(|(name, blob)| LivePart { name, blob });
        let body = LiveBody {
            prefix: Vec::new(),
            blob: description,
            parts: Some(parts.collect()),
        };
        self.live.update(Side::Reader, |state| {
            state.has_all_recipients = true;
            state.body = Some(body);
        });
    }

    /// The description of a described message.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn description(&self) -> Result<Option<Bytes>, BackendError> {
        let blob = {
            let state = self.live.lock();
            let body = state.body.as_ref().filter(|body| body.parts.is_some());
            body.map(|body| body.blob.clone())
        };
        let Some(blob) = blob else { return Ok(None) };
        let whole = Body::from(blob).collect(usize::MAX).await;
        whole
            .map(Some)
            .map_err(|error| BackendError::Failed(error.into()))
    }

    /// Sets the body of another transaction as the body of this one, by reference.
    pub fn shared_body(&self, body: SharedBody) {
        self.live.update(Side::Reader, |state| {
            state.has_all_recipients = true;
            state.body = Some(body.0);
        });
    }

    /// Replaces the blob of the part with this name; for a message, whatever the name. Readers of the
    /// old blob continue with that.
    pub(crate) fn replace_blob(&self, name: &str, blob: Blob) {
        self.live.update(Side::Reader, |state| {
            if let Some(body) = &mut state.body {
                body.replace(name, blob);
            }
        });
    }

    /// Stops the current attempt by dropping it, and returns a lease for another. For readers the
    /// two are one attempt.
    pub(crate) fn begin_again<A>(&self, attempt: A) -> Lease {
        self.live.lock().on_drop = OnDrop::BeginsAgain;
        drop(attempt);
        self.live.update(Side::Reader, |state| {
            state.on_drop = OnDrop::Fails;
            state.answers.clear();
            state.attempt_count = 0;
        });
        Lease::of_new(self.storage.clone(), Arc::clone(&self.live))
    }

    /// Stops the current attempt by dropping it, without counting it.
    pub(crate) fn stop_attempt<A>(&self, attempt: A) {
        self.live.lock().on_drop = OnDrop::Stops;
        drop(attempt);
        self.live.lock().on_drop = OnDrop::Fails;
    }

    /// Tells readers that the body has changed.
    pub fn touch(&self) {
        self.live.update(Side::Reader, |_| ());
    }

    /// Whether all of the message is there.
    pub fn is_complete(&self) -> bool {
        let state = self.live.lock();
        state.body.as_ref().is_some_and(LiveBody::is_complete)
    }

    /// A reader of the transaction.
    pub fn watch(&self) -> Watch {
        Watch::new(Arc::clone(&self.live))
    }

    /// Commits the transaction, whose message is complete, under these terms. It replaces its
    /// draft, if one was committed.
    ///
    /// # Errors
    ///
    /// [`CustodyError`]; then nothing was promised.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the transaction may or may not have been committed.
    pub async fn commit(
        &self,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        self.custody().commit(terms, idempotency_key).await?;
        self.storage
            .report_accepted(&self.live, event::Custodian::Own);
        Ok(())
    }

    /// As [`Recorder::commit`], for several transactions, all or none. The first has the
    /// idempotency key.
    pub(crate) async fn commit_all(
        all: &[&Self],
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        let custodies = all.iter().map(|one| one.custody().clone()).collect();
        super::Custody::commit_all(custodies, terms, idempotency_key).await?;
        for one in all {
            one.storage
                .report_accepted(&one.live, event::Custodian::Own);
        }
        Ok(())
    }

    /// Commits the transaction so far as a draft, whose message is still to come. Unless it has
    /// come by `until`, the draft is given up.
    ///
    /// # Errors
    ///
    /// [`CustodyError`]; nothing was promised then.
    ///
    /// # Cancel safety
    ///
    /// As [`Recorder::commit`].
    pub async fn commit_draft(
        &self,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
        until: Timestamp,
    ) -> Result<(), CustodyError> {
        let (storage, live) = (self.storage.clone(), Arc::clone(&self.live));
        // In a task of its own: a committed draft must not be unknown to everybody.
        let commit = async move {
            storage
                .write_draft(&live, terms, idempotency_key, until)
                .await
        };
        let failed = |error: tokio::task::JoinError| BackendError::Failed(error.into());
        let committed = tokio::spawn(commit).await;
        committed.unwrap_or_else(|error| Err(failed(error).into()))?;
        self.custody().forgo();
        Ok(())
    }

    /// Says that the attempt has ended and nobody will take custody. If nothing was promised, the
    /// end of the attempt is the end of the transaction. A transaction with a promised draft goes
    /// on, unless all its recipients were refused permanently.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn attempt_ended(&self) -> Result<(), BackendError> {
        let (durability, status) = {
            let state = self.live.lock();
            let terms = match state.durability {
                Durability::Draft => Terms {
                    notify: false,
                    ..state.terms
                },
                _ => Terms::default(),
            };
            let null = ReversePath::Null;
            let mail = self.live.mail();
            let reverse_path = mail.map_or(&null, |mail| &mail.reverse_path);
            let mut recipients = state.recipients.clone();
            let status = match &state.end {
                _ if state.is_cancelled => state.end_of_cancelled(),
                Some(end) => conclude(&mut recipients, end, terms, reverse_path),
                None => Status::Final(FinalReason::Expired),
            };
            (state.durability, status)
        };
        match durability {
            Durability::Volatile => {
                self.custody().forgo();
                let settle = |state: &mut State| state.settle(status.clone());
                if self.live.update(Side::Reader, settle) {
                    self.storage.report_uncommitted(&self.live, &status);
                }
                self.storage.summarise(Arc::clone(&self.live));
            }
            // Who cancelled it writes that now.
            Durability::Draft if self.live.lock().is_cancelled => {}
            // A complete message is committed by whoever completed it, with this end.
            Durability::Draft
                if status == Status::Final(FinalReason::Failed) && !self.is_complete() =>
            {
                // If the message was completed meanwhile, the commit's result decides about
                // attempts and notification.
                self.storage.refuse_draft(&self.live).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether it is a draft whose recipients were all refused: nothing more is tried, and uploads are
    /// accepted for some time.
    pub fn is_refused(&self) -> bool {
        self.live.lock().is_refused
    }

    /// Ends the uploads of a refused draft.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn give_up_refused(&self) -> Result<(), BackendError> {
        self.storage.give_up_refused(&self.live).await
    }

    /// Ends a transaction to which nothing was promised, with this reason.
    pub fn give_up(&self, reason: FinalReason) {
        let status = Status::Final(reason);
        let is_over = self.live.update(Side::Reader, |state| {
            state.is_cancelled = true;
            state.settle(status.clone())
        });
        if is_over {
            self.storage.report_uncommitted(&self.live, &status);
        }
    }
}

impl Storage {
    async fn write_draft(
        &self,
        live: &Arc<Live>,
        terms: Terms,
        idempotency_key: Option<IdempotencyKey>,
        until: Timestamp,
    ) -> Result<(), CustodyError> {
        let mail = live.mail().ok_or(CustodyError::Incomplete)?.clone();
        let status = Status::Due(Due {
            at: until,
            work: Work::Abandon,
        });
        let mut new = self.draft_of(live, mail, status.clone()).await?;
        new.terms = terms;
        new.idempotency_key = idempotency_key;
        // A cancellation from here on is left to this commit.
        let is_open = live.update(Side::Reader, |state| {
            let is_open = state.durability == Durability::Volatile && !state.is_cancelled;
            if is_open {
                state.durability = Durability::Committing;
            }
            is_open
        });
        if !is_open {
            return Err(CustodyError::Gone);
        }
        let has_key = new.idempotency_key.is_some();
        let (written, is_known) = self.insert_draft(new).await;
        // The originator would find it by its key.
        let is_in_doubt = !is_known && !has_key;
        if let Some(doubtful) = is_in_doubt.then(|| self.begin_doubt(live)).flatten() {
            self.take_back_in_background(Arc::clone(live), doubtful, false);
        }
        let over = live.update(Side::Reader, |state| {
            if written.is_err() {
                state.durability = Durability::Volatile;
                let over = state.is_cancelled.then(|| state.cancel_uncommitted());
                return over.flatten();
            }
            state.terms = terms;
            state.durability = Durability::Draft;
            state.settle(status.clone());
            None
        });
        if let Some(over) = over {
            self.report_uncommitted(live, &over);
        }
        written?;
        self.due_changed(live, &status);
        self.cancel_late_in_background(Arc::clone(live));
        Ok(())
    }

    /// Writes a draft. If that fails, it may have been written, with only the answer lost. Also returns
    /// whether it is known that it was not.
    async fn insert_draft(&self, new: NewTransaction) -> (Result<(), BackendError>, bool) {
        let id = new.id;
        let written = contain(self.backend().insert(new)).await;
        match written.unwrap_or_else(|loss| Err(BackendError::of_loss(&loss))) {
            Err(error @ BackendError::Failed(_)) => match self.backend().find(id).await {
                Ok(Some(_)) => (Ok(()), true),
                Ok(None) => (Err(error), true),
                Err(_) => (Err(error), false),
            },
            written => (written, true),
        }
    }

    /// The draft as it is written: the transaction so far, without a lease or a key.
    pub(in super::super) async fn draft_of(
        &self,
        live: &Live,
        mail: Mail,
        status: Status,
    ) -> Result<NewTransaction, BackendError> {
        let (recipients, body, terms) = {
            let state = live.lock();
            (state.recipients.clone(), state.body.clone(), state.terms)
        };
        let body = match body {
            Some(body) => self.persist_finished(body).await?,
            None => None,
        };
        Ok(NewTransaction {
            id: live.id,
            created: live.created,
            context: Arc::clone(&live.context),
            signals: live.carried(),
            mail,
            recipients,
            body,
            message_key: None,
            terms,
            attempts: Vec::new(),
            status,
            leased_by: None,
            idempotency_key: None,
        })
    }

    /// Continues a draft that no recorder of this process has, after a restart. If all its
    /// recipients were refused, nothing is attempted.
    ///
    /// `None` where it is not a draft.
    pub fn resume(&self, watch: &Watch) -> Option<(Recorder, Option<Lease>)> {
        let live = watch.live();
        if live.lock().durability != Durability::Draft {
            return None;
        }
        let recorder = Recorder::new(self.clone(), Arc::clone(live));
        recorder.custody().forgo();
        if recorder.is_refused() {
            return Some((recorder, None));
        }
        // A lease that was dropped before no longer counts: there is a new one.
        live.update(Side::Reader, |state| state.is_abandoned = false);
        let lease = Lease::of_new(self.clone(), Arc::clone(live));
        Some((recorder, Some(lease)))
    }
}
