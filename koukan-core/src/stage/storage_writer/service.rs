//! The service.

use std::{
    fmt,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    body::MessageToken,
    context::{Context, Sender},
    reply::Reply,
    service::BoxMailService,
    signals::{Departure, SendAt},
    stage::output_handler::AttemptService,
    storage::{Exhausted, Storage},
    transaction::{Start, Transaction},
};

use super::writing::Writing;

/// Writes transactions into [`Storage`] and has each attempted by `output`, an [`AttemptService`].
///
/// A transaction scheduled by HOLDFOR or HOLDUNTIL (RFC 4865) is not attempted. It gets a transient refusal,
/// so that a stage that may do so takes custody.
///
/// The attempt runs within the call and ends with it, unless the call returns first with a reply that offers
/// custody: then it goes on in a task of its own.
#[derive(Clone)]
pub struct StorageWriter<O> {
    storage: Storage,
    output: O,
    sender: Option<Arc<Sender>>,
    timeouts: StorageWriterTimeouts,
}

/// How long a client waits for upstream before the storage writer itself answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageWriterTimeouts {
    /// For the reply to MAIL, and for the reply to each RCPT.
    pub rcpt: Duration,
    /// For the final reply, from the end of the message.
    pub final_reply: Duration,
}

impl Default for StorageWriterTimeouts {
    /// Half a minute and a minute: well below what SMTP clients wait (RFC 5321 section 4.5.3.2).
    fn default() -> Self {
        Self {
            rcpt: Duration::from_secs(30),
            final_reply: Duration::from_secs(60),
        }
    }
}

impl StorageWriterTimeouts {
    /// With another [`StorageWriterTimeouts::rcpt`].
    #[must_use]
    pub fn with_rcpt(mut self, rcpt: Duration) -> Self {
        self.rcpt = rcpt;
        self
    }

    /// With another [`StorageWriterTimeouts::final_reply`].
    #[must_use]
    pub fn with_final_reply(mut self, final_reply: Duration) -> Self {
        self.final_reply = final_reply;
        self
    }
}

impl StorageWriterTimeouts {
    /// For clients that send the message again when they are told to try later: the final reply may
    /// take nearly as long as such a client waits (ten minutes, RFC 5321 section 4.5.3.2.6). A
    /// client that is answered earlier sends another copy while the destination may still take the
    /// first.
    #[must_use]
    pub fn of_ingress() -> Self {
        Self {
            final_reply: Duration::from_secs(9 * 60),
            ..Self::default()
        }
    }
}

impl<O> StorageWriter<O> {
    /// A storage writer with the default timeouts, whose transactions keep their sender.
    pub fn new(storage: Storage, output: O) -> Self {
        Self {
            storage,
            output,
            sender: None,
            timeouts: StorageWriterTimeouts::default(),
        }
    }

    /// Writes transactions on behalf of another sender, whose chain they then pass through.
    #[must_use]
    pub fn with_sender(mut self, sender: Sender) -> Self {
        self.sender = Some(Arc::new(sender));
        self
    }

    /// Sets the timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: StorageWriterTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}

impl<O: AttemptService> StorageWriter<O> {
    /// Erases the type. An originator directly in front of such a service makes no call for a
    /// transaction.
    pub fn boxed(self) -> BoxMailService {
        BoxMailService::with_direct(self.clone(), self)
    }

    /// Begins to write a transaction.
    pub(super) fn begin(&self, start: Start) -> Result<Writing, Exhausted> {
        let Start {
            context,
            mut mail,
            signals,
            token,
        } = start;
        if mail.is_to_be_held()
            && let Some(until) = mail.take_hold(self.storage.clock().now())
        {
            // It cannot be set yet, or was set before.
            let _ = signals.set(SendAt::new(until));
        }
        let context = self.context(context, token.as_ref());
        // Its attempt, and whoever takes custody, say when the message leaves.
        let holding = signals.departure().map(Departure::hold_written);
        let (recorder, mut lease) = self.storage.begin_with(context, mail, signals)?;
        lease.set_token(token);
        let output = self.output.clone();
        let writing = Writing::new(recorder, lease, output, self.timeouts);
        Ok(writing.holding(holding))
    }
}

impl<O> StorageWriter<O> {
    /// The context with which the transaction is written: all copies of a message share one.
    fn context(&self, context: Arc<Context>, token: Option<&MessageToken>) -> Arc<Context> {
        match (&self.sender, token) {
            (None, _) => context,
            (Some(sender), Some(token)) => token.context_for(&context, sender),
            (Some(sender), None) => Arc::new(context.on_behalf_of(sender)),
        }
    }
}

impl<O: AttemptService> Service<Transaction> for StorageWriter<O> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        // The attempt waits until the output is ready; until then the transaction is already
        // written.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let Transaction {
            context,
            mail,
            recipients,
            mut body,
            signals,
        } = transaction;
        let (mail, slot) = mail.into_parts();
        let start = Start {
            context,
            mail,
            signals,
            // It is written as it comes, so the attempt has the same message.
            token: body.take_token(),
        };
        let Ok(writing) = self.begin(start) else {
            return Box::pin(async {
                // That reply answers the slot, too.
                drop(slot);
                Ok(Reply::insufficient_storage())
            });
        };
        Box::pin(writing.run(slot, recipients, body))
    }
}

impl<O> fmt::Debug for StorageWriter<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageWriter")
            .field("sender", &self.sender)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
