//! The record of a transaction, kept until its end is reported.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use crate::{
    blob::Blob,
    context::Context,
    event::{
        Accepted, Custodian, Ended, Event, Message, Observers, Outcome, RecipientReplies, Refused,
    },
    lists::List,
    path::{ForwardPath, ReversePath},
    reply::{RemoteMta, Reply},
    signals::TraceId,
    transaction::{Command, Rcpt, Transaction},
};

use super::current::Following;

/// How many recipients a report names.
const NAMED: usize = 10;

/// The record of one transaction. Clones share it. The end is reported when the last clone is
/// dropped: the call has ended, and each command is answered or nobody waits for its reply.
#[derive(Clone)]
pub(super) struct Record(Arc<Shared>);

struct Shared {
    id: TraceId,
    following: Following,
    observers: Observers,
    context: Arc<Context>,
    mail_from: ReversePath,
    start: Instant,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    mail: Option<Reply>,
    named: List<RecipientReplies>,
    recipient_count: usize,
    refused_count: usize,
    octets: u64,
    blobs: Vec<Blob>,
    message: Option<Reply>,
    has_ended: bool,
}

impl Record {
    pub(super) fn start(
        id: TraceId,
        following: Following,
        tx: &Transaction,
        observers: Observers,
    ) -> Self {
        Self(Arc::new(Shared {
            id,
            following,
            observers,
            context: Arc::clone(&tx.context),
            mail_from: tx.mail.reverse_path().clone(),
            start: Instant::now(),
            notes: Mutex::default(),
        }))
    }

    pub(super) fn mail_reply(&self, reply: Reply) -> Reply {
        self.notes().mail = Some(reply.clone());
        reply
    }

    pub(super) fn rcpt(&self, command: Command<Rcpt>) -> Command<Rcpt> {
        let record = self.clone();
        let mut notes = self.notes();
        let index = notes.recipient_count;
        notes.recipient_count += 1;
        let path = command.forward_path();
        if index < NAMED {
            let named = RecipientReplies::new(path.clone(), command.position());
            notes.named.0.push(named);
        }
        drop(notes);
        // Recipients that the report does not name are kept here, in case they are refused.
        let unnamed = (index >= NAMED).then(|| path.clone());
        command.map_reply(move |reply| record.rcpt_reply(index, unnamed, reply))
    }

    fn rcpt_reply(&self, index: usize, unnamed: Option<ForwardPath>, reply: Reply) -> Reply {
        let mut notes = self.notes();
        let named = notes.named.0.get_mut(index);
        let path = named.map_or(unnamed, |named| {
            named.reply = Some(reply.clone());
            reply.is_negative().then(|| named.path.clone())
        });
        notes.refused_count += usize::from(reply.is_negative());
        drop(notes);
        if let Some(path) = path.filter(|_| reply.is_negative()) {
            self.0.refused(&path, &reply);
        }
        reply
    }

    pub(super) fn octets(&self, octets: u64) {
        self.notes().octets += octets;
    }

    pub(super) fn blobs(&self, blobs: Vec<Blob>) {
        self.notes().blobs = blobs;
    }

    /// Notes that the call has ended. Without a reply, something broke.
    pub(super) fn end(self, message: Option<&Reply>) {
        let mut notes = self.notes();
        if let Some(message) = message
            && message.final_replies().is_some()
        {
            for named in &mut notes.named.0 {
                let last = message.for_recipient(named.position);
                named.final_reply = (last.code() != message.code()).then(|| last.clone());
            }
        }
        notes.message = message.cloned();
        notes.has_ended = true;
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn message(&self) -> Message<'_> {
        Message {
            trace: Some(self.id),
            id: None,
            context: &self.context,
            reverse_path: Some(&self.mail_from),
        }
    }

    fn refused(&self, recipient: &ForwardPath, reply: &Reply) {
        self.tell(&Event::RecipientRefused(Refused {
            message: self.message(),
            recipient,
            reply,
        }));
    }

    /// Reports on behalf of the message.
    fn tell(&self, event: &Event<'_>) {
        self.following.in_scope(|| self.observers.tell(event));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let notes = self.notes.get_mut();
        let notes = mem::take(notes.unwrap_or_else(PoisonError::into_inner));
        let outcome = notes.outcome();
        let message = self.message();
        if let Outcome::Accepted(custody) = outcome {
            self.tell(&Event::Accepted(Accepted { message, custody }));
        }
        let blobs: u64 = notes.blobs.iter().filter_map(Blob::len).sum();
        self.tell(&Event::Ended(&Ended {
            message,
            mail_reply: notes.mail.as_ref(),
            recipients: &notes.named,
            recipient_count: notes.recipient_count,
            octets: notes.octets + blobs,
            reply: notes.message.as_ref(),
            remote: notes.remote(),
            outcome,
            duration: self.start.elapsed(),
        }));
    }
}

impl Notes {
    fn outcome(&self) -> Outcome {
        match &self.message {
            Some(reply) if reply.is_promise() => Outcome::Accepted(Custodian::Own),
            Some(reply) if reply.is_positive() => Outcome::Accepted(Custodian::Upstream),
            Some(_) => Outcome::Refused,
            None if self.has_ended => Outcome::Failed,
            // The originator had nothing more to send.
            None if self.is_refused() => Outcome::Refused,
            None => Outcome::Aborted,
        }
    }

    /// Whether MAIL or every recipient was refused.
    fn is_refused(&self) -> bool {
        let is_mail_refused = self.mail.as_ref().is_some_and(Reply::is_negative);
        is_mail_refused || self.recipient_count > 0 && self.refused_count == self.recipient_count
    }

    fn remote(&self) -> Option<&RemoteMta> {
        let recipients = self.named.0.iter().rev();
        let replies = recipients.filter_map(|recipient| recipient.reply.as_ref());
        let all = self.message.iter().chain(replies).chain(&self.mail);
        { all }.find_map(Reply::server)
    }
}
