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
    /// Which attempt; the first is 1.
    pub number: u32,
    /// The first ten recipients that it was for, with the replies of the destination.
    pub recipients: &'a List<RecipientReplies>,
    /// How many there were.
    pub recipient_count: usize,
    /// The reply to MAIL, if one came.
    pub mail_reply: Option<&'a Reply>,
    /// The final reply, or the reply that made an end before the message was sent.
    pub final_reply: &'a Reply,
    /// The host that replied last, or that the last reply is about, where one was reached.
    pub remote: Option<&'a RemoteMta>,
    /// How long it took.
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
    /// What the destination said.
    pub reply: &'a Reply,
    /// The host that took it, where it is known.
    pub remote: Option<&'a RemoteMta>,
    /// Which attempt; the first is 1.
    pub attempt: u32,
    /// How long that took.
    pub duration: Duration,
    /// How long it is since the transaction began, or since it was to be sent where that was said.
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
    /// How many attempts there were.
    pub attempts: u32,
    /// What the last of them was answered.
    pub reply: Option<&'a Reply>,
    /// When the next one is made, at the earliest.
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
    /// What it failed with: a transient reply where it was tried for as long as it may be.
    pub reply: &'a Reply,
    /// How many attempts there were.
    pub attempts: u32,
}

/// A notification of failure was put into the queue.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Notified<'a> {
    /// The message that has failed; the notification goes to its reverse-path.
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
    /// Whom it was to.
    pub recipients: &'a [&'a ForwardPath],
    /// The recipients whose failure it tells of, as it names them.
    pub about: &'a [String],
    /// What it failed with.
    pub reply: &'a Reply,
}
