//! One transaction being written.

use std::{
    future::poll_fn,
    mem,
    task::{Context, Poll, Waker, ready},
};

use futures_core::future::BoxFuture;
use tokio::time::Instant;
use tower::{BoxError, ServiceExt};

use crate::{
    blob::Blob,
    body::{Body, BodyError},
    causes::Causes,
    reply::Reply,
    signals::Holding,
    stage::output_handler::AttemptService,
    storage::{Custody, Lease, Recorder, UpstreamReply},
    transaction::{Command, Positions, Rcpt, Recipients, Slot},
};

use super::{StorageWriterTimeouts, replies::OpenSlots};

/// A transaction, its attempt, and the commands that are not answered yet.
///
/// Everything from downstream is written to the end even if upstream has refused it: custody may
/// still be taken then.
pub(super) struct Writing {
    recorder: Recorder,
    attempt: Option<BoxFuture<'static, ()>>,
    timeouts: StorageWriterTimeouts,
    open: OpenSlots,
    final_reply: Option<Reply>,
    positions: Positions,
    message: Message,
    /// Where it is written within an attempt.
    holding: Option<Holding>,
}

/// How far the message has come.
enum Message {
    /// It is still to be given.
    Awaited,
    /// It was given, and its form is being determined.
    Given(Body),
    /// Another task writes it.
    Growing(Blob),
    /// It is written here.
    Copied(BoxFuture<'static, Result<(), BodyError>>),
    /// It is complete. The final reply may take until this time.
    Whole(Instant),
    /// Upstream has taken it; its events are committed before the reply.
    Taken(BoxFuture<'static, ()>, Reply),
}

impl Writing {
    pub(super) fn new(
        recorder: Recorder,
        lease: Lease,
        output: impl AttemptService,
        timeouts: StorageWriterTimeouts,
    ) -> Self {
        let attempt = match lease.is_scheduled() {
            true => {
                lease.leave();
                None
            }
            false => Some(begin(lease, output)),
        };
        Self {
            recorder,
            attempt,
            timeouts,
            open: OpenSlots::new(timeouts.rcpt),
            final_reply: None,
            positions: Positions::default(),
            message: Message::Awaited,
            holding: None,
        }
    }

    /// Keeps this until it has ended.
    pub(super) fn holding(mut self, holding: Option<Holding>) -> Self {
        self.holding = holding;
        self
    }

    pub(super) async fn run(
        mut self,
        mail: Slot,
        mut recipients: Recipients,
        body: Body,
    ) -> Result<Reply, BoxError> {
        self.open_mail(mail);
        while let Some(rcpt) = self.beside(|cx| recipients.poll_recipient(cx)).await {
            self.rcpt(rcpt?);
        }
        self.finish_recipients();
        self.give(body);
        poll_fn(|cx| self.poll_end(cx)).await
    }

    pub(super) fn open_mail(&mut self, slot: Slot) {
        self.open.open_mail(slot);
    }

    /// There are no more recipients.
    pub(super) fn finish_recipients(&self) {
        self.recorder.finish_recipients();
    }

    /// Takes the message, once all recipients are there.
    pub(super) fn give(&mut self, body: Body) {
        self.message = Message::Given(body);
    }

    pub(super) fn rcpt(&mut self, rcpt: Command<Rcpt>) {
        let (rcpt, slot) = rcpt.into_parts();
        let index = self.recorder.rcpt(rcpt);
        self.positions.push(index, slot.position());
        match &self.final_reply {
            None => self.open.open_rcpt(index, slot),
            Some(reply) => slot.answer(self.with_custody(reply.to_unanswered(None))),
        }
    }

    /// Goes on; ready with the final reply.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, BoxError>> {
        loop {
            let polled = match &mut self.message {
                Message::Awaited => Poll::Pending,
                Message::Given(body) => body.poll_body_ready(cx)?,
                Message::Growing(blob) => blob.poll_ended(cx)?.map(drop),
                Message::Copied(copy) => copy.as_mut().poll(cx)?,
                Message::Whole(deadline) => {
                    let deadline = *deadline;
                    self.poll_replies(cx);
                    if self.final_reply.is_none() {
                        ready!(self.open.poll_deadline(cx, deadline));
                    }
                    match self.end() {
                        Some(reply) => return Poll::Ready(Ok(reply)),
                        None => continue,
                    }
                }
                Message::Taken(committed, reply) => {
                    ready!(committed.as_mut().poll(cx));
                    return Poll::Ready(Ok(reply.clone()));
                }
            };
            if polled.is_pending() {
                self.poll_replies(cx);
                return Poll::Pending;
            }
            self.message = match mem::replace(&mut self.message, Message::Awaited) {
                Message::Given(body) => self.write(body, cx),
                // The time for the final reply begins at the end of the message.
                _ => Message::Whole(Instant::now() + self.timeouts.final_reply),
            };
        }
    }

    /// Writes the message.
    fn write(&self, body: Body, cx: &Context<'_>) -> Message {
        // If the attempt is in this task, it is polled right after.
        self.recorder.unregister_attempt(cx.waker());
        match body.into_blob() {
            Ok((prefix, blob)) => {
                self.recorder.body(prefix, blob.clone());
                // Custody takes all of it.
                Message::Growing(blob)
            }
            Err(body) => {
                let (writer, blob) = self.recorder.account().create();
                self.recorder.body(Vec::new(), blob);
                Message::Copied(Box::pin(body.copy_to(writer)))
            }
        }
    }

    /// The final reply, or the reply to a message that has waited too long; none yet if events must be
    /// committed first. An attempt that goes on is kept as long as custody may be taken.
    fn end(&mut self) -> Option<Reply> {
        if let Some(reply) = self.final_reply.take() {
            let reply = self.positions.downstream(reply);
            if !reply.is_positive() {
                return Some(self.with_custody(reply));
            }
            if self.recorder.commits_events_first() {
                // The attempt's resources are not held while the disk works.
                self.attempt = None;
                let committed = self.recorder.note_delivered_first();
                self.message = Message::Taken(Box::pin(committed), reply);
                return None;
            }
            self.recorder.note_delivered();
            return Some(reply);
        }
        if let Some(attempt) = self.attempt.take() {
            let attempt = tokio::spawn(attempt);
            self.recorder.custody().keep_attempt(attempt.abort_handle());
        }
        Some(self.with_custody(Reply::elapsed()))
    }

    /// Polls `f` together with everything else that is going on.
    async fn beside<T>(&mut self, mut f: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|cx| {
            let result = f(cx);
            if result.is_pending() {
                self.poll_replies(cx);
            }
            result
        })
        .await
    }

    /// Drives the attempt, and passes on what it answered.
    fn poll_replies(&mut self, cx: &mut Context<'_>) {
        // What the attempt answers now is looked at right after.
        self.recorder.unregister();
        if let Some(attempt) = &mut self.attempt
            && attempt.as_mut().poll(cx).is_ready()
        {
            self.attempt = None;
        }
        while let Poll::Ready(answer) = self.recorder.poll_answer(cx) {
            match answer {
                UpstreamReply::Mail(reply) => {
                    let reply = self.with_custody(reply);
                    self.open.answer_mail(reply);
                }
                UpstreamReply::Rcpt(index, reply) => {
                    let reply = self.with_custody(reply);
                    self.open.answer_rcpt(index, reply);
                }
                UpstreamReply::Final(reply) => {
                    let custody = self.recorder.custody();
                    let rest = || with_custody(reply.to_unanswered(None), custody);
                    self.open.answer_all(rest);
                    self.final_reply = Some(reply);
                    break;
                }
            }
        }
        let custody = self.recorder.custody();
        self.open.poll_timeouts(cx, || {
            Reply::destination_timeout().with_extension(custody.clone())
        });
    }

    fn with_custody(&self, reply: Reply) -> Reply {
        with_custody(reply, self.recorder.custody())
    }
}

/// Begins the attempt.
fn begin(lease: Lease, mut output: impl AttemptService) -> BoxFuture<'static, ()> {
    let (id, trace_id) = (lease.id(), lease.trace_id());
    let failed = move |error: BoxError| {
        tracing::error!(id = %trace_id, transaction = %id, error = %Causes(&*error), "an attempt could not be made");
    };
    // It is nearly always ready at once, and then nothing waits with the lease.
    let mut cx = Context::from_waker(Waker::noop());
    if let Poll::Ready(Ok(())) = output.poll_ready(&mut cx) {
        let attempt = output.call(lease);
        return Box::pin(async move {
            if let Err(error) = attempt.await {
                failed(error.into());
            }
        });
    }
    Box::pin(async move {
        if let Err(error) = output.oneshot(lease).await {
            failed(error.into());
        }
    })
}

/// A negative reply offers custody.
fn with_custody(reply: Reply, custody: &Custody) -> Reply {
    if reply.is_positive() {
        return reply;
    }
    reply.with_extension(custody.clone())
}
