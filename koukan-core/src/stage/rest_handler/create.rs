//! Creating.

use std::{mem, sync::Arc};

use tower::{BoxError, Service};

use crate::{
    context::{ClientName, Context, Tls, ToldHosts},
    path::Parameter,
    resource::{Caller, Create, Draft, Refusal, RefusalKind, ResourceResponse},
    stage::output_handler::AttemptOutcome,
    storage::{
        CustodyError, Lease, Watch,
        record::{IdempotencyKey, Terms, TransactionId},
    },
    transaction::Mail,
};

use super::{
    Dialect, RestHandler, SenderPolicy,
    attempts::attend,
    incoming_blob::IncomingBlob,
    message_source::{Source, with_needs},
    open_transaction::{Claimed, OpenTransaction},
    refusals::{key_reused, no_room, too_many_unfinished},
    request_digest::digest,
    service::Shared,
};

/// A transaction that was created, or had been by the request that this one repeats.
struct Made {
    watch: Watch,
    is_replayed: bool,
}

impl<O> RestHandler<O>
where
    O: Service<Lease, Response = AttemptOutcome, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    pub(super) async fn create(
        self,
        caller: Caller,
        create: Create,
    ) -> Result<ResourceResponse, Refusal> {
        let (wait, wait_for) = (create.wait, create.wait_for);
        let shared = Arc::clone(&self.shared);
        // A client that goes away must not leave a transaction half made.
        let made = tokio::spawn(self.make(caller, create)).await;
        let Made { watch, is_replayed } = made.map_err(|_| Refusal::internal())??;
        let created = shared.created(watch, (wait, wait_for), is_replayed);
        Ok(ResourceResponse::Created(created.await))
    }

    async fn make(self, caller: Caller, mut create: Create) -> Result<Made, Refusal> {
        let shared = &self.shared;
        let key = create.idempotency_key.take().map(|key| IdempotencyKey {
            request: Some(digest(&create)),
            key,
        });
        let Create {
            sender, mut draft, ..
        } = create;
        // Nothing reads it here, and its values take much memory.
        drop(mem::take(&mut draft.filter_output));
        let policy = shared.policy(&caller, &sender)?;
        shared.check(&policy, &draft)?;
        let mut source = match draft.body.take() {
            Some(body) => Some(shared.source(&caller, &sender.name, body).await?),
            None => None,
        };
        let mail = draft.mail_from.take();
        if let Some(source) = &mut source {
            source.originate(mail.as_ref())?;
        }
        let mail = mail.map(|mail| utf8(with_needs(mail, source.as_ref()), &draft));
        let context = context(&caller, &policy, &draft, sender);
        let room = shared.attempts.room();
        if room.is_none() && policy.dialect == Dialect::Incremental {
            return Err(no_room());
        }
        let begun = shared.storage.begin(Arc::new(context), mail);
        let (recorder, lease) = begun.map_err(|_| no_room())?;
        // Without room it is left to the queue.
        let lease = match room {
            Some(_) => Some(lease),
            None => {
                lease.leave();
                None
            }
        };

        let id = recorder.id();
        let terms = terms(&policy, &draft);
        let is_volatile = policy.dialect == Dialect::Incremental;
        let volatile_key = key.as_ref().filter(|_| is_volatile);
        if let Some(key) = volatile_key {
            match shared.registry.claim(&recorder_sender(&recorder), key, id) {
                Claimed::New => {}
                Claimed::Repeated(first) => return shared.repeated(first).await,
                Claimed::Reused => return Err(key_reused()),
            }
        }
        let transaction =
            OpenTransaction::new(recorder, policy.dialect, terms, volatile_key.is_some());
        let transaction = Arc::new(transaction);
        {
            let mut progress = transaction.changing.lock().await;
            progress.recipients = draft.rcpt_to.len();
            for rcpt in draft.rcpt_to {
                transaction.recorder.rcpt(rcpt);
            }
            if !is_volatile {
                transaction.recorder.finish_recipients();
            }
            if let Some(source) = source {
                progress.has_body = true;
                set_body(shared, &transaction, source);
            }
        }
        if !is_volatile {
            if !transaction.recorder.is_complete() {
                shared.count(&transaction, shared.settings.max_unfinished_uploads)?;
            }
            match shared.commit(&transaction, terms, key).await {
                Err(CustodyError::Repeated(first)) => return shared.repeated(first).await,
                result => result?,
            }
        }
        shared.registry.add(&transaction);
        let watch = transaction.recorder.watch();
        let shared = Arc::clone(shared);
        tokio::spawn(attend(shared, transaction, lease, self.output, room));
        if is_volatile {
            // What the chain answers at once is in the answer: it saves the client a request.
            tokio::task::yield_now().await;
        }
        Ok(Made {
            watch,
            is_replayed: false,
        })
    }
}

impl Shared {
    /// The policy of a sender that the caller may act for.
    fn policy(
        &self,
        caller: &Caller,
        sender: &crate::context::Sender,
    ) -> Result<SenderPolicy, Refusal> {
        if !caller.may_act_for(&sender.name) {
            let detail = "transactions may not be created for that sender";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        if self.attempts.is_stopping() {
            return Err(no_room());
        }
        let policy = self.senders.find(sender).ok_or_else(|| {
            if self.senders.has(&sender.name) {
                Refusal::not_found("the sender has no such tag").at("sender.tag")
            } else {
                Refusal::not_found("there is no such sender")
            }
        })?;
        if policy.has_next_hop && !caller.is_trusted() {
            let detail = "the sender connects to hosts that its clients name: \
                          it is for trusted clients only";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        Ok(policy)
    }

    fn check(&self, policy: &SenderPolicy, draft: &Draft) -> Result<(), Refusal> {
        let max = self.settings.max_recipients;
        if draft.rcpt_to.len() > max {
            let detail = format!("there may be {max} recipients at most");
            return Err(Refusal::malformed(detail).at("rcpt_to"));
        }
        if policy.needs_next_hop && draft.remote_host.is_none() {
            let detail = "missing: the host to deliver to, as [\"192.0.2.1\", 25]";
            return Err(Refusal::malformed(detail).at("remote_host"));
        }
        if policy.dialect == Dialect::Incremental {
            return check_promises(draft);
        }
        if draft.mail_from.is_none() {
            let detail = "missing: who the message is from, as {\"m\": \"alice@example.com\"}";
            return Err(Refusal::malformed(detail).at("mail_from"));
        }
        if draft.rcpt_to.is_empty() {
            let detail = "missing: whom the message is to, as [{\"m\": \"bob@example.com\"}]";
            return Err(Refusal::malformed(detail).at("rcpt_to"));
        }
        Ok(())
    }

    /// Counts a transaction whose message is still to come, unless its sender has `max` of those.
    pub(super) fn count(&self, transaction: &OpenTransaction, max: usize) -> Result<(), Refusal> {
        let sender = recorder_sender(&transaction.recorder);
        let upload = self.unfinished.begin(&sender, max);
        transaction.count(upload.ok_or_else(|| too_many_unfinished(max))?);
        Ok(())
    }

    /// Commits what was created: all of it, or a draft.
    async fn commit(
        &self,
        transaction: &OpenTransaction,
        terms: Terms,
        key: Option<IdempotencyKey>,
    ) -> Result<(), CustodyError> {
        if transaction.recorder.is_complete() {
            return transaction.commit_new(key).await;
        }
        let now = self.storage.clock().now();
        let until = now.checked_add(self.settings.upload_timeout);
        let until = until.unwrap_or(jiff::Timestamp::MAX);
        transaction.recorder.commit_draft(terms, key, until).await
    }

    /// The transaction that a create repeats.
    async fn repeated(&self, first: TransactionId) -> Result<Made, Refusal> {
        let watch = self.storage.watch(first).await?;
        Ok(Made {
            watch: watch.ok_or_else(super::refusals::unknown_transaction)?,
            is_replayed: true,
        })
    }
}

/// Gives a transaction its body.
pub(super) fn set_body(shared: &Arc<Shared>, transaction: &OpenTransaction, source: Source) {
    let recorder = &transaction.recorder;
    match source {
        Source::Octets(blob) => recorder.body(Vec::new(), blob),
        Source::Shared(body) => recorder.shared_body(body),
        Source::Described(mut described) => {
            described.complete(shared, &recorder.id().to_string());
            let parts = described.parts(|id| {
                let pool = shared.storage.pool();
                let incoming = IncomingBlob::new(pool, false, shared.settings.max_message_size);
                transaction.expect(id, incoming).blob()
            });
            recorder.composition(super::message_source::description(&described.spec), parts);
        }
    }
}

/// What is made step by step is answered while its client waits, who retries and notifies by
/// himself: nothing can be promised here.
pub(super) fn check_promises(draft: &Draft) -> Result<(), Refusal> {
    let promises = [("retry", draft.retry), ("notification", draft.notification)];
    for (field, promise) in promises {
        if promise == Some(true) {
            let detail = "is not allowed for this sender, whose clients wait for the replies and \
                          do that themselves; leave it out";
            return Err(Refusal::malformed(detail).at(field));
        }
    }
    Ok(())
}

fn recorder_sender(recorder: &crate::storage::Recorder) -> Box<str> {
    recorder.watch().snapshot().context.sender.name.clone()
}

fn terms(policy: &SenderPolicy, draft: &Draft) -> Terms {
    Terms {
        retry: draft.retry.unwrap_or(policy.terms.retry),
        notify: draft.notification.unwrap_or(policy.terms.notify),
    }
}

/// The facts of the session, as far as the caller is believed.
fn context(
    caller: &Caller,
    policy: &SenderPolicy,
    draft: &Draft,
    sender: crate::context::Sender,
) -> Context {
    let mut context = Context::new(sender);
    context.told = ToldHosts {
        remote: draft.remote_host.clone(),
        local: draft.local_host.clone(),
    };
    if policy.has_next_hop {
        context.next_hop.clone_from(&draft.remote_host);
    }
    if !caller.is_trusted() {
        return context;
    }
    if !policy.has_next_hop {
        context.remote_host = draft.remote_address();
    }
    context.local_host = draft.local_address();
    let Some(meta) = &draft.smtp_meta else {
        return context;
    };
    context.client_name = meta.ehlo_host.clone().map(|name| ClientName {
        name,
        is_extended: meta.is_esmtp,
    });
    context.tls = meta.has_tls.then(|| Tls {
        version: "TLS".into(),
        cipher: "unknown".into(),
    });
    context
}

/// Addresses in UTF-8 need SMTPUTF8: RFC 6531 section 3.4.
fn utf8(mut mail: Mail, draft: &Draft) -> Mail {
    let mut rcpts = draft.rcpt_to.iter();
    let is_ascii = mail.reverse_path.as_str().is_ascii()
        && rcpts.all(|rcpt| rcpt.forward_path.as_str().is_ascii());
    if !is_ascii && let Ok(parameter) = Parameter::new("SMTPUTF8", None) {
        // It is there already where whoever submitted said so.
        let _ = mail.parameters.push(parameter);
    }
    mail
}
