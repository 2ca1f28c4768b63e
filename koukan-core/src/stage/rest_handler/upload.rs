//! Uploads messages and parts.

use std::sync::Arc;

use crate::{
    blob::Payer,
    incoming_blob::IncomingBlob,
    message::builder::Spec,
    resource::{Caller, Refusal, RefusalKind, ResourceResponse, Target, Upload},
    shares::Client,
    stage::output_handler::AttemptService,
    storage::{
        Watch,
        record::{FinalReason, Terms},
    },
};

use super::{
    Dialect, RestHandler,
    attempts::Admitted,
    open_transaction::{MESSAGE, OpenTransaction},
    refusals::{over, unknown_transaction},
    service::Shared,
};

impl<O: AttemptService> RestHandler<O> {
    pub(super) async fn upload(
        self,
        caller: &Caller,
        upload: Upload,
    ) -> Result<ResourceResponse, Refusal> {
        let (id, name) = match upload.to.target() {
            Ok(Target::Body(id)) => (id, MESSAGE),
            Ok(Target::Blob(id, name)) => (id, name),
            _ => return Err(unknown_transaction()),
        };
        let watch = self.shared.find(caller, id).await?;
        if !self.shared.storage.has_room() {
            return Err(Refusal::no_room());
        }
        let transaction = self.open(caller, watch, name).await?;
        self.shared.check_kept(&transaction)?;
        let incoming = self.shared.expected(&transaction, name).await?;
        transaction.touch();
        let touch = || transaction.touch();
        let replaced = |replaced| transaction.replace(name, replaced);
        let uploaded = incoming.take(upload.range, upload.content, touch, replaced);
        let uploaded = uploaded.await;
        let is_finalized = match &uploaded {
            Ok(uploaded) => uploaded.finalized,
            // An earlier commit may have failed.
            Err(_) => incoming.blob().len().is_some(),
        };
        if !is_finalized {
            return uploaded.map(ResourceResponse::Uploaded);
        }
        // The agent may have begun to stop meanwhile.
        self.shared.check_kept(&transaction)?;
        transaction.recorder.touch();
        // If the client disconnects, the message must not be left half committed.
        let completed = tokio::spawn(async move { transaction.complete().await }).await;
        let is_news = completed.map_err(|_| Refusal::internal())??;
        match uploaded {
            Err(_) if is_news => Ok(ResourceResponse::Uploaded(incoming.whole())),
            uploaded => uploaded.map(ResourceResponse::Uploaded),
        }
    }

    /// The open transaction; a draft that no request is making is resumed.
    async fn open(
        &self,
        caller: &Caller,
        mut watch: Watch,
        name: &str,
    ) -> Result<Arc<OpenTransaction>, Refusal> {
        let shared = &self.shared;
        let snapshot = watch.snapshot();
        // A draft whose recipients were all refused may end, so that others can take its place.
        if let Some(reason) = snapshot.final_reason
            && !snapshot.is_draft
        {
            return Err(shared.closed(&watch, name, Some(reason)));
        }
        if let Some(transaction) = shared.registry.find(watch.id()) {
            return Ok(transaction);
        }
        // In a task of its own: others get their turn even if this caller is not polled.
        let this = self.clone();
        let client = caller.client().clone();
        let name = name.to_owned();
        let resume = async move { this.resume(&client, watch, snapshot.terms, &name).await };
        let resumed = tokio::spawn(resume);
        resumed.await.map_err(|_| Refusal::internal())?
    }

    /// Resumes a draft.
    async fn resume(
        &self,
        client: &Client,
        watch: Watch,
        terms: Terms,
        name: &str,
    ) -> Result<Arc<OpenTransaction>, Refusal> {
        let shared = &self.shared;
        // One at a time: only one lease and one body may be made.
        let _resuming = shared.resuming.lock().await;
        if let Some(transaction) = shared.registry.find(watch.id()) {
            return Ok(transaction);
        }
        let Some((recorder, lease)) = shared.storage.resume(&watch) else {
            return Err(shared.closed(&watch, name, None));
        };
        recorder.pay(Payer::Client(client.clone()));
        let transaction = OpenTransaction::new(recorder, Dialect::Whole, terms, None);
        let transaction = Arc::new(transaction);
        shared.restore(&transaction).await?;
        // It was accepted before, so it is accepted now whatever the number.
        shared.count(&transaction, usize::MAX)?;
        shared.registry.add(&transaction);
        let room = || shared.attempts.room_unless_stopping(client);
        let admitted = lease.and_then(|lease| Admitted::new(lease, room()));
        self.attend(&transaction, admitted);
        Ok(transaction)
    }
}

impl Shared {
    /// Checks that a message that would be promised outlives the process, or is attempted before it ends.
    fn check_kept(&self, transaction: &OpenTransaction) -> Result<(), Refusal> {
        let is_lost = !transaction.is_incremental() && self.attempts.keeps_nothing();
        if is_lost {
            return Err(Refusal::no_room());
        }
        Ok(())
    }

    /// The blob that an upload is for.
    async fn expected(
        &self,
        transaction: &OpenTransaction,
        name: &str,
    ) -> Result<Arc<IncomingBlob>, Refusal> {
        let mut progress = transaction.changing.lock().await;
        if let Some(incoming) = transaction.upload(name) {
            return Ok(incoming);
        }
        if name != MESSAGE || progress.has_body {
            return Err(self.closed(&transaction.recorder.watch(), name, None));
        }
        let snapshot = transaction.recorder.watch().snapshot();
        if snapshot.mail.is_none() || snapshot.recipients.is_empty() {
            let detail = "the message comes after mail_from and rcpt_to";
            return Err(Refusal::malformed(detail));
        }
        let incoming = transaction.expect(MESSAGE, self.settings.max_message_size);
        transaction.recorder.body(Vec::new(), incoming.blob());
        progress.has_body = true;
        Ok(incoming)
    }

    /// Restores the state of a draft. Octets of uploads that had not ended are lost and must be
    /// uploaded again.
    async fn restore(&self, transaction: &OpenTransaction) -> Result<(), Refusal> {
        let recorder = &transaction.recorder;
        let Some(description) = recorder.description().await? else {
            return Ok(());
        };
        let json = serde_json::from_slice(&description).map_err(|_| Refusal::internal())?;
        let spec = Spec::from_stored(&json).map_err(|_| Refusal::internal())?;
        let watch = recorder.watch();
        let parts = self.parts(transaction, &spec, |name| watch.part(name));
        let kept = recorder.account().keep(description);
        let description = kept.map_err(|_| Refusal::no_room())?;
        recorder.composition(description, parts);
        transaction.changing.lock().await.has_body = true;
        Ok(())
    }

    /// Why an upload with that name is not accepted: it is complete (even if the transaction is over
    /// since), or there is none.
    fn closed(&self, watch: &Watch, name: &str, end: Option<FinalReason>) -> Refusal {
        let uploaded = (name == MESSAGE).then(|| self.registry.uploaded(watch.id()));
        let len = uploaded.flatten().or_else(|| match name {
            MESSAGE => watch.len(),
            part => watch.part_len(part),
        });
        match (len, end) {
            (Some(len), _) => complete(len),
            (None, Some(reason)) => over(reason),
            (None, None) if name == MESSAGE => described(),
            (None, None) => no_such_part(),
        }
    }
}

fn complete(len: u64) -> Refusal {
    let kind = RefusalKind::WrongRange {
        len,
        total: Some(len),
    };
    Refusal::new(kind, "it is complete: it cannot be written again")
}

fn described() -> Refusal {
    let detail = "the message has a message builder spec: upload what that names by `create_id`";
    Refusal::new(RefusalKind::Conflict, detail)
}

fn no_such_part() -> Refusal {
    Refusal::not_found("the message builder spec of the transaction names no such create_id")
}
