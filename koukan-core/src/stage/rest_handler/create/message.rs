//! Creates a message: one transaction for each recipient, all of them or none.

use std::{mem, sync::Arc};

use crate::{
    blob::{Account, Blob},
    body::Body,
    context::Context,
    message::builder::Composition,
    resource::{Caller, Create, MessageId, MessageResponse, Refusal},
    signals::{SendAt, Signals},
    stage::output_handler::AttemptService,
    storage::{
        CustodyError, Lease, Recorder, SharedBody,
        record::{IdempotencyKey, TransactionId},
    },
    transaction::{Mail, Rcpt},
};

use super::{
    super::{
        Dialect, RestHandler,
        attempts::Admitted,
        message_source::{Described, Source},
        open_transaction::OpenTransaction,
        service::Shared,
    },
    WAITING,
    context::{context, payer, signals, terms, with_needs},
};

/// A message that was created now, or earlier by the request that this one repeats.
struct Made {
    id: MessageId,
    is_replayed: bool,
}

/// What all transactions of a message have in common.
enum Content {
    Octets(Blob),
    Shared(SharedBody),
}

impl<O: AttemptService> RestHandler<O> {
    pub(in super::super) async fn create_message(
        self,
        caller: Caller,
        create: Create,
    ) -> Result<MessageResponse, Refusal> {
        let (wait, wait_for) = (create.wait, create.wait_for);
        let shared = Arc::clone(&self.shared);
        // If the client disconnects, the message must not be left half created.
        let made = tokio::spawn(self.make_message(caller.clone(), create)).await;
        let Made { id, is_replayed } = made.map_err(|_| Refusal::internal())??;
        let mut watches = shared.of_message(&caller, id).await?;
        let wait = match watches.first_mut() {
            Some(first) => shared.worthwhile(first, wait),
            None => None,
        };
        let message = shared
            .message(id, &mut watches, (wait, wait_for), None)
            .await;
        Ok(MessageResponse::Created {
            message,
            is_replayed,
        })
    }

    async fn make_message(self, caller: Caller, mut create: Create) -> Result<Made, Refusal> {
        let shared = &self.shared;
        let key = create.idempotency_key.take().map(|key| IdempotencyKey {
            request: Some(create.digest_of_message()),
            key,
        });
        let Create {
            sender, mut draft, ..
        } = create;
        let rcpts = mem::take(&mut draft.rcpt_to);
        let count = rcpts.len();
        // The values take much memory: only their text is kept.
        let signals = signals(&caller, mem::take(&mut draft.filter_output))?;
        let policy = shared.policy(&caller, &sender)?;
        // The repeated request has as many recipients.
        let repeated = |first: TransactionId| Made {
            id: MessageId::new(first, count),
            is_replayed: true,
        };
        if let Some(key) = &key
            && let Some(made) = shared.made_before(&sender.name, key).await?
        {
            return Ok(repeated(made.watch.id()));
        }
        if policy.dialect == Dialect::Incremental {
            let detail = "the sender's transactions are made step by step: it has no messages";
            return Err(Refusal::malformed(detail));
        }
        draft.rcpt_to = rcpts;
        shared.check(&policy, &draft)?;
        let rcpts = mem::take(&mut draft.rcpt_to);
        if let Some(send_at) = shared.send_at(&draft)? {
            // It cannot be set yet.
            let _ = signals.set(send_at);
        }
        let missing = |field| move || Refusal::malformed("is missing").at(field);
        let mail = draft.mail_from.take().ok_or_else(missing("mail_from"))?;
        let body = draft.body.take().ok_or_else(missing("body"))?;
        let account = shared
            .storage
            .pool()
            .account(payer(&caller, &policy, &draft));
        signals.account_or(|| account.clone());
        let mut source = shared.source(&caller, &sender.name, body, &account).await?;
        source.originate(Some(&mail))?;
        let terms = terms(&policy, &draft);
        let context = Arc::new(context(&caller, &policy, &draft, sender));

        let commands = rcpts.into_iter().map(|rcpt| {
            let mail = with_needs(mail.clone(), std::slice::from_ref(&rcpt), Some(&source));
            (mail, rcpt)
        });
        let commands: Vec<_> = commands.collect();
        let begun = shared.begin_all(&context, &signals, &account, &commands)?;
        let first = begun.first().map(|(recorder, _)| recorder.id());
        let first = first.ok_or_else(Refusal::internal)?;
        let content = shared.content(source, &account, first).await?;
        // A single transaction is attempted at once. Several are left to the queue, which leases those
        // with the same destination together so that they share an exchange.
        let is_alone = begun.len() == 1;
        let mut transactions = Vec::with_capacity(begun.len());
        for ((recorder, lease), (_, rcpt)) in begun.into_iter().zip(commands) {
            let room = is_alone
                .then(|| shared.attempts.room_unless_stopping(caller.client()))
                .flatten();
            let admitted = Admitted::new(lease, room);
            recorder.rcpt(rcpt);
            recorder.finish_recipients();
            match &content {
                Content::Octets(blob) => recorder.body(Vec::new(), blob.clone()),
                Content::Shared(body) => recorder.shared_body(body.clone()),
            }
            let transaction = OpenTransaction::new(recorder, Dialect::Whole, terms, None);
            transactions.push((Arc::new(transaction), admitted));
        }
        let all: Vec<_> = transactions.iter().map(|(it, _)| &**it).collect();
        match OpenTransaction::commit_all(&all, terms, key.clone()).await {
            Err(CustodyError::Repeated(first)) => return Ok(repeated(first)),
            result => result?,
        }
        if let Some(key) = &key {
            shared.registry.remember(&context.sender.name, key, first);
        }
        for (transaction, admitted) in transactions {
            shared.registry.add(&transaction);
            self.attend(&transaction, admitted);
        }
        Ok(Made {
            id: MessageId::new(first, count),
            is_replayed: false,
        })
    }
}

impl Shared {
    /// Begins the transactions of a message in the order of its recipients.
    fn begin_all(
        &self,
        context: &Arc<Context>,
        signals: &Signals,
        account: &Account,
        commands: &[(Mail, Rcpt)],
    ) -> Result<Vec<(Recorder, Lease)>, Refusal> {
        let send_at = signals.find::<SendAt>().map(|at| at.time());
        let mut begun: Vec<(Recorder, Lease)> = Vec::with_capacity(commands.len());
        for (index, (mail, _)) in commands.iter().enumerate() {
            let context = Arc::clone(context);
            let one = match begun.first() {
                None => self
                    .storage
                    .begin_with(context, mail.clone(), signals.clone()),
                Some((first, _)) => {
                    let carried = signals.carried().with_trace_id(Some(first.trace_id()));
                    let carried = carried.with_send_at(send_at);
                    let signals = Signals::of_carried(carried);
                    signals.account_or(|| account.clone());
                    let id = first.id().of_message(index);
                    self.storage
                        .begin_as(Some(id), context, Some(mail.clone()), signals)
                }
            };
            begun.push(one.map_err(|_| Refusal::no_room())?);
        }
        // Each holds little, because they share the message.
        account.reduce(WAITING);
        Ok(begun)
    }

    /// The message, once for all its transactions. A description is written to a blob.
    async fn content(
        &self,
        source: Source,
        account: &Account,
        id: TransactionId,
    ) -> Result<Content, Refusal> {
        let described = match source {
            Source::Octets(blob) => return Ok(Content::Octets(blob)),
            Source::Shared(body) => return Ok(Content::Shared(body)),
            Source::Described(described) => self.completed(*described, id),
        };
        // The account is charged for the description until it is written.
        let Described {
            spec,
            reused,
            memory,
        } = described;
        let composition = Composition::new(Arc::new(spec), reused).map_err(|_| {
            let detail = "a message has all of its parts: nothing can be uploaded later";
            Refusal::malformed(detail).at("body")
        })?;
        let (writer, blob) = account.create();
        let written = Body::from(composition).copy_to(writer).await;
        drop(memory);
        written.map_err(|_| Refusal::no_room())?;
        Ok(Content::Octets(blob))
    }
}
