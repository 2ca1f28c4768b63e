//! Messages as clients and destinations see them.

use std::{fmt, time::Duration};

use crate::{
    context::Context,
    id::TransactionId,
    lists::List,
    path::{ForwardPath, ReversePath},
    reply::{RemoteMta, Reply},
    signals::TraceId,
};

/// The message that an event is about.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Its trace id, as in logs and `Received` fields, where it is known.
    pub trace: Option<TraceId>,
    /// The transaction in storage, where there is one.
    pub id: Option<TransactionId>,
    /// The facts of the session by which it came.
    pub context: &'a Context,
    /// Its reverse-path, once it is known.
    pub reverse_path: Option<&'a ReversePath>,
}

/// A client is told that its message was accepted.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Accepted<'a> {
    /// Which.
    pub message: Message<'a>,
    /// Who has to deliver it.
    pub custody: Custodian,
}

/// Who has to deliver an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Custodian {
    /// The upstream that has accepted it.
    Upstream,
    /// This agent, at least for some recipients: it has promised delivery.
    Own,
}

/// A client was refused a recipient.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Refused<'a> {
    /// Which message.
    pub message: Message<'a>,
    /// Which recipient.
    pub recipient: &'a ForwardPath,
    /// What the client is told.
    pub reply: &'a Reply,
}

/// A transaction is over: its call has ended, and each command is answered, or nobody waits for the
/// answers.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// Which.
    pub message: Message<'a>,
    /// The reply to MAIL; `None` where nobody waited for one.
    pub mail_reply: Option<&'a Reply>,
    /// The first ten recipients.
    pub recipients: &'a List<RecipientReplies>,
    /// How many recipients there were. Recipients that reached no further stage are not counted.
    pub recipient_count: usize,
    /// The size of the message as received, in octets.
    pub octets: u64,
    /// The final reply.
    pub reply: Option<&'a Reply>,
    /// The host that gave or caused the final reply; else that of a recipient's reply.
    pub remote: Option<&'a RemoteMta>,
    /// The outcome.
    pub outcome: Outcome,
    /// From the beginning of the transaction to its end.
    pub duration: Duration,
}

/// The outcome of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The final reply is positive.
    Accepted(Custodian),
    /// The final reply is negative.
    Refused,
    /// Something broke, and there is no reply.
    Failed,
    /// The originator went away.
    Aborted,
}

/// A recipient, with its replies.
///
/// As text: `bob@example.com=250`, or `=none` where there was no reply. With a final reply of its
/// own that has another code: `bob@example.com=250/450`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientReplies {
    /// Who.
    pub path: ForwardPath,
    /// Its [position](crate::transaction::Command::position).
    pub position: usize,
    /// The reply to RCPT.
    pub reply: Option<Reply>,
    /// Its final reply, where that has another code than the message's final reply.
    pub final_reply: Option<Reply>,
}

impl Outcome {
    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

impl RecipientReplies {
    pub(crate) fn new(path: ForwardPath, position: usize) -> Self {
        Self {
            path,
            position,
            reply: None,
            final_reply: None,
        }
    }

    /// The reply that refused it, if it was refused.
    pub fn refusal(&self) -> Option<&Reply> {
        let mut replies = [&self.final_reply, &self.reply].into_iter().flatten();
        replies.find(|reply| reply.is_negative())
    }
}

impl fmt::Display for RecipientReplies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path.as_str())?;
        f.write_str("=")?;
        match &self.reply {
            Some(reply) => fmt::Display::fmt(&reply.code(), f)?,
            None => f.write_str("none")?,
        }
        match &self.final_reply {
            Some(last) => write!(f, "/{}", last.code()),
            None => Ok(()),
        }
    }
}
