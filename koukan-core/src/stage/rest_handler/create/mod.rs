//! Creates transactions.

mod checks;
mod context;
mod message;

pub(super) use self::{
    checks::check_promises,
    context::{carried, check_carried},
};

use std::{mem, sync::Arc};

use crate::{
    resource::{Caller, Create, Refusal, ResourceResponse},
    stage::output_handler::AttemptService,
    storage::{
        CustodyError, Watch,
        record::{IdempotencyKey, Terms, TransactionId},
    },
    transaction::Rcpt,
};

use self::context::{context, payer, signals, terms, with_needs};

/// Octets charged for a transaction whose message is not expected soon.
const WAITING: u64 = 4 << 10;

use super::{
    Dialect, RestHandler,
    attempts::Admitted,
    message_source::Source,
    open_transaction::{Known, OpenTransaction},
    refusals::{key_reused, too_many_unfinished, unknown_transaction},
    service::Shared,
};

/// A transaction that was created now, or earlier by the request that this one repeats.
struct Made {
    watch: Watch,
    is_replayed: bool,
}

impl<O: AttemptService> RestHandler<O> {
    pub(super) async fn create(
        self,
        caller: Caller,
        create: Create,
    ) -> Result<ResourceResponse, Refusal> {
        let (wait, wait_for) = (create.wait, create.wait_for);
        let shared = Arc::clone(&self.shared);
        // If the client disconnects, the transaction must not be left half created.
        let made = tokio::spawn(self.make(caller, create)).await;
        let Made { watch, is_replayed } = made.map_err(|_| Refusal::internal())??;
        let created = shared.created(watch, (wait, wait_for), is_replayed);
        Ok(ResourceResponse::Created(created.await))
    }

    async fn make(self, caller: Caller, mut create: Create) -> Result<Made, Refusal> {
        let shared = &self.shared;
        let key = create.idempotency_key.take().map(|key| IdempotencyKey {
            request: Some(create.digest()),
            key,
        });
        let Create {
            sender, mut draft, ..
        } = create;
        // The values take much memory: only their text is kept.
        let signals = signals(&caller, mem::take(&mut draft.filter_output))?;
        let policy = shared.policy(&caller, &sender)?;
        if let Some(key) = &key
            && let Some(made) = shared.made_before(&sender.name, key).await?
        {
            return Ok(made);
        }
        shared.check(&policy, &draft)?;
        if let Some(send_at) = shared.send_at(&draft)? {
            // It cannot be set yet.
            let _ = signals.set(send_at);
        }
        let payer = payer(&caller, &policy, &draft);
        let account = shared.storage.pool().account(payer);
        signals.account_or(|| account.clone());
        let mut source = match draft.body.take() {
            Some(body) => Some(shared.source(&caller, &sender.name, body, &account).await?),
            None => None,
        };
        let mail = draft.mail_from.take();
        if let Some(source) = &mut source {
            source.originate(mail.as_ref())?;
        }
        let mail = mail.map(|mail| with_needs(mail, &draft.rcpt_to, source.as_ref()));
        let terms = terms(&policy, &draft);
        let context = Arc::new(context(&caller, &policy, &draft, sender));
        let is_volatile = policy.dialect == Dialect::Incremental;
        let room = match is_volatile {
            true => shared.attempts.room_unless_leaving(caller.client()),
            false => shared.attempts.room_unless_stopping(caller.client()),
        };
        if room.is_none() && is_volatile {
            return Err(Refusal::no_room());
        }
        let begun = shared
            .storage
            .begin_with(Arc::clone(&context), mail, signals);
        let (recorder, lease) = begun.map_err(|_| Refusal::no_room())?;
        let admitted = Admitted::new(lease, room);

        let volatile_key = key.as_ref().filter(|_| is_volatile);
        if let Some(key) = volatile_key {
            let sender = &context.sender.name;
            match shared.registry.claim(sender, key, recorder.id()) {
                None => {}
                Some(Known::Repeated(first)) => return shared.repeated(first).await,
                Some(Known::Reused(_)) => return Err(key_reused()),
            }
        }
        let volatile_key = volatile_key.cloned();
        let transaction = OpenTransaction::new(recorder, policy.dialect, terms, volatile_key);
        let transaction = Arc::new(transaction);
        if !is_volatile {
            account.reduce(WAITING);
        }
        shared.fill(&transaction, draft.rcpt_to, source).await;
        if !is_volatile {
            if !transaction.recorder.is_complete() {
                shared.count(&transaction, shared.settings.max_unfinished_uploads)?;
            }
            match shared.commit(&transaction, terms, key.clone()).await {
                Err(CustodyError::Repeated(first)) => return shared.repeated(first).await,
                result => result?,
            }
            transaction.confirm_count();
            if let Some(key) = &key {
                let (sender, id) = (&context.sender.name, transaction.recorder.id());
                shared.registry.remember(sender, key, id);
            }
        }
        shared.registry.add(&transaction);
        let watch = transaction.recorder.watch();
        self.attend(&transaction, admitted);
        if is_volatile {
            // Replies that the chain gives at once are part of the answer, which saves the client a
            // request.
            tokio::task::yield_now().await;
        }
        Ok(Made {
            watch,
            is_replayed: false,
        })
    }
}

impl Shared {
    /// Adds to a new transaction what came with its create.
    async fn fill(&self, transaction: &OpenTransaction, rcpts: Vec<Rcpt>, source: Option<Source>) {
        let mut progress = transaction.changing.lock().await;
        for rcpt in rcpts {
            transaction.recorder.rcpt(rcpt);
        }
        if !transaction.is_incremental() {
            transaction.recorder.finish_recipients();
        }
        if let Some(source) = source {
            progress.has_body = true;
            self.set_body(transaction, source);
        }
    }

    /// Counts a transaction whose message is still to come, unless its sender already has `max` of
    /// them.
    pub(super) fn count(&self, transaction: &OpenTransaction, max: usize) -> Result<(), Refusal> {
        let snapshot = transaction.recorder.watch().snapshot();
        let upload = self.unfinished.begin(&snapshot.context.sender.name, max);
        transaction.count(upload.ok_or_else(|| too_many_unfinished(max))?);
        Ok(())
    }

    /// Commits what was created: the whole transaction, or a draft.
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

    /// The transaction that was created earlier with this key, if this process remembers it and it
    /// is still kept. The rest of the request is not checked: it was valid then, and what it needed
    /// may be gone now.
    async fn made_before(
        &self,
        sender: &str,
        key: &IdempotencyKey,
    ) -> Result<Option<Made>, Refusal> {
        let Some(known) = self.registry.known(sender, key) else {
            return Ok(None);
        };
        let (Known::Repeated(first) | Known::Reused(first)) = known;
        let Some(watch) = self.storage.watch(first).await? else {
            self.registry.forget(sender, &key.key, first);
            return Ok(None);
        };
        match known {
            Known::Reused(_) => Err(key_reused()),
            Known::Repeated(_) => Ok(Some(Made {
                watch,
                is_replayed: true,
            })),
        }
    }

    /// The transaction that a create repeats.
    async fn repeated(&self, first: TransactionId) -> Result<Made, Refusal> {
        let watch = self.storage.watch(first).await?;
        Ok(Made {
            watch: watch.ok_or_else(unknown_transaction)?,
            is_replayed: true,
        })
    }
}
