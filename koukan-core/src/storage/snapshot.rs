//! A transaction at one moment, as readers see it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    context::Context,
    reply::Reply,
    signals::Carried,
    transaction::{Mail, Rcpt},
};

use super::{
    UpstreamReply,
    live::{Durability, Live, State},
    live_body::LiveBody,
    record::{
        Attempt, FinalReason, Recipient, RecipientOutcome, Shown, Status, Terms, TransactionId,
        Work,
    },
};

/// A transaction at one moment.
///
/// The replies are those of the most recent attempt that has any.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its identity.
    pub id: TransactionId,
    /// When it was created.
    pub created: Timestamp,
    /// The facts of the session it came by.
    pub context: Arc<Context>,
    /// The durable signals, with the message's id only if it differs from `id`.
    pub signals: Carried,
    /// The MAIL command, once it is known.
    pub mail: Option<Mail>,
    /// The RCPT commands so far.
    pub recipients: Vec<Rcpt>,
    /// The message, once anything is known about it.
    pub body: Option<SnapshotBody>,
    /// The reply to MAIL.
    pub mail_reply: Option<Reply>,
    /// The replies to RCPT, by the recipients' order.
    pub recipient_replies: Vec<Option<Reply>>,
    /// The final reply.
    pub final_reply: Option<Reply>,
    /// The result for each recipient, as far as an attempt that has ended tells it.
    pub outcomes: Vec<Option<RecipientOutcome>>,
    /// Whether it is being worked on.
    pub is_active: bool,
    /// Whether an attempt has ended.
    pub has_attempt_ended: bool,
    /// Whether that attempt is still being recorded, so that the next step is unknown.
    pub is_settling: bool,
    /// How many attempts have begun.
    pub attempt_count: u32,
    /// Since when it is held, if it is.
    pub held: Option<Timestamp>,
    /// In how many crashes of the process it was being worked on, since an attempt at it has ended.
    pub crashes: u32,
    /// When the next attempt is due, if there is one.
    pub next_attempt: Option<Timestamp>,
    /// Whether it waits, unattempted, for its time of sending.
    pub is_scheduled: bool,
    /// What was promised to the originator.
    pub terms: Terms,
    /// Whether the message is still to be completed.
    pub is_draft: bool,
    /// Why nothing more will be tried, once that is so.
    pub final_reason: Option<FinalReason>,
}

/// The message of a transaction at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotBody {
    /// Whether it is complete.
    pub is_complete: bool,
    /// The parts of a composition; `None` for a message.
    pub parts: Option<Vec<SnapshotPart>>,
}

/// A part of a composition at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotPart {
    /// Its name in the description.
    pub name: Box<str>,
    /// Whether it is complete.
    pub is_complete: bool,
}

impl Snapshot {
    pub(super) fn of(live: &Live, state: &State) -> Self {
        let shown = shown(state);
        let due = match &state.status {
            Some(Status::Due(due)) => Some(due),
            _ => None,
        };
        let ended = state.end.as_ref().map(|end| &*end.attempt);
        let ended = ended.or(state.last_attempt.as_deref());
        let held = state.held.filter(|_| !state.is_final());
        let is_draft = due.is_some_and(|due| due.work == Work::Abandon);
        let signals = live.carried();
        let is_attempted_elsewhere = state.is_attempted_elsewhere();
        let next_attempt = due
            .filter(|due| due.work == Work::Attempt && held.is_none() && !state.is_final())
            .filter(|_| !is_attempted_elsewhere)
            .map(|due| due.at);
        let is_unattempted = state.attempt_count == 0 && !state.is_active();
        let is_due_then = next_attempt.is_some() && next_attempt == signals.send_at();
        Self {
            id: live.id,
            created: live.created,
            context: Arc::clone(&live.context),
            signals,
            mail: live.mail().cloned(),
            recipients: state.recipients.iter().map(|r| r.rcpt.clone()).collect(),
            body: state.body.as_ref().map(SnapshotBody::of),
            mail_reply: shown.mail,
            recipient_replies: shown.recipients,
            final_reply: shown.last,
            outcomes: outcomes(&state.recipients, ended),
            has_attempt_ended: ended.is_some(),
            is_active: state.is_active(),
            is_settling: state.is_settling(),
            // What is written of it are the attempts that have ended.
            attempt_count: state.attempt_count + u32::from(is_attempted_elsewhere),
            held,
            crashes: state.crashes,
            next_attempt,
            is_scheduled: is_unattempted && is_due_then,
            terms: state.terms,
            is_draft,
            final_reason: state.final_reason(),
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

impl State {
    /// Whether it is being worked on, here or by another process, or still arriving.
    fn is_active(&self) -> bool {
        let is_active = match self.durability {
            Durability::Draft => false,
            Durability::Settled => self.is_leased_elsewhere,
            Durability::Volatile | Durability::Committing | Durability::Leased { .. } => true,
        };
        is_active && !self.is_final()
    }

    /// Whether another process attempts it.
    fn is_attempted_elsewhere(&self) -> bool {
        let is_attempt =
            matches!(&self.status, Some(Status::Due(due)) if due.work == Work::Attempt);
        is_attempt && self.durability == Durability::Settled && self.is_active()
    }
}

/// The results for recipients: final ones, or those of the last attempt.
fn outcomes(recipients: &[Recipient], ended: Option<&Attempt>) -> Vec<Option<RecipientOutcome>> {
    let outcome = |(index, recipient): (usize, &Recipient)| match &recipient.settled {
        Some(reply) => Some(RecipientOutcome::of(reply.clone())),
        None => {
            let attempt = ended.filter(|attempt| attempt.given_final_reply().is_some());
            attempt.map(|attempt| attempt.outcome(index))
        }
    };
    recipients.iter().enumerate().map(outcome).collect()
}

/// What readers are shown of the replies.
fn shown(state: &State) -> Shown {
    let before = state.last_attempt.as_deref();
    let before = before.map(|attempt| Shown::after(attempt, &state.recipients));
    let now = match (&state.end, state.answers.is_empty()) {
        (_, false) => answered(state),
        (Some(end), true) => Shown::after(&end.attempt, &state.recipients),
        (None, true) => return before.unwrap_or_default(),
    };
    match before {
        Some(before) => now.over(before),
        None => now,
    }
}

/// The replies of the current attempt so far.
fn answered(state: &State) -> Shown {
    let mut shown = Shown {
        recipients: vec![None; state.recipients.len()],
        ..Shown::default()
    };
    for answer in &state.answers {
        match answer {
            UpstreamReply::Mail(reply) => shown.mail = Some(reply.clone()),
            UpstreamReply::Rcpt(index, reply) => {
                if let Some(recipient) = shown.recipients.get_mut(*index) {
                    *recipient = Some(reply.clone());
                }
            }
            UpstreamReply::Final(reply) => shown.last = Some(reply.clone().without_final_replies()),
        }
    }
    shown.completed(&state.recipients)
}
