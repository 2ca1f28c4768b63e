//! Notifies senders that a recipient was expanded.

use std::sync::Arc;

use crate::{
    body::Body,
    context::Context,
    message::dsn::Action,
    reply::Reply,
    signals::TraceId,
    storage::Storage,
    transaction::{Mail, Rcpt},
};

use super::{
    OutputHandler,
    notification::Notifier,
    success::{Gathered, Succeeded, Success},
};

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
    /// Queues the notification, unless nobody is to be notified. `original` is the whole message; `delivered` are the
    /// recipients of whose success the sender is told with it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the notification may be in the queue.
    pub(crate) async fn tell(
        &self,
        expanded: Expanded,
        original: Option<Body>,
        delivered: Option<Gathered>,
    ) {
        let recipients = expanded.recipients.into_iter().map(|rcpt| Succeeded {
            rcpt,
            action: Action::Expanded,
            reply: Reply::message_accepted(),
            last_attempt: None,
        });
        let recipients = recipients.collect();
        if let Some(delivered) = delivered {
            delivered.with(recipients).tell().await;
            return;
        }
        let success = Success {
            context: expanded.context,
            mail: expanded.mail,
            trace_id: expanded.trace_id,
            transaction: None,
            arrived: self.storage.clock().now(),
            recipients,
        };
        let queued = success.queue(&self.notifier, &self.storage, original);
        queued.await;
    }
}
