//! What is noted of a transaction until the event is emitted.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;
use tracing::{Span, field};

use crate::{
    blob::Blob,
    context::Context,
    lists::List,
    path::{ForwardPath, ReversePath},
    reply::{Reply, ReplyCode},
    signals::TraceId,
    transaction::{Command, Rcpt, Transaction},
};

use super::TARGET;

/// Recipients that the event names, at most.
const NAMED: usize = 10;

/// What is noted of one transaction. Clones share it; the event is emitted when the last of them
/// is gone: the call has ended, and each command is answered or nobody waits for its reply.
#[derive(Clone)]
pub(super) struct Record(Arc<Shared>);

struct Shared {
    id: TraceId,
    span: Span,
    context: Arc<Context>,
    mail_from: ReversePath,
    start: Instant,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    mail: Option<Reply>,
    named: List<Recipient>,
    recipient_count: usize,
    octets: u64,
    blobs: Vec<Blob>,
    message: Option<Reply>,
    has_ended: bool,
}

/// A recipient that the event names, with the code of its reply.
///
/// As text: `bob@example.com=250`, or `=none` where there was no reply; with the code of a final
/// reply of its own, `bob@example.com=250/450`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    path: ForwardPath,
    position: usize,
    /// The code of the reply to RCPT.
    code: Option<ReplyCode>,
    /// The code of its final reply, where that is another than the message's.
    last: Option<ReplyCode>,
}

impl Record {
    pub(super) fn start(id: TraceId, span: Span, tx: &Transaction) -> Self {
        Self(Arc::new(Shared {
            id,
            span,
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
        if index < NAMED {
            let path = command.forward_path().clone();
            notes.named.0.push(Recipient {
                path,
                position: command.position(),
                code: None,
                last: None,
            });
        }
        drop(notes);
        command.map_reply(move |reply| record.rcpt_reply(index, reply))
    }

    fn rcpt_reply(&self, index: usize, reply: Reply) -> Reply {
        if let Some(named) = self.notes().named.0.get_mut(index) {
            named.code = Some(reply.code());
        }
        reply
    }

    pub(super) fn octets(&self, octets: u64) {
        self.notes().octets += octets;
    }

    pub(super) fn blobs(&self, blobs: Vec<Blob>) {
        self.notes().blobs = blobs;
    }

    /// The call has ended; without a reply something broke.
    pub(super) fn end(self, message: Option<&Reply>) {
        let mut notes = self.notes();
        if let Some(message) = message
            && message.final_replies().is_some()
        {
            for named in &mut notes.named.0 {
                let code = message.for_recipient(named.position).code();
                named.last = Some(code).filter(|code| *code != message.code());
            }
        }
        notes.message = message.cloned();
        notes.has_ended = true;
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let blobs: u64 = notes.blobs.iter().filter_map(Blob::len).sum();
        tracing::info!(
            target: TARGET,
            parent: &self.span,
            id = %self.id,
            sender = %self.context.sender,
            remote_host = self.context.remote_host.map(field::display),
            mail_from = %self.mail_from,
            mail = notes.mail.as_ref().map(field::display),
            recipients = notes.named.as_field(),
            recipient_count = notes.recipient_count,
            octets = notes.octets + blobs,
            reply = notes.message.as_ref().map(field::display),
            outcome = notes.outcome(),
            duration_ms = self.start.elapsed().as_secs_f64() * 1e3,
            "transaction ended",
        );
    }
}

impl Notes {
    fn outcome(&self) -> &'static str {
        match &self.message {
            Some(reply) if reply.is_positive() => "accepted",
            Some(_) => "refused",
            None if self.has_ended => "failed",
            None => "aborted",
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}={code}", self.path)?,
            None => write!(f, "{}=none", self.path)?,
        }
        match self.last {
            Some(last) => write!(f, "/{last}"),
            None => Ok(()),
        }
    }
}
