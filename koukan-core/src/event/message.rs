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

/// Which message an event is about.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Its id, which stands in logs and `Received` fields, where that is known.
    pub trace: Option<TraceId>,
    /// The transaction in storage, where there is one.
    pub id: Option<TransactionId>,
    /// The facts of the session that it came by.
    pub context: &'a Context,
    /// Who it is from, once that is known.
    pub reverse_path: Option<&'a ReversePath>,
}

/// A client is told that its message was accepted.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Accepted<'a> {
    /// Which.
    pub message: Message<'a>,
    /// In whose custody it is.
    pub custody: Custodian,
}

/// Who has to deliver a message that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Custodian {
    /// Whoever has taken it: upstream said so.
    Upstream,
    /// This agent, for some recipient at least: it has promised to deliver.
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

/// A transaction is over: its call has ended and each command is answered, or nobody waits for the
/// answers.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// Which.
    pub message: Message<'a>,
    /// The reply to MAIL; without it nobody waited for one.
    pub mail_reply: Option<&'a Reply>,
    /// The first ten recipients.
    pub recipients: &'a List<RecipientReplies>,
    /// How many there were; those that nobody further on takes do not count.
    pub recipient_count: usize,
    /// Octets of the message, as it came.
    pub octets: u64,
    /// The final reply.
    pub reply: Option<&'a Reply>,
    /// The host that gave the final reply, or is to blame for it, or else the same of a recipient's.
    pub remote: Option<&'a RemoteMta>,
    /// What became of it.
    pub outcome: Outcome,
    /// From the beginning to the end.
    pub duration: Duration,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The final reply is positive.
    Accepted(Custodian),
    /// The final reply is negative.
    Refused,
    /// Something broke: there is no reply.
    Failed,
    /// Whoever began it went away.
    Aborted,
}

/// A recipient, and what was said of it.
///
/// As text: `bob@example.com=250`, or `=none` where there was no reply; with the code of a final
/// reply of its own, `bob@example.com=250/450`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientReplies {
    /// Who.
    pub path: ForwardPath,
    /// Its [position](crate::transaction::Command::position).
    pub position: usize,
    /// The reply to RCPT.
    pub reply: Option<Reply>,
    /// Its final reply, where that has another code than the message's.
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

    /// What it was refused with, where it was.
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
