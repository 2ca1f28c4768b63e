//! The originator's half of a transaction: the [`Driver`].

use std::{
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{self, Poll, Waker, ready},
};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use tower::BoxError;

use crate::{
    body::{Body, Piece},
    context::Context,
    pipe,
    reply::Reply,
    signals::Signals,
};

use super::{
    Command, Mail, MailService, Rcpt, Recipients, Transaction,
    call::Call,
    commands::Commands,
    direct::Start,
    line::{Line, RECIPIENTS_QUEUED},
    panicked::Panicked,
    rescue,
    slot::Pending,
};

/// Originates one transaction: starts the call and feeds it command by command.
///
/// The driver owns the call. The call advances only while one of the driver's `async` methods is
/// polled; nothing is spawned. Between commands, poll [`Driver::progress`]. Handing something on
/// wakes the task that polled the driver before. Several tasks may share a driver behind a lock:
/// each is woken when the call can go on, and when what it waits for is there.
///
/// Dropping the driver drops the call and ends both streams with [`Aborted`](super::Aborted).
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use koukan_core::{
///     context::{Context, Sender},
///     reply::Reply,
///     transaction::{Driver, Mail, Rcpt, Transaction},
/// };
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let discard = tower::service_fn(|mut tx: Transaction| async move {
///     tx.mail.answer(Reply::sender_ok());
///     while let Some(rcpt) = tx.recipients.next().await? {
///         rcpt.answer(Reply::recipient_ok());
///     }
///     while tx.body.next().await?.is_some() {}
///     Ok::<_, tower::BoxError>(Reply::message_accepted())
/// });
/// let context = Arc::new(Context::new(Sender::new("example")));
/// let mail = Mail::new("alice@example.com".parse::<koukan_core::path::ReversePath>()?);
/// let (mut driver, mail) = Driver::start(discard, context, mail);
/// assert_eq!(driver.wait(mail).await, Reply::sender_ok());
/// let rcpt = Rcpt::new("bob@example.com".parse::<koukan_core::path::ForwardPath>()?);
/// let rcpt = driver.rcpt(rcpt).await;
/// assert_eq!(driver.wait(rcpt).await, Reply::recipient_ok());
/// driver.data();
/// driver.send("Subject: hi\r\n\r\nhello\r\n".into()).await?;
/// assert_eq!(driver.finish().await, Reply::message_accepted());
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping the driver aborts the transaction"]
pub struct Driver {
    call: Option<BoxFuture<'static, Result<Reply, BoxError>>>,
    commands: Commands,
    recipients: Option<pipe::Sender<Command<Rcpt>>>,
    body: Option<pipe::Sender<Piece>>,
    /// The first commands, the queues and the polls of the call.
    line: Arc<Line>,
    /// The waker with which the call is polled.
    waker: Waker,
}

/// The call has already ended; [`Driver::finish`] returns its final reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("transaction has ended")]
pub struct CallEnded;

impl Driver {
    /// Starts a call of `service` with its MAIL command, and returns the pending reply to MAIL.
    ///
    /// If the service is not ready, the call waits for it, so its limits apply to transactions.
    pub fn start<S: MailService>(service: S, context: Arc<Context>, mail: Mail) -> (Self, Pending) {
        Self::start_with(service, context, mail, Signals::default())
    }

    /// As [`Driver::start`], with signals that are already known or that the caller wants to read.
    pub fn start_with<S: MailService>(
        service: S,
        context: Arc<Context>,
        mail: Mail,
        signals: Signals,
    ) -> (Self, Pending) {
        let start = Start {
            context,
            mail,
            signals,
            token: None,
        };
        Self::start_copy(service, start)
    }

    /// As [`Driver::start_with`], for a message that may have other copies.
    pub(crate) fn start_copy<S: MailService>(service: S, start: Start) -> (Self, Pending) {
        let Start {
            context,
            mail,
            signals,
            token,
        } = start;
        let line = Line::new();
        let (recipients, recipients_pulled) = line.recipients();
        let (body, body_pulled) = line.body();
        let commands = line.commands();
        let (mail_slot, pending) = commands.mail();
        let transaction = Transaction {
            context,
            mail: Command::new(mail, mail_slot),
            recipients: Recipients::from_pipe(recipients_pulled),
            body: Body::from_pipe(body_pulled).with_token(token),
            signals,
        };
        let call = Call::new(service, transaction);
        let driver = Self {
            call: Some(Box::pin(call)),
            commands,
            recipients: Some(recipients),
            body: Some(body),
            waker: line.waker(),
            line,
        };
        (driver, pending)
    }

    /// Hands a recipient upstream and returns the pending reply. Waits only for room in the queue.
    ///
    /// After [`Driver::data`], or when the call has ended, the reply is there at once: the final
    /// reply if that is negative.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it ends, the recipient was not handed on.
    pub async fn rcpt(&mut self, rcpt: Rcpt) -> Pending {
        poll_fn(|cx| self.poll_rcpt_ready(cx)).await;
        self.start_rcpt(rcpt)
    }

    /// Hands a recipient upstream after [`Driver::poll_rcpt_ready`] was ready.
    pub fn start_rcpt(&mut self, rcpt: Rcpt) -> Pending {
        let (slot, pending) = self.commands.rcpt();
        if let Some(slot) = slot
            && let Some(recipients) = &self.recipients
        {
            // Nobody pulls recipients any more: the slot is dropped, and is answered like any
            // dropped slot.
            let _ = recipients.send(Command::new(rcpt, slot));
        }
        pending
    }

    /// Says that there are no more recipients.
    pub fn data(&mut self) {
        if let Some(recipients) = self.recipients.take() {
            recipients.finish();
        }
    }

    /// Hands octets of the body upstream, as soon as there is room for them.
    ///
    /// # Errors
    ///
    /// [`CallEnded`] if the call has ended, or no longer pulls the body. The octets are dropped and
    /// the rest need not be sent.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it ends, the octets were not handed on.
    pub async fn send(&mut self, chunk: Bytes) -> Result<(), CallEnded> {
        poll_fn(|cx| self.poll_body_ready(cx)).await?;
        self.start_send(chunk)
    }

    /// Hands octets of the body upstream after [`Driver::poll_body_ready`] was ready.
    ///
    /// # Errors
    ///
    /// As [`Driver::send`].
    pub fn start_send(&mut self, chunk: Bytes) -> Result<(), CallEnded> {
        self.data();
        let body = self.body.as_ref().ok_or(CallEnded)?;
        body.send(Piece::Chunk(chunk)).map_err(|_| CallEnded)
    }

    /// Hands the whole body upstream at once, by reference if it is a blob. Use it instead of
    /// [`Driver::send`]; it may be called before the recipients are answered.
    ///
    /// Call [`Driver::finish`] next.
    pub fn whole_body(&mut self, body: Body) {
        self.data();
        if let Some(sender) = self.body.take() {
            // Nobody pulls the body any more: the final reply is on its way.
            let _ = sender.send(Piece::Rest(body));
            sender.finish();
        }
    }

    /// Ends the body cleanly and waits for the final reply.
    ///
    /// It holds for all recipients; [`Reply::for_recipient`] gives the reply for each one.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled, the body has ended; calling it again continues to wait.
    pub async fn finish(&mut self) -> Reply {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    /// The polling form of [`Driver::finish`].
    pub fn poll_finish(&mut self, cx: &mut task::Context<'_>) -> Poll<Reply> {
        self.data();
        if let Some(body) = self.body.take() {
            body.finish();
        }
        ready!(self.poll_progress(cx));
        let reply = self.final_reply().cloned();
        Poll::Ready(reply.unwrap_or_else(Reply::local_error))
    }

    /// Drives the call until `pending` is answered.
    ///
    /// # Cancel safety
    ///
    /// Pass `&mut pending` to be able to continue waiting later.
    pub async fn wait(&mut self, mut pending: impl AsMut<Pending>) -> Reply {
        poll_fn(|cx| self.poll_wait(cx, pending.as_mut())).await
    }

    /// The polling form of [`Driver::wait`].
    pub fn poll_wait(&mut self, cx: &mut task::Context<'_>, pending: &mut Pending) -> Poll<Reply> {
        if let Some(reply) = pending.look() {
            return Poll::Ready(reply);
        }
        let _ = self.poll_progress(cx);
        Pin::new(pending).poll(cx)
    }

    /// Drives the call until it has ended.
    ///
    /// For use in `select!` beside reading the next command.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped.
    pub async fn progress(&mut self) {
        poll_fn(|cx| self.poll_progress(cx)).await;
    }

    /// The polling form of [`Driver::progress`].
    pub fn poll_progress(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        let Some(call) = &mut self.call else {
            return Poll::Ready(());
        };
        let result = self.line.poll(&self.waker, cx, |cx| {
            let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
            polled.unwrap_or_else(|panic| Poll::Ready(Err(Panicked::new(panic).into())))
        });
        self.end(ready!(result));
        Poll::Ready(())
    }

    /// The final reply, if the call has ended.
    pub fn final_reply(&self) -> Option<&Reply> {
        self.commands.final_reply()
    }

    /// Ready when [`Driver::start_rcpt`] finds room in the queue; drives the call while there is
    /// none.
    pub fn poll_rcpt_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        if self.has_recipients_room(cx).is_pending() {
            // That may make room, or end the call, which is as good.
            let _ = self.poll_progress(cx);
        }
        self.has_recipients_room(cx)
    }

    fn has_recipients_room(&self, cx: &task::Context<'_>) -> Poll<()> {
        match &self.recipients {
            // Fewer recipients were asked than there is room for.
            _ if self.commands.rcpt_count() < RECIPIENTS_QUEUED => Poll::Ready(()),
            Some(recipients) => recipients.poll_ready(cx).map(|_| ()),
            None => Poll::Ready(()),
        }
    }

    /// Ready when [`Driver::start_send`] finds room in the queue; drives the call while there is
    /// none. There must be no more recipients.
    ///
    /// # Errors
    ///
    /// As [`Driver::send`].
    pub fn poll_body_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), CallEnded>> {
        self.data();
        if self.has_body_room(cx).is_pending() {
            let _ = self.poll_progress(cx);
        }
        self.has_body_room(cx)
    }

    fn has_body_room(&self, cx: &task::Context<'_>) -> Poll<Result<(), CallEnded>> {
        match &self.body {
            Some(body) => body.poll_ready(cx).map_err(|_| CallEnded),
            None => Poll::Ready(Err(CallEnded)),
        }
    }

    /// Notes that something is handed on and the driver is polled right after, so that no task has to be
    /// woken.
    pub(super) fn expect(&self) {
        self.line.expect();
    }

    /// Drops the call, as dropping the driver does.
    pub(super) fn abandon(&mut self) {
        self.call = None;
    }

    fn end(&mut self, result: Result<Reply, BoxError>) {
        self.call = None;
        self.recipients = None;
        self.body = None;
        let reply = match result {
            Ok(reply) if reply.is_positive() || reply.is_negative() => reply,
            Ok(_) => Reply::local_error(),
            Err(error) => rescue(&error),
        };
        self.commands.end(reply);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("final_reply", &self.final_reply())
            .finish_non_exhaustive()
    }
}

impl AsMut<Pending> for Pending {
    fn as_mut(&mut self) -> &mut Pending {
        self
    }
}
