//! The exchange between a lease and a driver: requests go up, replies come down.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    blob::Blob,
    body::{Body, Observer},
    clock::SharedClock,
    middleware::trace::Following,
    reply::Reply,
    service::BoxMailService,
    signals::Destination,
    storage::{Answer, Gone, Halt, Lease, record::Attempt},
    transaction::{Driver, Pending},
};

/// Why an attempt under way ended without a reply.
pub(super) enum Halted {
    /// The transaction was cancelled.
    Cancelled,
    /// The agent stops; it is as if no attempt had begun.
    GivenBack,
}

/// One attempt under way.
///
/// Nothing waits for a reply before what follows goes upstream: what is there is handed on at
/// once, so that an endpoint can pipeline.
pub(super) struct Exchange<'a> {
    lease: &'a mut Lease,
    clock: SharedClock,
    following: Following,
    driver: Driver,
    mail: Option<Pending>,
    rcpts: Vec<(usize, Pending)>,
    has_all_recipients: bool,
    has_body: bool,
    gone: Arc<AtomicGone>,
    started: Timestamp,
    mail_reply: Option<Reply>,
    recipient_replies: Vec<Option<Reply>>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(lease: &'a mut Lease, chain: BoxMailService) -> Self {
        lease.begin_attempt();
        let clock = Arc::clone(lease.storage().clock());
        let context = Arc::clone(lease.context());
        let signals = lease.signals().branch();
        if let Some(host) = &context.next_hop {
            // Nobody else has written into those that are new.
            let _ = signals.set(Destination::of_other([host.clone()]));
        }
        let following = Following::new(lease.trace_id());
        let (driver, mail) = Driver::start_with(chain, context, lease.mail().clone(), signals);
        Self {
            started: clock.now(),
            lease,
            clock,
            following,
            driver,
            mail: Some(mail),
            rcpts: Vec::new(),
            has_all_recipients: false,
            has_body: false,
            gone: Arc::default(),
            mail_reply: None,
            recipient_replies: Vec::new(),
        }
    }

    /// Hands on what has arrived.
    fn feed(&mut self, cx: &mut Context<'_>) {
        while !self.has_all_recipients && self.driver.poll_rcpt_ready(cx).is_ready() {
            match self.lease.poll_recipient(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => {
                    self.driver.data();
                    self.has_all_recipients = true;
                }
                Poll::Ready(Some((index, rcpt))) => {
                    let pending = self.driver.start_rcpt(rcpt);
                    self.rcpts.push((index, pending));
                }
            }
        }
        if self.has_all_recipients
            && !self.has_body
            && let Poll::Ready(body) = self.lease.poll_body(cx)
        {
            let end = End(Arc::clone(&self.gone));
            self.driver.whole_body(Body::from(body).observe(end));
            self.has_body = true;
        }
    }

    /// Passes back what was answered.
    fn answer(&mut self, cx: &mut Context<'_>) {
        if let Some(mail) = &mut self.mail
            && let Poll::Ready(reply) = Pin::new(mail).poll(cx)
        {
            self.mail = None;
            self.mail_reply = Some(reply.clone());
            self.lease.answer(Answer::Mail(reply));
        }
        let Self {
            rcpts,
            recipient_replies,
            lease,
            ..
        } = self;
        rcpts.retain_mut(|(index, pending)| {
            let Poll::Ready(reply) = Pin::new(pending).poll(cx) else {
                return true;
            };
            if recipient_replies.len() <= *index {
                recipient_replies.resize(*index + 1, None);
            }
            recipient_replies[*index] = Some(reply.clone());
            lease.answer(Answer::Rcpt(*index, reply));
            false
        });
    }

    /// The reply that makes an end, if it is known.
    fn end(&self) -> Option<Reply> {
        let is_mail_refused = self.mail_reply.as_ref().is_some_and(Reply::is_negative);
        let is_envelope_answered = self.has_all_recipients && self.rcpts.is_empty();
        if let Some(reply) = self.driver.final_reply() {
            // Where nobody is left to send to, a chain may end with words of its own, which are
            // not what the recipients were refused with.
            let refusal = if is_envelope_answered && !is_mail_refused {
                self.refusal()
            } else {
                None
            };
            return Some(refusal.unwrap_or(reply).clone());
        }
        if is_mail_refused {
            return self.mail_reply.clone();
        }
        if self.has_body || !is_envelope_answered || self.is_any_accepted() {
            return None;
        }
        let refusal = self.refusal().cloned();
        refusal.or_else(|| Some(Reply::no_valid_recipients()))
    }

    fn is_any_accepted(&self) -> bool {
        let mut replies = self.recipient_replies.iter().flatten();
        replies.any(Reply::is_positive)
    }

    /// What stands for all recipients, where there are some and each was refused.
    fn refusal(&self) -> Option<&Reply> {
        if self.is_any_accepted() {
            return None;
        }
        Reply::standing_for(self.recipient_replies.iter().flatten())
    }

    /// The final replies by recipient that a reply carries, in the transaction's order: the driver
    /// knows only the recipients that it was given.
    fn final_replies(&self, reply: &Reply) -> Vec<Option<Reply>> {
        let Some(replies) = reply.final_replies() else {
            return Vec::new();
        };
        let mut given = 0..;
        let own = |answered: &Option<Reply>| {
            answered.as_ref()?;
            replies.get(given.next()?).cloned()
        };
        self.recipient_replies.iter().map(own).collect()
    }

    fn attempt(&mut self, final_reply: Reply) -> Attempt {
        let last = self
            .recipient_replies
            .iter()
            .flatten()
            .chain([&final_reply]);
        let remote = last.filter_map(Reply::server).next_back().cloned();
        let final_replies = self.final_replies(&final_reply);
        Attempt {
            started: self.started,
            ended: self.clock.now(),
            mail_reply: self.mail_reply.take(),
            recipient_replies: std::mem::take(&mut self.recipient_replies),
            final_reply: final_reply.without_final_replies(),
            final_replies,
            remote,
            shown: None,
        }
    }
}

/// What has become of the message; a body that is read elsewhere says so.
#[derive(Default)]
struct AtomicGone {
    is_taken: AtomicBool,
    is_whole: AtomicBool,
}

impl AtomicGone {
    fn get(&self) -> Gone {
        if self.is_whole.load(Ordering::Relaxed) {
            Gone::Whole
        } else if self.is_taken.load(Ordering::Relaxed) {
            Gone::Taken
        } else {
            Gone::No
        }
    }
}

/// Notes that all of a message was read, or that it was taken.
struct End(Arc<AtomicGone>);

impl Observer for End {
    fn passed(&mut self, _: &Bytes) {}

    fn ended(&mut self) {
        self.0.is_whole.store(true, Ordering::Relaxed);
    }

    /// What becomes of it is not seen from here.
    fn taken(&mut self, _: u64, _: &[Blob]) {
        self.0.is_taken.store(true, Ordering::Relaxed);
    }
}

impl Future for Exchange<'_> {
    type Output = Result<Attempt, Halted>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.lease.poll_halt(cx, this.gone.get()) {
            Poll::Ready(Halt::Cancelled) => return Poll::Ready(Err(Halted::Cancelled)),
            Poll::Ready(Halt::GiveBack) => return Poll::Ready(Err(Halted::GivenBack)),
            Poll::Ready(Halt::Stop) => {
                let attempt = this.attempt(Reply::stopping());
                return Poll::Ready(Ok(attempt));
            }
            Poll::Pending => {}
        }
        let following = this.following.clone();
        following.in_scope(|| this.feed(cx));
        // What the chain answers now is looked at right after.
        let rcpts = this.rcpts.iter_mut().map(|(_, pending)| pending);
        this.mail
            .iter_mut()
            .chain(rcpts)
            .for_each(Pending::unregister);
        // Its end shows in the final reply.
        let driver = &mut this.driver;
        let _ = following.in_scope(|| driver.poll_progress(cx));
        this.answer(cx);
        match this.end() {
            Some(final_reply) => Poll::Ready(Ok(this.attempt(final_reply))),
            None => Poll::Pending,
        }
    }
}
