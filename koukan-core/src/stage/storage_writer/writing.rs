//! One transaction being written.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tokio::time::Instant;
use tower::{BoxError, ServiceExt};

use crate::{
    body::Body,
    causes::Causes,
    reply::Reply,
    stage::output_handler::AttemptService,
    storage::{Answer, Custody, Lease, Recorder},
    transaction::{Command, Positions, Rcpt, Recipients, Slot},
};

use super::{Timeouts, replies::OpenSlots};

/// A transaction, its attempt, and what is still to be answered.
///
/// What comes from downstream is written to the end even when upstream has refused it: custody may
/// still be taken then.
pub(super) struct Writing {
    recorder: Recorder,
    attempt: Option<BoxFuture<'static, ()>>,
    timeouts: Timeouts,
    open: OpenSlots,
    final_reply: Option<Reply>,
    positions: Positions,
}

impl Writing {
    pub(super) fn new(
        recorder: Recorder,
        lease: Lease,
        output: impl AttemptService,
        timeouts: Timeouts,
    ) -> Self {
        let (id, trace_id) = (recorder.id(), lease.trace_id());
        let attempt = async move {
            if let Err(error) = output.oneshot(lease).await {
                let error = error.into();
                tracing::error!(id = %trace_id, transaction = %id, error = %Causes(&*error), "an attempt could not be made");
            }
        };
        Self {
            recorder,
            attempt: Some(Box::pin(attempt)),
            timeouts,
            open: OpenSlots::new(timeouts.rcpt),
            final_reply: None,
            positions: Positions::default(),
        }
    }

    pub(super) async fn run(
        mut self,
        mail: Slot,
        mut recipients: Recipients,
        body: Body,
    ) -> Result<Reply, BoxError> {
        self.open.open_mail(mail);
        while let Some(rcpt) = self.beside(|cx| recipients.poll_recipient(cx)).await {
            self.rcpt(rcpt?);
        }
        self.recorder.finish_recipients();
        self.body(body).await?;
        self.final_reply().await;
        self.end().await
    }

    fn rcpt(&mut self, rcpt: Command<Rcpt>) {
        let (rcpt, slot) = rcpt.into_parts();
        let index = self.recorder.rcpt(rcpt);
        self.positions.push(index, slot.position());
        match &self.final_reply {
            None => self.open.open_rcpt(index, slot),
            Some(reply) => slot.answer(self.with_custody(reply.to_unanswered(None))),
        }
    }

    async fn body(&mut self, mut body: Body) -> Result<(), BoxError> {
        self.beside(|cx| body.poll_body_ready(cx)).await?;
        // The attempt is polled right after, where it is in this task.
        poll_fn(|cx| {
            self.recorder.unregister_attempt(cx.waker());
            Poll::Ready(())
        })
        .await;
        match body.into_blob() {
            Ok((prefix, blob)) => {
                self.recorder.body(prefix, blob.clone());
                // Somebody else writes it. Custody takes the whole of it, and the time for the
                // final reply begins with its end.
                self.beside(|cx| blob.poll_ended(cx)).await?;
            }
            Err(body) => {
                let (writer, blob) = self.recorder.account().create();
                self.recorder.body(Vec::new(), blob);
                let mut copy = pin!(body.copy_to(writer));
                self.beside(|cx| copy.as_mut().poll(cx)).await?;
            }
        }
        Ok(())
    }

    /// Waits for the final reply, or for the time to be up.
    async fn final_reply(&mut self) {
        let deadline = Instant::now() + self.timeouts.final_reply;
        poll_fn(|cx| {
            self.poll_replies(cx);
            if self.final_reply.is_some() {
                return Poll::Ready(());
            }
            self.open.poll_deadline(cx, deadline)
        })
        .await;
    }

    /// The final reply; an attempt that goes on is kept for as long as somebody may take custody.
    async fn end(mut self) -> Result<Reply, BoxError> {
        if let Some(reply) = self.final_reply.take() {
            let reply = self.positions.downstream(reply);
            if !reply.is_positive() {
                return Ok(self.with_custody(reply));
            }
            if self.recorder.commits_events_first() {
                // Whatever it holds is not held while the disk works.
                self.attempt = None;
                // Boxed: most replies wait for nothing.
                Box::pin(self.recorder.delivered_first()).await;
            } else {
                self.recorder.delivered();
            }
            return Ok(reply);
        }
        if let Some(attempt) = self.attempt.take() {
            let attempt = tokio::spawn(attempt);
            self.recorder.custody().keep_attempt(attempt.abort_handle());
        }
        Ok(self.with_custody(Reply::elapsed()))
    }

    /// Polls `f` and, beside it, everything that goes on meanwhile.
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
                Answer::Mail(reply) => {
                    let reply = self.with_custody(reply);
                    self.open.answer_mail(reply);
                }
                Answer::Rcpt(index, reply) => {
                    let reply = self.with_custody(reply);
                    self.open.answer_rcpt(index, reply);
                }
                Answer::Final(reply) => {
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

/// By a negative reply custody can be taken.
fn with_custody(reply: Reply, custody: &Custody) -> Reply {
    if reply.is_positive() {
        return reply;
    }
    reply.with_extension(custody.clone())
}
