//! The transaction of one recipient.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, ready},
};

use crate::{
    body::Body,
    reply::Reply,
    service::{MailService, begin},
    signals::Departure,
    stage::reading::watch,
    storage::Custody,
    transaction::{self, Aborted, Command, Errand, Originator, Rcpt, Slot},
};

use super::{ReplyPolicy, leg_channel::Taker, reduce};

/// How a leg ended.
pub(super) struct LegEnd {
    /// The position of its recipient.
    pub(super) position: usize,
    /// The final reply; or the reply to RCPT, if the recipient was refused.
    pub(super) reply: Reply,
    /// Whether the recipient was accepted.
    pub(super) is_accepted: bool,
    /// Whether it is a member of another recipient.
    pub(super) is_member: bool,
}

/// What a leg needs to start, apart from its recipient.
pub(super) struct Start<S> {
    pub(super) service: S,
    pub(super) policy: ReplyPolicy,
    pub(super) is_member: bool,
    pub(super) start: transaction::Start,
}

/// A leg: answers RCPT, waits for the message, and ends with the final reply.
///
/// A future in a heap allocation of its own; there is one for each recipient.
pub(super) struct Leg {
    errand: Errand<Given>,
    position: usize,
}

/// What a leg sends upstream, and where replies go.
struct Given {
    policy: ReplyPolicy,
    is_member: bool,
    /// When its message leaves, if it is a part of an attempt.
    departure: Option<Arc<Departure>>,
    rcpt: Option<Rcpt>,
    /// The slot of RCPT until it is answered.
    slot: Option<Slot>,
    body: Taker,
}

// === impl Leg ===

impl Leg {
    pub(super) fn new<S: MailService>(start: Start<S>, rcpt: Command<Rcpt>, body: Taker) -> Self {
        let Start {
            service,
            policy,
            is_member,
            start,
        } = start;
        let position = rcpt.position();
        let (rcpt, slot) = rcpt.into_parts();
        let given = Given {
            policy,
            is_member,
            departure: start.signals.departure().cloned(),
            rcpt: Some(rcpt),
            slot: Some(slot),
            body,
        };
        // The client's MAIL was answered before; if it is refused here, RCPT is too.
        let (upstream, _mail) = begin(service, start);
        Self {
            errand: Errand::new(given, upstream, None),
            position,
        }
    }
}

impl Future for Leg {
    type Output = Result<LegEnd, Aborted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        if self.errand.originator.is_given_up(cx) {
            return Poll::Ready(Ok(self.stop()));
        }
        let reply = ready!(self.errand.poll_end(cx))?;
        if let Some(departure) = &self.errand.originator.departure {
            departure.conclude(reply.is_positive());
        }
        Poll::Ready(Ok(self.end(reply)))
    }
}

impl Leg {
    fn end(&self, reply: Reply) -> LegEnd {
        LegEnd {
            position: self.position,
            reply,
            is_accepted: self.errand.is_any_accepted(),
            is_member: self.errand.originator.is_member,
        }
    }

    /// Ends a leg with an attempt that others have parts in.
    fn stop(&mut self) -> LegEnd {
        self.errand.abandon();
        self.errand.originator.refuse(Reply::stopping());
        self.end(Reply::stopping())
    }
}

// === impl Given ===

impl Given {
    /// Whether it must end as a part of an attempt, and does not by itself.
    fn is_given_up(&self, cx: &task::Context<'_>) -> bool {
        let departure = self.departure.as_ref();
        departure.is_some_and(|departure| departure.poll_given_up(cx).is_ready())
    }

    /// Answers RCPT, if it is not answered.
    fn refuse(&mut self, reply: Reply) {
        if let Some(slot) = self.slot.take() {
            self.body.answer(slot, reply);
        }
    }
}

impl Originator for Given {
    fn has_recipients(&self) -> bool {
        self.rcpt.is_some()
    }

    fn poll_recipient(&mut self, _: &mut task::Context<'_>) -> Poll<Option<(usize, Rcpt)>> {
        Poll::Ready(self.rcpt.take().map(|rcpt| (0, rcpt)))
    }

    /// Only a leg whose recipient was accepted takes the message.
    fn poll_body(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<Body, Aborted>> {
        if self.slot.is_some() {
            return Poll::Pending;
        }
        let body = ready!(self.body.poll_take(cx))?;
        Poll::Ready(Ok(match &self.departure {
            Some(departure) => watch(body, departure),
            None => body,
        }))
    }

    fn take_mail_reply(&mut self, reply: Reply) -> Reply {
        reply
    }

    fn take_rcpt_reply(&mut self, _: usize, reply: Reply) -> Reply {
        let can_take = reply.extensions().get::<Custody>().is_some();
        let reply = match self.is_member {
            // The alias was accepted before, so the member has the message or is taken into
            // custody.
            true if can_take => Reply::recipient_ok(),
            _ => reduce::rcpt_reply(self.policy, reply, can_take),
        };
        if let Some(slot) = self.slot.take() {
            self.body.answer(slot, reply.clone());
        }
        reply
    }
}
