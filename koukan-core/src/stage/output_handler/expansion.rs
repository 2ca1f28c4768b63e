//! Telling senders that a recipient stands for several.

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

/// How long a client waits at most for the notification to be queued.
const QUEUED_WITHIN: Duration = Duration::from_secs(10);

/// Tells senders that want to be told of success that a recipient of theirs stands for several, to whom the message
/// went on. [`OutputHandler::expansion_notices`](super::OutputHandler::expansion_notices) makes one; an
/// [`Exploder`](crate::stage::exploder::Exploder) asks it.
///
/// The notification is queued before the client has its reply. It is no promise: where it cannot be queued in time, the
/// log says so, and the message is on its way all the same.
///
/// *Source*: RFC 3461 section 5.2.7.3.
#[derive(Debug, Clone)]
pub struct ExpansionNotices {
    storage: Storage,
    notifier: Arc<Notifier>,
}

/// A message that went on to those for whom some of its recipients stand.
#[derive(Debug, Clone)]
pub(crate) struct Expanded {
    pub(crate) context: Arc<Context>,
    pub(crate) mail: Mail,
    pub(crate) trace_id: TraceId,
    /// Those of the recipients that stand for several.
    pub(crate) recipients: Vec<Rcpt>,
}

impl<C> OutputHandler<C> {
    /// What tells senders, in the same words as of what else becomes of their mail, that a recipient of theirs stands
    /// for several: by notifications in that storage.
    pub fn expansion_notices(&self, storage: Storage) -> ExpansionNotices {
        ExpansionNotices {
            storage,
            notifier: Arc::clone(&self.notifier),
        }
    }
}

impl ExpansionNotices {
    /// Queues the notification, unless nobody is to be told. `original` is the message, whole.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the notification may be in the queue.
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
