//! The exchange between a lease and a driver: commands go up, replies come down.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    vec,
};

use jiff::Timestamp;

use crate::{
    body::Body,
    clock::SharedClock,
    middleware::trace::Following,
    reply::{Encryption, Reply},
    service::{BoxMailService, begin},
    signals::{Departure, Destination, Forced, Queued, Stand},
    stage::reading::watch,
    storage::{
        Halt, Lease, UpstreamReply,
        record::{Attempt, Conversation},
    },
    transaction::{Aborted, Errand, Originator, Rcpt, Start},
};

/// Why an attempt under way ended without a reply.
pub(super) enum Halted {
    /// The transaction was cancelled. The attempt has brought this so far.
    Cancelled(Box<Attempt>),
    /// The agent stops. The attempt does not count.
    GivenBack,
}

/// One attempt under way.
pub(super) struct Exchange<'a> {
    errand: Errand<Leased<'a>>,
    clock: SharedClock,
    following: Following,
    started: Timestamp,
}

/// What a lease sends upstream, and where replies go.
struct Leased<'a> {
    lease: &'a mut Lease,
    departure: Arc<Departure>,
    /// The recipients of this call, if it is a later one in the same attempt.
    again: Option<vec::IntoIter<(usize, Rcpt)>>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(lease: &'a mut Lease, chain: BoxMailService) -> Self {
        lease.begin_attempt();
        Self::start(lease, chain, None)
    }

    /// Another call in the same attempt, for the recipients at these positions.
    pub(super) fn again(
        lease: &'a mut Lease,
        chain: BoxMailService,
        rcpts: Vec<(usize, Rcpt)>,
    ) -> Self {
        Self::start(lease, chain, Some(rcpts.into_iter()))
    }

    fn start(
        lease: &'a mut Lease,
        chain: BoxMailService,
        again: Option<vec::IntoIter<(usize, Rcpt)>>,
    ) -> Self {
        let clock = Arc::clone(lease.storage().clock());
        let context = Arc::clone(lease.context());
        let departure = lease.departure();
        // Nobody else has written into those that are new.
        let signals = lease.branch_signals(Arc::clone(&departure));
        if let Some(host) = &context.next_hop {
            let _ = signals.set(Destination::of_other([host.clone()]));
        }
        if lease.is_stored() {
            let _ = signals.set(Queued);
            if lease.storage().destinations().take_forced(lease.id()) {
                let _ = signals.set(Forced);
            }
        }
        let following = Following::new(lease.trace_id());
        let started = clock.now();
        let start = Start {
            context,
            mail: lease.mail().clone(),
            signals,
            token: lease.take_token(),
        };
        let (upstream, mail) = begin(chain, start);
        let leased = Leased {
            lease,
            departure,
            again,
        };
        Self {
            errand: Errand::new(leased, upstream, Some(mail)),
            clock,
            following,
            started,
        }
    }

    fn attempt(&mut self, final_reply: Reply) -> Box<Attempt> {
        let mail_reply = self.errand.take_mail_reply();
        let recipient_replies = self.errand.take_recipient_replies();
        let final_replies = final_replies(&recipient_replies, &final_reply);
        let own = recipient_replies.iter().chain(&final_replies).flatten();
        let last = own.chain([&final_reply]);
        let last_met = last.clone().rfind(|reply| reply.server().is_some());
        let remote = last_met.and_then(Reply::server).cloned();
        let tls = last_met.and_then(|reply| reply.extensions().get::<Encryption>());
        let tls = tls.cloned().map(Box::new);
        let ended = self.clock.now();
        let conversation = Conversation::of(mail_reply.iter().chain(last), ended);
        Box::new(Attempt {
            tls,
            conversation,
            suppresses: Vec::new(),
            started: self.started,
            ended,
            mail_reply,
            final_replies,
            recipient_replies,
            final_reply: final_reply.without_final_replies(),
            remote,
            shown: None,
        })
    }
}

/// The final replies in a reply, in the transaction's order; the chain knows only the recipients
/// that it was given.
fn final_replies(recipients: &[Option<Reply>], reply: &Reply) -> Vec<Option<Reply>> {
    let Some(replies) = reply.final_replies() else {
        return Vec::new();
    };
    let mut given = 0..;
    let own = |answered: &Option<Reply>| {
        answered.as_ref()?;
        replies.get(given.next()?).cloned()
    };
    recipients.iter().map(own).collect()
}

impl Leased<'_> {
    /// Ready when the attempt must end, with the reason. From then on its message is not sent any more,
    /// unless it was sent already.
    fn poll_halt(&self, cx: &Context<'_>) -> Poll<Halt> {
        loop {
            let known = self.departure.gone();
            match self.lease.poll_halt(cx, known) {
                Poll::Ready(halt) if known.is_out() || self.departure.give_up() => {
                    return Poll::Ready(halt);
                }
                Poll::Ready(_) => {}
                Poll::Pending => match self.departure.stand(known, cx) {
                    Stand::Same => return Poll::Pending,
                    // The session was not refreshed at that moment, and is by now.
                    Stand::GivenUp => return Poll::Ready(Halt::GiveBack),
                    Stand::Other => {}
                },
            }
        }
    }
}

impl Leased<'_> {
    /// The end of the attempt. If some of its parts were ended because it was to end, and nobody has the message, it
    /// ends as it was to.
    fn conclude(
        &mut self,
        attempt: Box<Attempt>,
        cx: &Context<'_>,
    ) -> Result<Box<Attempt>, Halted> {
        let is_delivered = attempt.is_any_delivered();
        self.departure.conclude(is_delivered);
        if is_delivered {
            self.lease.keep_parts(&self.departure);
            return Ok(attempt);
        }
        if !self.departure.is_divided() {
            return Ok(attempt);
        }
        match self.poll_halt(cx) {
            Poll::Ready(Halt::Cancelled) => Err(Halted::Cancelled(attempt)),
            Poll::Ready(Halt::GiveBack) => Err(Halted::GivenBack),
            Poll::Ready(Halt::Stop) | Poll::Pending => Ok(attempt),
        }
    }
}

impl Originator for Leased<'_> {
    fn has_recipients(&self) -> bool {
        true
    }

    fn poll_recipient(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Rcpt)>> {
        match &mut self.again {
            Some(rcpts) => Poll::Ready(rcpts.next()),
            None => self.lease.poll_recipient(cx),
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Body, Aborted>> {
        let body = self.lease.poll_body(cx);
        body.map(|body| Ok(watch(body.into(), &self.departure)))
    }

    fn take_mail_reply(&mut self, reply: Reply) -> Reply {
        if self.again.is_none() {
            self.lease.answer(UpstreamReply::Mail(reply.clone()));
        }
        reply
    }

    fn take_rcpt_reply(&mut self, index: usize, reply: Reply) -> Reply {
        match self.again {
            Some(_) => self.lease.answer_again(index, reply.clone()),
            None => self.lease.answer(UpstreamReply::Rcpt(index, reply.clone())),
        }
        reply
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        let errand = &mut self.errand;
        self.following.in_scope(|| errand.abandon());
        // What the attempt has kept, and its lease has not taken over, is given up.
        drop(errand.originator.departure.take_kept());
    }
}

impl Future for Exchange<'_> {
    type Output = Result<Box<Attempt>, Halted>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.errand.originator.poll_halt(cx) {
            Poll::Ready(Halt::Cancelled) => {
                let attempt = this.attempt(Reply::broken_off());
                return Poll::Ready(Err(Halted::Cancelled(attempt)));
            }
            Poll::Ready(Halt::GiveBack) => return Poll::Ready(Err(Halted::GivenBack)),
            Poll::Ready(Halt::Stop) => {
                let attempt = this.attempt(Reply::stopping());
                return Poll::Ready(Ok(attempt));
            }
            Poll::Pending => {}
        }
        let errand = &mut this.errand;
        let end = ready!(this.following.in_scope(|| errand.poll_end(cx)));
        // A lease never aborts.
        let final_reply = end.unwrap_or_else(|Aborted| Reply::local_error());
        let attempt = this.attempt(final_reply);
        Poll::Ready(this.errand.originator.conclude(attempt, cx))
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, sync::Mutex, task::Waker};

    use tower::service_fn;

    use crate::{
        blob::BlobPool,
        context,
        storage::{MemoryBackend, Storage},
        test_util::{TokioClock, mail},
        transaction::Transaction,
    };

    use super::*;

    /// Others may have found that it must end when a process had stood still, and its session is refreshed by now.
    #[tokio::test]
    async fn an_attempt_that_was_given_up_by_others_ends() {
        let backend = Arc::new(MemoryBackend::new());
        let storage = Storage::open(
            backend,
            BlobPool::default(),
            Arc::new(TokioClock::default()),
        );
        let storage = storage.await.unwrap();
        let sender = context::Sender::new("app");
        let context = Arc::new(context::Context::new(sender));
        let (_recorder, mut lease) = storage.begin(context, mail("a@x")).unwrap();
        let seen = Arc::new(Mutex::new(None));
        let keeps = Arc::clone(&seen);
        let chain = service_fn(move |tx: Transaction| {
            *keeps.lock().unwrap() = tx.signals.departure().cloned();
            async move {
                let _tx = tx;
                std::future::pending::<Result<Reply, tower::BoxError>>().await
            }
        });
        let mut exchange = pin!(Exchange::new(&mut lease, BoxMailService::new(chain)));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(exchange.as_mut().poll(&mut cx).is_pending());
        let departure = seen.lock().unwrap().take().unwrap();
        assert!(departure.give_up());
        let Poll::Ready(Err(halted)) = exchange.as_mut().poll(&mut cx) else {
            panic!("it goes on");
        };
        assert!(matches!(halted, Halted::GivenBack));
    }
}
