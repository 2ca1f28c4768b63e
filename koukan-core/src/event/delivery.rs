//! Messages on their way to destinations.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    id::TransactionId,
    lists::List,
    path::ForwardPath,
    reply::{RemoteMta, Reply},
};

use super::{Message, RecipientReplies};

/// An attempt to deliver has ended with replies.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Attempted<'a> {
    /// Which message.
    pub message: Message<'a>,
    /// The number of the attempt; the first is 1.
    pub number: u32,
    /// The first ten recipients of the attempt, with the destination's replies.
    pub recipients: &'a List<RecipientReplies>,
    /// How many recipients there were.
    pub recipient_count: usize,
    /// The reply to MAIL, if one came.
    pub mail_reply: Option<&'a Reply>,
    /// The final reply, or the reply that ended the attempt before the message was sent.
    pub final_reply: &'a Reply,
    /// The host that gave the last reply, or that it is about, where one was reached.
    pub remote: Option<&'a RemoteMta>,
    /// How long the attempt took.
    pub duration: Duration,
}

/// A destination has taken the message for a recipient.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Delivered<'a> {
    /// Which message.
    pub message: Message<'a>,
    /// The recipient.
    pub recipient: &'a ForwardPath,
    /// The destination's reply.
    pub reply: &'a Reply,
    /// The host that took it, where it is known.
    pub remote: Option<&'a RemoteMta>,
    /// The number of the attempt; the first is 1.
    pub attempt: u32,
    /// How long the attempt took.
    pub duration: Duration,
    /// The time since the transaction began, or since it was to be sent, where a time was given.
    pub age: Duration,
}

/// A transaction in custody waits for its next attempt.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Deferred<'a> {
    /// Which message.
    pub message: Message<'a>,
    /// The recipients that wait.
    pub recipients: &'a [&'a ForwardPath],
    /// The number of attempts so far.
    pub attempts: u32,
    /// The reply to the last of them.
    pub reply: Option<&'a Reply>,
    /// The earliest time of the next attempt.
    pub next_attempt: Timestamp,
}

/// Nothing more is tried for a recipient in custody.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Failed<'a> {
    /// Which message.
    pub message: Message<'a>,
    /// The recipient.
    pub recipient: &'a ForwardPath,
    /// The reply that it failed with: a transient one where the time for retries is over.
    pub reply: &'a Reply,
    /// How many attempts there were.
    pub attempts: u32,
}

/// A notification of what became of a message was put into the queue.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Notified<'a> {
    /// The message that it tells of; it goes to its reverse-path.
    pub message: Message<'a>,
    /// The transaction of the notification.
    pub notification: TransactionId,
}

/// A notification could not be delivered, and nobody is told of it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct LostNotification<'a> {
    /// The notification.
    pub message: Message<'a>,
    /// The recipients of the notification.
    pub recipients: &'a [&'a ForwardPath],
    /// The recipients whose failure it reports, as it names them.
    pub about: &'a [String],
    /// The reply that it failed with.
    pub reply: &'a Reply,
}
