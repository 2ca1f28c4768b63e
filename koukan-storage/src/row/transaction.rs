//! A transaction to be written.

use std::sync::Arc;

use koukan_core::{
    context::Context,
    signals::Carried,
    storage::{
        BackendError, Searched,
        record::{IdempotencyKey, NewTransaction, SchedulingKey},
    },
    transaction::Mail,
};

use crate::query::Values;

use super::{
    attempt::NewAttempt,
    body::{BlobRow, BodyRow, PartRow},
    context::ContextRow,
    event::EventRow,
    mail::MailRow,
    malformed::to_json,
    recipient::recipient_rows,
    status::StatusRow,
    time::micros,
};

/// The approximate memory for a transaction besides its texts and octets.
const OVERHEAD: usize = 512;

/// The row of a new transaction, and its blobs.
pub(crate) struct TransactionRow {
    pub(crate) id: String,
    pub(crate) sender: Box<str>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// It replaces a draft that may have parts.
    pub(crate) replaces_parts: bool,
    /// It replaces a draft that has attempts.
    pub(crate) replaces_attempts: bool,
    pub(crate) created: i64,
    context: Arc<str>,
    mail: Arc<str>,
    recipients: Arc<str>,
    body: Option<BodyRow>,
    retry: bool,
    notify: bool,
    pub(crate) attempts: Vec<NewAttempt>,
    status: StatusRow,
    final_since: Option<i64>,
    /// The session that holds its lease from the beginning.
    pub(crate) lease_session: Option<String>,
    destination: SchedulingKey,
    /// The host that all its recipients go to; empty if there is none.
    host: Box<str>,
    message_key: Option<String>,
    searched: Searched,
    send_at: Option<i64>,
    pub(crate) events: Vec<Arc<EventRow>>,
}

/// Texts of the previous row, which are often the same for the next recipient of the same message.
#[derive(Default)]
pub(crate) struct Texts {
    context: Option<(Arc<Context>, Carried, Arc<str>)>,
    mail: Option<(Mail, Arc<str>)>,
}

/// Which events a new transaction causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Nothing: no events are kept.
    Nothing,
    /// The events of a commit.
    Commit,
    /// The events of a summary.
    Summary,
}

impl TransactionRow {
    /// # Errors
    ///
    /// [`BackendError::NoSuchBlob`] where the octets of a blob do not have the declared length.
    pub(crate) fn new(new: NewTransaction, telling: Telling) -> Result<Self, BackendError> {
        Self::after(&mut Texts::default(), new, telling)
    }

    /// As [`TransactionRow::new`], sharing texts with the previous row.
    pub(crate) fn after(
        texts: &mut Texts,
        new: NewTransaction,
        telling: Telling,
    ) -> Result<Self, BackendError> {
        let events = match telling {
            Telling::Nothing => Vec::new(),
            Telling::Commit => EventRow::rows(&new.events()),
            Telling::Summary => EventRow::rows(&new.summary_events()),
        };
        let final_since = new.final_since();
        let destination = SchedulingKey::of(&new.context, &new.recipients);
        let last_attempt = new.attempts.last();
        // A final transaction is not leased.
        let leased_by = new.leased_by.filter(|_| final_since.is_none());
        Ok(Self {
            events,
            id: new.id.to_string(),
            created: micros(new.created),
            host: destination.only_host(&new.context, &new.recipients).into(),
            destination,
            searched: Searched::of(&new.mail, &new.recipients, last_attempt),
            message_key: new.message_key.map(|key| key.to_string()),
            send_at: new.signals.send_at().map(micros),
            sender: (&*new.context.sender.name).into(),
            idempotency_key: new.idempotency_key,
            replaces_parts: false,
            replaces_attempts: false,
            context: texts.context(&new.context, &new.signals),
            mail: texts.mail(&new.mail),
            recipients: to_json(&recipient_rows(&new.recipients)),
            retry: new.terms.retry,
            notify: new.terms.notify,
            attempts: new.attempts.iter().map(NewAttempt::new).collect(),
            status: (&new.status).into(),
            final_since: final_since.map(micros),
            lease_session: leased_by.map(|session| session.to_string()),
            body: new.body.map(BodyRow::new).transpose()?,
        })
    }

    /// Its approximate size in memory and in the database, in octets.
    pub(crate) fn weight(&self) -> usize {
        let body = self.body.as_ref().map_or(0, BodyRow::weight);
        let texts = self.context.len() + self.mail.len() + self.recipients.len();
        let key = self.idempotency_key.as_ref();
        let texts = texts + key.map_or(0, |key| key.key.len());
        let attempts = self.attempts.iter().map(NewAttempt::weight);
        let events = self.events.iter().map(|event| event.weight());
        OVERHEAD + body + texts + attempts.sum::<usize>() + events.sum::<usize>()
    }

    /// The blobs that it refers to.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &BlobRow> {
        self.body.iter().flat_map(BodyRow::blobs)
    }

    /// The parts of its body.
    pub(crate) fn parts(&self) -> &[PartRow] {
        self.body.as_ref().map_or(&[], |body| &body.parts)
    }

    /// Binds the values of [`INSERT_TRANSACTIONS`](crate::query::INSERT_TRANSACTIONS).
    pub(crate) fn bind(&self, values: &mut Values) {
        let key = self.idempotency_key.as_ref();
        let request = key.and_then(|key| key.request.as_ref());
        values
            .add(self.id.as_str())
            .add(self.created)
            .add(&*self.sender)
            .add(key.map(|key| &*key.key))
            .add(request.map(|digest| digest.as_bytes()));
        self.bind_rest(values);
    }

    /// Binds the values of [`INSERT_SUMMARIES`](crate::query::INSERT_SUMMARIES).
    pub(crate) fn bind_summary(&self, values: &mut Values) {
        let last = self.attempts.last();
        values
            .add(self.id.as_str())
            .add(self.created)
            .add(&*self.sender)
            .add(Arc::clone(&self.context))
            .add(Arc::clone(&self.mail))
            .add(Arc::clone(&self.recipients))
            .add(self.attempt_count())
            .add(last.map(|attempt| Arc::clone(&attempt.outcome)))
            .add(self.status.final_reason)
            .add(self.final_since)
            .add(self.destination.as_str())
            .add(&*self.searched.reverse_path)
            .add(&*self.searched.forward_paths)
            .add(self.searched.last_reply.as_deref())
            .add(last.and_then(|attempt| attempt.conversation.clone()));
    }

    /// Binds the values of [`COMPLETE`](crate::query::COMPLETE).
    pub(crate) fn bind_completion(&self, values: &mut Values) {
        self.bind_rest(values);
        self.bind_draft(values);
    }

    /// Binds the values of [`FIND_DRAFT`](crate::query::FIND_DRAFT).
    pub(crate) fn bind_draft(&self, values: &mut Values) {
        values.add(self.id.as_str()).add(&*self.sender);
    }

    fn bind_rest(&self, values: &mut Values) {
        let body = self.body.as_ref();
        values
            .add(Arc::clone(&self.context))
            .add(Arc::clone(&self.mail))
            .add(Arc::clone(&self.recipients))
            .add(body.map(|body| body.prefix.clone()))
            .add(body.map(|body| body.blob.id.as_str()))
            .add(body.map(|body| body.blob.len))
            .add(body.and_then(|body| body.kind))
            .add(self.retry)
            .add(self.notify)
            .add(self.attempt_count())
            .add(self.attempts.last().map(|attempt| attempt.ended))
            .add(self.searched.last_reply.as_deref());
        self.status.bind(values);
        values
            .add(self.final_since)
            .add(self.lease_session.as_deref())
            .add(i64::from(self.lease_session.is_some()))
            .add(self.destination.as_str())
            .add(self.message_key.as_deref())
            .add(&*self.searched.reverse_path)
            .add(&*self.searched.forward_paths)
            .add(&*self.host)
            .add(self.send_at);
    }

    fn attempt_count(&self) -> i64 {
        i64::try_from(self.attempts.len()).unwrap_or(i64::MAX)
    }
}

impl Texts {
    fn context(&mut self, context: &Arc<Context>, signals: &Carried) -> Arc<str> {
        if let Some((before, their_signals, text)) = &self.context
            && Arc::ptr_eq(before, context)
            && their_signals == signals
        {
            return Arc::clone(text);
        }
        let text = to_json(&ContextRow::new(context, signals));
        self.context = Some((Arc::clone(context), signals.clone(), Arc::clone(&text)));
        text
    }

    fn mail(&mut self, mail: &Mail) -> Arc<str> {
        if let Some((before, text)) = &self.mail
            && before == mail
        {
            return Arc::clone(text);
        }
        let text = to_json(&MailRow::from(mail));
        self.mail = Some((mail.clone(), Arc::clone(&text)));
        text
    }
}
