//! All legs of one transaction.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::{Stream, future::BoxFuture};
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;

use crate::{
    body::Body,
    context,
    reply::Reply,
    service::MailService,
    transaction::{Aborted, Command, Mail, Rcpt},
};

use super::{
    Policy,
    leg::{self, LegEnd},
};

/// Legs under way, and how the others ended.
pub(super) struct Legs<S> {
    service: S,
    policy: Policy,
    context: Arc<context::Context>,
    mail: Mail,
    running: FuturesUnordered<BoxFuture<'static, Result<LegEnd, Aborted>>>,
    bodies: Vec<oneshot::Sender<Body>>,
    replies: Vec<Option<Reply>>,
}

impl<S: MailService> Legs<S> {
    pub(super) fn new(
        service: S,
        policy: Policy,
        context: Arc<context::Context>,
        mail: Mail,
    ) -> Self {
        Self {
            service,
            policy,
            context,
            mail,
            running: FuturesUnordered::new(),
            bodies: Vec::new(),
            replies: Vec::new(),
        }
    }

    pub(super) fn start(&mut self, rcpt: Command<Rcpt>) {
        let (body, later) = oneshot::channel();
        self.running.push(Box::pin(leg::run(
            self.bodies.len(),
            self.service.clone(),
            self.policy,
            Arc::clone(&self.context),
            self.mail.clone(),
            rcpt,
            later,
        )));
        self.bodies.push(body);
        self.replies.push(None);
    }

    /// How many legs may still take the message.
    pub(super) fn open(&self) -> usize {
        self.bodies.iter().filter(|body| !body.is_closed()).count()
    }

    /// Gives each leg that still takes it what `body` makes.
    pub(super) fn give(&mut self, mut body: impl FnMut() -> Body) {
        for sender in self.bodies.drain(..).filter(|sender| !sender.is_closed()) {
            // A leg that ended just now does not need it.
            let _ = sender.send(body());
        }
    }

    /// Waits for `other` while the legs go on.
    pub(super) async fn beside<F: Future>(&mut self, other: F) -> F::Output {
        let mut other = pin!(other);
        poll_fn(|cx| {
            let result = other.as_mut().poll(cx);
            if result.is_pending() {
                // Legs that end early have answered; an abort shows in the streams as well.
                let _ = self.poll_legs(cx);
            }
            result
        })
        .await
    }

    /// Waits for all legs; the final replies of those whose recipient was accepted.
    pub(super) async fn finish(mut self) -> Result<Vec<Reply>, Aborted> {
        poll_fn(|cx| self.poll_legs(cx)).await?;
        Ok(self.replies.into_iter().flatten().collect())
    }

    fn poll_legs(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Aborted>> {
        loop {
            match pin!(&mut self.running).poll_next(cx) {
                Poll::Ready(Some(Ok(LegEnd { index, reply }))) => self.replies[index] = reply,
                Poll::Ready(Some(Err(aborted))) => return Poll::Ready(Err(aborted)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
