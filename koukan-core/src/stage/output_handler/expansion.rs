//! Notifies senders that a recipient was expanded.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    body::Body,
    causes::Causes,
    context::Context,
    event::Message,
    message::dsn::{Action, Reported},
    reply::Reply,
    signals::TraceId,
    storage::Storage,
    transaction::{Mail, Rcpt},
};

use super::{
    OutputHandler,
    notification::{Notifier, Told},
};

/// How long a client waits for the notification to be queued at most.
const QUEUED_WITHIN: Duration = Duration::from_secs(10);

/// Notifies senders that ask for notifications of success that a recipient was expanded to several others.
/// [`OutputHandler::expansion_notices`](super::OutputHandler::expansion_notices) creates it, and an
/// [`Exploder`](crate::stage::exploder::Exploder) uses it.
///
/// The notification is queued before the client gets its reply. It is not guaranteed: if it cannot be queued in time,
/// that is logged, and the message is delivered all the same.
///
/// *Source*: RFC 3461 section 5.2.7.3.
#[derive(Debug, Clone)]
pub struct ExpansionNotices {
    storage: Storage,
    notifier: Arc<Notifier>,
}

/// A message that went on to the members of some of its recipients.
#[derive(Debug, Clone)]
pub(crate) struct Expanded {
    pub(crate) context: Arc<Context>,
    pub(crate) mail: Mail,
    pub(crate) trace_id: TraceId,
    /// The recipients that were expanded.
    pub(crate) recipients: Vec<Rcpt>,
}

impl<C> OutputHandler<C> {
    /// Notifies senders of expanded recipients through this storage, with the same templates as other notifications.
    pub fn expansion_notices(&self, storage: Storage) -> ExpansionNotices {
        ExpansionNotices {
            storage,
            notifier: Arc::clone(&self.notifier),
        }
    }
}

impl ExpansionNotices {
    /// Queues the notification, unless nobody is to be notified. `original` is the whole message.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the notification may be in the queue.
    pub(crate) async fn tell(&self, expanded: Expanded, original: Option<Body>) {
        let Expanded {
            context,
            mail,
            trace_id,
            recipients,
        } = &expanded;
        let reply = Reply::message_accepted();
        let reported: Vec<_> = recipients
            .iter()
            .map(|rcpt| Reported {
                rcpt,
                action: Action::Expanded,
                reply: &reply,
                last_attempt: None,
            })
            .collect();
        let now = self.storage.clock().now();
        let told = Told {
            mail,
            trace_id: *trace_id,
            transaction: None,
            arrived: now,
            now,
        };
        let Some(notification) = self.notifier.report(&told, original, &reported).await else {
            return;
        };
        let message = Message {
            trace: Some(*trace_id),
            id: None,
            context,
            reverse_path: Some(&mail.reverse_path),
        };
        let queued = self.storage.queue_notification(message, *notification);
        let from = &mail.reverse_path;
        match timeout(QUEUED_WITHIN, queued).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(id = %trace_id, %from, error = %Causes(&error), "a sender is not told that a recipient was expanded");
            }
            Err(_) => {
                tracing::warn!(id = %trace_id, %from, "a sender may not be told that a recipient was expanded: storage is slow");
            }
        }
    }
}
