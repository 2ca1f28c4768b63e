//! Uploading.

use std::sync::Arc;

use tower::{BoxError, Service};

use crate::{
    message::builder::Spec,
    resource::{Caller, Refusal, RefusalKind, ResourceResponse, Target, Upload},
    stage::output_handler::AttemptOutcome,
    storage::{Lease, Watch, record::Terms},
};

use super::{
    Dialect, RestHandler,
    attempts::attend,
    incoming::Incoming,
    making::Making,
    refuse::{over, unknown_transaction},
    service::Shared,
};

/// The name under which the message itself is uploaded.
const MESSAGE: &str = "";

impl<O> RestHandler<O>
where
    O: Service<Lease, Response = AttemptOutcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
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
        let making = self.making(watch).await?;
        let incoming = self.shared.expected(&making, name).await?;
        making.touch();
        let touch = || making.touch();
        let replaced = |replaced| making.replace(name, replaced);
        let uploaded = incoming.take(upload.range, upload.content, touch, replaced);
        let uploaded = uploaded.await;
        let is_finalized = match &uploaded {
            Ok(uploaded) => uploaded.finalized,
            // The commit may have failed the time before.
            Err(_) => incoming.blob().len().is_some(),
        };
        if !is_finalized {
            return uploaded.map(ResourceResponse::Uploaded);
        }
        making.recorder.touch();
        // A client that goes away must not leave a message half committed.
        let completed = tokio::spawn(async move { making.complete().await }).await;
        let is_news = completed.map_err(|_| Refusal::internal())??;
        match uploaded {
            Err(_) if is_news => Ok(ResourceResponse::Uploaded(incoming.whole())),
            uploaded => uploaded.map(ResourceResponse::Uploaded),
        }
    }

    /// The transaction in the making; a draft that nobody is making is taken up again.
    async fn making(&self, mut watch: Watch) -> Result<Arc<Making>, Refusal> {
        let shared = &self.shared;
        let snapshot = watch.snapshot();
        if let Some(reason) = snapshot.final_reason {
            return Err(over(reason.as_str()));
        }
        if let Some(making) = shared.table.find(watch.id()) {
            return Ok(making);
        }
        // In a task of its own: whoever asked need not be polled for others to get their turn.
        let this = self.clone();
        let resumed = tokio::spawn(async move { this.resume(watch, snapshot.terms).await });
        resumed.await.map_err(|_| Refusal::internal())?
    }

    /// Takes a draft up again.
    async fn resume(&self, watch: Watch, terms: Terms) -> Result<Arc<Making>, Refusal> {
        let shared = &self.shared;
        // One at a time: there is one lease and one body to be made.
        let _resuming = shared.resuming.lock().await;
        if let Some(making) = shared.table.find(watch.id()) {
            return Ok(making);
        }
        let Some((recorder, lease)) = shared.storage.resume(&watch) else {
            return Err(complete());
        };
        let making = Making::new(recorder, Dialect::Whole, terms, false);
        let making = Arc::new(making);
        shared.restore(&making).await?;
        // It was taken before, so that it is taken however many there are.
        shared.count(&making, usize::MAX)?;
        shared.table.add(&making);
        let room = shared.attempts.room();
        let lease = match room {
            Some(_) => Some(lease),
            None => {
                lease.leave();
                None
            }
        };
        let shared = Arc::clone(shared);
        let output = self.output.clone();
        tokio::spawn(attend(shared, Arc::clone(&making), lease, output, room));
        Ok(making)
    }
}

impl Shared {
    /// The blob that an upload is for.
    async fn expected(&self, making: &Making, name: &str) -> Result<Arc<Incoming>, Refusal> {
        let mut progress = making.changing.lock().await;
        if let Some(incoming) = making.upload(name) {
            return Ok(incoming);
        }
        if name != MESSAGE {
            let detail = "the message builder spec of the transaction names no such create_id";
            return Err(Refusal::not_found(detail));
        }
        if progress.has_body {
            return Err(complete());
        }
        let snapshot = making.recorder.watch().snapshot();
        if snapshot.mail.is_none() || snapshot.recipients.is_empty() {
            let detail = "the message comes after mail_from and rcpt_to";
            return Err(Refusal::malformed(detail));
        }
        let pool = self.storage.pool();
        let incoming = Incoming::new(pool, true, self.settings.max_message_size);
        let incoming = making.expect(MESSAGE, incoming);
        let blob = incoming.blob();
        making.recorder.body(Vec::new(), blob);
        progress.has_body = true;
        Ok(incoming)
    }

    /// Brings a draft back to where it was: octets of uploads that had not ended are lost, and
    /// uploaded again.
    async fn restore(&self, making: &Making) -> Result<(), Refusal> {
        let recorder = &making.recorder;
        let Some(description) = recorder.description().await? else {
            return Ok(());
        };
        let json = serde_json::from_slice(&description).map_err(|_| Refusal::internal())?;
        let spec = Spec::from_json(&json).map_err(|_| Refusal::internal())?;
        let watch = recorder.watch();
        let parts = spec.create_ids().into_iter().map(|id| {
            let upload = || {
                let pool = self.storage.pool();
                let incoming = Incoming::new(pool, false, self.settings.max_message_size);
                making.expect(id, incoming).blob()
            };
            (id.into(), watch.part(id).unwrap_or_else(upload))
        });
        recorder.composition(description.clone(), parts.collect());
        making.changing.lock().await.has_body = true;
        Ok(())
    }
}

fn complete() -> Refusal {
    let kind = RefusalKind::WrongRange {
        len: 0,
        total: None,
    };
    Refusal::new(kind, "the message is complete: it cannot be written again")
}
