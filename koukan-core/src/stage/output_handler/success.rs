//! Tells senders of success, before the client gets its reply.
//!
//! The legs of an Exploder hand in their recipients ([`Successes`]). When all have ended, the Exploder queues one
//! notification for all of them, with those that were expanded. A leg that ends later, since its client did not wait for
//! it, tells by itself; so does an attempt without Exploder.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    body::Body,
    causes::Causes,
    context::Context,
    event::Message,
    message::dsn::{Action, Reported},
    path::ReversePath,
    reply::Reply,
    signals::{TellsSuccess, TraceId},
    storage::{
        Lease, LeaseBody, Storage,
        record::{Attempt, Recipient, RecipientOutcome, TransactionId},
    },
    transaction::{Mail, Rcpt},
};

use super::notification::{Notifier, Told, ended};

/// How long a client waits for the notification to be queued at most.
const QUEUED_WITHIN: Duration = Duration::from_secs(10);

/// A signal of an Exploder's legs: where they hand in the recipients whose sender is to be told of success.
#[derive(Debug, Clone, Default)]
pub(crate) struct Successes(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Empty,
    Some(Box<Gathered>),
    Closed,
}

/// What the legs have handed in.
#[derive(Debug)]
pub(crate) struct Gathered {
    notifier: Arc<Notifier>,
    storage: Storage,
    success: Success,
    original: Option<LeaseBody>,
}

/// The Exploder's side of [`Successes`]. If it is dropped, what was handed in is told all the same: those recipients
/// have the message.
#[derive(Debug)]
pub(crate) struct Gathering(Successes);

/// A message of whose success its sender is told.
#[derive(Debug)]
pub(super) struct Success {
    pub(super) context: Arc<Context>,
    pub(super) mail: Mail,
    pub(super) trace_id: TraceId,
    /// The transaction in storage, where it is about one.
    pub(super) transaction: Option<TransactionId>,
    pub(super) arrived: Timestamp,
    pub(super) recipients: Vec<Succeeded>,
}

/// A recipient that was delivered, or expanded.
#[derive(Debug)]
pub(super) struct Succeeded {
    pub(super) rcpt: Rcpt,
    pub(super) action: Action,
    pub(super) reply: Reply,
    pub(super) last_attempt: Option<Timestamp>,
}

/// Whether this attempt may tell senders of success, as attempts do for transactions that are not in custody.
pub(super) fn is_told(lease: &Lease, attempt: &Attempt) -> bool {
    let tells = || lease.signals().find::<TellsSuccess>().is_some();
    attempt.is_any_delivered() && lease.terms().is_none() && tells()
}

/// Tells the sender of success; to be called where [that is so](is_told).
pub(super) async fn tell(notifier: &Arc<Notifier>, lease: &Lease, attempt: &mut Attempt) {
    let Some(success) = Success::of(lease, attempt) else {
        return;
    };
    let storage = lease.storage();
    let gathered = Gathered {
        notifier: Arc::clone(notifier),
        storage: storage.clone(),
        success,
        original: lease.body(),
    };
    let left = match lease.signals().find::<Successes>() {
        Some(successes) => successes.add(gathered),
        None => Some(gathered),
    };
    // The message was delivered: the client is told so, whatever happens to the notification.
    let is_told = match left {
        None => true,
        Some(alone) => alone.tell().await,
    };
    if is_told {
        attempt.told_of_success();
    }
}

// === impl Successes ===

impl Successes {
    /// Hands in recipients. Returns them if they must be told of alone.
    fn add(&self, new: Gathered) -> Option<Gathered> {
        let mut state = self.lock();
        match &mut *state {
            State::Empty => *state = State::Some(Box::new(new)),
            State::Some(all) if all.success.mail == new.success.mail => {
                all.success.recipients.extend(new.success.recipients);
            }
            State::Some(_) | State::Closed => return Some(new),
        }
        None
    }

    /// Takes what was handed in. Nothing is taken any more.
    fn close(&self) -> Option<Gathered> {
        match mem::replace(&mut *self.lock(), State::Closed) {
            State::Some(gathered) => Some(*gathered),
            State::Empty | State::Closed => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Gathering ===

impl Gathering {
    pub(crate) fn new() -> Self {
        Self(Successes::default())
    }

    /// The signal of the legs.
    pub(crate) fn signal(&self) -> Successes {
        self.0.clone()
    }

    /// Takes what was handed in, when all legs have ended.
    pub(crate) fn close(self) -> Option<Gathered> {
        self.0.close()
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if let Some(gathered) = self.0.close() {
            let storage = gathered.storage.clone();
            storage.spawn(async move {
                gathered.tell().await;
            });
        }
    }
}

// === impl Gathered ===

impl Gathered {
    /// Adds recipients that were expanded.
    pub(super) fn with(mut self, expanded: Vec<Succeeded>) -> Self {
        self.success.recipients.extend(expanded);
        self
    }

    /// Queues the notification. Returns whether that is so.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it may be in the queue.
    pub(crate) async fn tell(self) -> bool {
        let original = self.original.map(Body::from);
        let told = self.success.queue(&self.notifier, &self.storage, original);
        told.await
    }
}

// === impl Success ===

impl Success {
    /// The recipients of an attempt whose sender asks for a notification of success and gets it from nobody else.
    fn of(lease: &Lease, attempt: &Attempt) -> Option<Self> {
        let recipients = lease.recipients().into_iter().enumerate();
        let recipients = recipients.filter_map(|(index, recipient)| {
            if recipient.settled.is_some() || !recipient.rcpt.notify().success {
                return None;
            }
            let RecipientOutcome::Delivered(reply) = attempt.outcome(index) else {
                return None;
            };
            let settled = Recipient {
                settled: Some(reply.clone()),
                ..recipient
            };
            settled.is_to_be_told().then(|| Succeeded {
                rcpt: settled.rcpt,
                action: ended(&reply),
                reply,
                last_attempt: Some(attempt.ended),
            })
        });
        let recipients: Vec<_> = recipients.collect();
        let is_any = !recipients.is_empty() && !lease.mail().reverse_path.is_null();
        is_any.then(|| Self {
            context: Arc::clone(lease.context()),
            mail: lease.mail().clone(),
            trace_id: lease.trace_id(),
            transaction: Some(lease.id()),
            arrived: lease.created(),
            recipients,
        })
    }

    /// Queues the notification, unless nobody is to be notified. `original` is the whole message. Returns whether it is
    /// in the queue.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it may be in the queue.
    pub(super) async fn queue(
        &self,
        notifier: &Notifier,
        storage: &Storage,
        original: Option<Body>,
    ) -> bool {
        let told = Told {
            mail: &self.mail,
            trace_id: self.trace_id,
            transaction: self.transaction,
            arrived: self.arrived,
            now: storage.clock().now(),
        };
        let reported = self.recipients.iter().map(|it| Reported {
            rcpt: &it.rcpt,
            action: it.action,
            reply: &it.reply,
            last_attempt: it.last_attempt,
        });
        let reported: Vec<_> = reported.collect();
        let Some(notification) = notifier.report(&told, original, &reported).await else {
            return false;
        };
        let (id, from) = (self.trace_id, &self.mail.reverse_path);
        let queued = storage.queue_notification(self.message(from), *notification);
        match timeout(QUEUED_WITHIN, queued).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => {
                tracing::warn!(%id, %from, error = %Causes(&error), "a sender is not told of success");
            }
            Err(_) => {
                tracing::warn!(%id, %from, "a sender may not be told of success: storage is slow");
            }
        }
        false
    }

    fn message<'a>(&'a self, from: &'a ReversePath) -> Message<'a> {
        Message {
            trace: Some(self.trace_id),
            id: self.transaction,
            context: &self.context,
            reverse_path: Some(from),
        }
    }
}
