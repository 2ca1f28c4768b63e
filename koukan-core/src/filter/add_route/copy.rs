//! The copy of one message, collected as the message arrives.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use bytes::Bytes;
use tower::{ServiceExt, service_fn};

use crate::{
    blob::{Account, Blob, BlobPool, Payer},
    body::{Body, BodyError},
    causes::Causes,
    context::{Context, Sender},
    middleware::{Deliver, DeliverRequest},
    path::Parameter,
    reply::{Rejection, Reply},
    signals::{Departure, Signals, TraceId},
    stage::reading::watch,
    storage::{CustodyError, Exhausted},
    transaction::{Mail, Rcpt, Transaction},
};

use super::layer::{Asks, Now, Queue};

/// The copy of one message; clones are the same.
#[derive(Clone)]
pub(super) struct Copy(Arc<Inner>);

struct Inner {
    context: Arc<Context>,
    mail: Mail,
    asks: Asks,
    signals: Signals,
    found: Mutex<Found>,
}

/// What is known of it so far.
#[derive(Default)]
struct Found {
    rcpts: Vec<Rcpt>,
    message: Option<Message>,
}

/// The octets of a message.
#[derive(Clone)]
struct Message {
    prefix: Vec<Bytes>,
    blob: Blob,
}

/// A copy could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotKept {
    #[error("there is no room for it")]
    Exhausted(#[from] Exhausted),
    #[error("it could not be committed")]
    Custody(#[from] CustodyError),
}

impl Copy {
    pub(super) fn new(tx: &Transaction, asks: Asks) -> Self {
        Self(Arc::new(Inner {
            context: Arc::clone(&tx.context),
            mail: tx.mail.request().clone(),
            asks,
            signals: tx.signals.clone(),
            found: Mutex::default(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        let found = self.0.found.lock();
        found.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, rcpt: &Rcpt) {
        self.lock().rcpts.push(rcpt.clone());
    }

    /// Removes a recipient that was refused for the original.
    pub(super) fn leave_out(&self, rcpt: &Rcpt) {
        let mut found = self.lock();
        if let Some(at) = found.rcpts.iter().position(|known| known == rcpt) {
            found.rcpts.remove(at);
        }
    }

    /// Notes the message, and returns the body that goes on.
    pub(super) async fn see(&self, body: Body) -> Result<Body, BodyError> {
        let message = match body.into_blob() {
            Ok((prefix, blob)) => Message {
                prefix: prefix.into_iter().collect(),
                blob,
            },
            Err(body) => Message {
                prefix: Vec::new(),
                blob: self.keep(body).await?,
            },
        };
        self.lock().message = Some(message.clone());
        Ok(Body::from_blob(message.prefix, message.blob))
    }

    /// Stores a message that is not a blob.
    async fn keep(&self, body: Body) -> Result<Blob, BodyError> {
        let (writer, blob) = match self.0.signals.account() {
            Some(account) => Account::create(account),
            None => BlobPool::default().account(Payer::Agent).create(),
        };
        body.copy_to(writer).await?;
        Ok(blob)
    }

    /// Delivers the copy to this route.
    ///
    /// # Errors
    ///
    /// The rejection for the original.
    pub(super) async fn deliver(&self, now: &Now) -> Result<(), Rejection> {
        let (rcpts, message) = {
            let found = self.lock();
            (found.rcpts.clone(), found.message.clone())
        };
        let Some(Message { prefix, blob }) = message.filter(|_| !rcpts.is_empty()) else {
            return Ok(());
        };
        // If the original has legs, these end with the attempt once the copy is out. An endpoint does not: then the next
        // attempt makes another copy.
        let whole = self.0.signals.departure();
        let part = whole
            .filter(|whole| whole.is_divided())
            .map(Departure::part);
        let (route, watched) = (now.service.clone(), part.clone());
        let route = service_fn(move |tx: Transaction| {
            let (prefix, watched) = (prefix.clone(), watched.clone());
            route.clone().oneshot(tx.map_body(|mut body| {
                for octets in prefix.into_iter().rev() {
                    body.prepend(octets);
                }
                match watched {
                    Some(part) => watch(body, &part),
                    None => body,
                }
            }))
        });
        let context = self.context(now.sender.as_ref());
        let mut request = DeliverRequest::new(context, self.mail(), blob);
        request.recipients = self.asking(rcpts);
        request.signals = self.signals();
        if let Some(part) = &part {
            request.signals = request.signals.with_departure(Arc::clone(part));
        }
        let count = request.recipients.len();
        let mut delivering = pin!(Deliver::new(route).oneshot(request));
        let delivered = poll_fn(|cx| match delivering.as_mut().poll(cx) {
            Poll::Ready(Ok(outcome)) => Poll::Ready(Some(outcome)),
            Poll::Pending => match &part {
                Some(part) => part.poll_given_up(cx).map(|()| None),
                None => Poll::Pending,
            },
        });
        let Some(outcome) = delivered.await else {
            return Err(Rejection::from(Reply::stopping()));
        };
        let verdicts = (0..count).map(|index| outcome.verdict(index));
        let (taken, refused): (Vec<_>, Vec<_>) = verdicts.partition(|reply| reply.is_positive());
        if let Some(part) = part {
            part.conclude(!taken.is_empty());
        }
        // If one may succeed later, the client is told to try again.
        let transient = refused.iter().find(|reply| reply.is_transient());
        match transient.or_else(|| refused.first()) {
            Some(reply) => Err(Rejection::from((*reply).clone().relayed())),
            None => Ok(()),
        }
    }

    /// Puts the copy into the queue.
    ///
    /// # Errors
    ///
    /// [`NotKept`].
    pub(super) async fn store(&self, queue: &Queue) -> Result<(), NotKept> {
        let (rcpts, message) = {
            let mut found = self.lock();
            (std::mem::take(&mut found.rcpts), found.message.take())
        };
        let Some(Message { prefix, blob }) = message.filter(|_| !rcpts.is_empty()) else {
            return Ok(());
        };
        let context = self.context(Some(&queue.sender));
        let (storage, mail) = (&queue.storage, self.mail());
        let (recorder, lease) = storage.begin_with(context, mail, self.signals())?;
        // No attempt is made while a client waits.
        lease.leave();
        for rcpt in self.asking(rcpts) {
            recorder.rcpt(rcpt);
        }
        recorder.finish_recipients();
        recorder.body(prefix, blob);
        recorder.custody().take(queue.terms).await?;
        Ok(())
    }

    /// The MAIL command.
    fn mail(&self) -> Mail {
        let mut mail = self.0.mail.clone();
        if self.0.asks == Asks::Nothing {
            for keyword in ["RET", "ENVID"] {
                mail.parameters.remove(keyword);
            }
        }
        mail
    }

    /// The RCPT commands with their requests for notifications.
    fn asking(&self, mut rcpts: Vec<Rcpt>) -> Vec<Rcpt> {
        if self.0.asks == Asks::Nothing {
            for parameters in rcpts.iter_mut().map(|rcpt| &mut rcpt.parameters) {
                parameters.remove("NOTIFY");
                let never = Parameter::new("NOTIFY", Some("NEVER"));
                // It is well-formed, and present only once.
                let _ = never.and_then(|never| parameters.push(never));
            }
        }
        rcpts
    }

    /// The facts of the session. The next hop that the client names is not for the copy.
    fn context(&self, sender: Option<&Sender>) -> Arc<Context> {
        let mut context = match sender {
            Some(sender) => self.0.context.on_behalf_of(sender),
            None => Context::clone(&self.0.context),
        };
        context.next_hop = None;
        Arc::new(context)
    }

    /// What is known of the message, with its id, and whom it is charged to.
    fn signals(&self) -> Signals {
        let signals = &self.0.signals;
        let trace_id = TraceId::of(signals);
        let carried = signals.carried().with_trace_id(Some(trace_id));
        let own = Signals::of_carried(carried.with_send_at(None));
        if let Some(account) = signals.account() {
            own.account_or(|| account.clone());
        }
        own
    }
}

/// Logs that a copy is lost.
pub(super) fn lost(copy: &Copy, error: &NotKept, reply: &Reply) {
    let id = TraceId::of(&copy.0.signals);
    let error = Causes(error);
    tracing::error!(%id, %error, %reply, "a copy of a message is lost");
}
