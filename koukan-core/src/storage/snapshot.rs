//! A transaction at one moment, as readers see it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    context::Context,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use super::{
    Answer,
    live::{Live, State},
    live_body::LiveBody,
    record::{Attempt, FinalReason, Recipient, Status, Terms, TransactionId, Work},
};

/// A transaction at one moment.
///
/// The replies are those of the most recent attempt that has brought any.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its identity.
    pub id: TransactionId,
    /// When it was started.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The MAIL command, once it is known.
    pub mail: Option<Mail>,
    /// The RCPT commands so far.
    pub recipients: Vec<Rcpt>,
    /// The message, once anything is known of it.
    pub body: Option<SnapshotBody>,
    /// The reply to MAIL.
    pub mail_reply: Option<Reply>,
    /// The replies to RCPT, by the recipients' order.
    pub recipient_replies: Vec<Option<Reply>>,
    /// The final reply.
    pub final_reply: Option<Reply>,
    /// Attempts that have begun.
    pub attempt_count: u32,
    /// What was promised to the originator.
    pub terms: Terms,
    /// Whether the message is still to be completed.
    pub is_draft: bool,
    /// Why nothing more will be tried, once that is so.
    pub final_reason: Option<FinalReason>,
}

/// The message of a transaction at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotBody {
    /// Whether all of it is there.
    pub is_complete: bool,
    /// The parts of a composition; `None` of a message.
    pub parts: Option<Vec<SnapshotPart>>,
}

/// A part of a composition at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPart {
    /// What the description calls it.
    pub name: Box<str>,
    /// Whether all of it is there.
    pub is_complete: bool,
}

impl Snapshot {
    pub(super) fn of(live: &Live, state: &State) -> Self {
        let replies = Replies::of(state);
        let due = match &state.status {
            Some(Status::Due(due)) => Some(due.work),
            _ => None,
        };
        Self {
            id: live.id,
            created: live.created,
            context: Arc::clone(&live.context),
            mail: live.mail().cloned(),
            recipients: state.recipients.iter().map(|r| r.rcpt.clone()).collect(),
            body: state.body.as_ref().map(SnapshotBody::of),
            mail_reply: replies.mail,
            recipient_replies: replies.recipients,
            final_reply: replies.last,
            attempt_count: state.attempt_count,
            terms: state.terms,
            is_draft: due == Some(Work::Abandon),
            final_reason: match state.status {
                Some(Status::Final(reason)) => Some(reason),
                _ => None,
            },
        }
    }
}

impl SnapshotBody {
    fn of(body: &LiveBody) -> Self {
        let parts = body.parts.as_deref();
        Self {
            is_complete: body.is_complete(),
            parts: parts.map(|parts| {
                let part = parts.iter().map(|part| SnapshotPart {
                    name: part.name.clone(),
                    is_complete: part.blob.len().is_some(),
                });
                part.collect()
            }),
        }
    }
}

/// The replies of one attempt.
#[derive(Default)]
struct Replies {
    mail: Option<Reply>,
    recipients: Vec<Option<Reply>>,
    last: Option<Reply>,
}

impl Replies {
    fn of(state: &State) -> Self {
        let ended = state.end.as_ref().map(|end| &end.attempt);
        if state.answers.is_empty()
            && let Some(attempt) = ended.or(state.last_attempt.as_ref())
        {
            return Self::of_attempt(attempt, &state.recipients);
        }
        let mut replies = Self {
            recipients: vec![None; state.recipients.len()],
            ..Self::default()
        };
        for answer in &state.answers {
            match answer {
                Answer::Mail(reply) => replies.mail = Some(reply.clone()),
                Answer::Rcpt(index, reply) => {
                    if let Some(recipient) = replies.recipients.get_mut(*index) {
                        *recipient = Some(reply.clone());
                    }
                }
                Answer::Final(reply) => replies.last = Some(reply.clone()),
            }
        }
        replies.complete(&state.recipients)
    }

    fn of_attempt(attempt: &Attempt, recipients: &[Recipient]) -> Self {
        let mut replies = attempt.recipient_replies.clone();
        replies.resize(recipients.len(), None);
        Self {
            mail: attempt.mail_reply.clone(),
            recipients: replies,
            last: Some(attempt.final_reply.clone()),
        }
        .complete(recipients)
    }

    /// Once the final reply is there, nothing is open any more: what got no reply of its own has
    /// what settled it before, or the final reply if that is negative.
    fn complete(mut self, recipients: &[Recipient]) -> Self {
        let Some(last) = &self.last else {
            return self;
        };
        let rest = last.is_negative().then(|| last.clone());
        for (reply, recipient) in self.recipients.iter_mut().zip(recipients) {
            if reply.is_none() {
                *reply = recipient.settled.clone().or_else(|| rest.clone());
            }
        }
        self.mail = self.mail.or(rest);
        self
    }
}
