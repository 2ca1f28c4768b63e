//! All legs of one transaction.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;

use crate::{
    body::{Body, Copies},
    context,
    few::Few,
    path::ForwardPath,
    reply::{FinalReplies, Reply},
    service::MailService,
    signals::{Expansions, HandedOver, Signals, TellsSuccess},
    transaction::{self, Aborted, Command, Mail, Rcpt, Slot},
    waking::Passes,
};

use super::{
    NotifyWhen, ReplyPolicy,
    leg::{Leg, LegEnd, Start},
    leg_channel::{Giver, leg_channel},
    members,
    seen::Seen,
};

/// Legs of those for whom other recipients of a transaction stand, at most.
pub const MEMBERS_MAX: usize = 1000;

/// Legs under way, and how the others ended.
pub(super) struct Legs<S> {
    service: S,
    policy: ReplyPolicy,
    notify: NotifyWhen,
    context: Arc<context::Context>,
    signals: Signals,
    mail: Mail,
    copies: Copies,
    running: Running,
    seen: Seen,
    bodies: Few<LegBody>,
    replies: FinalReplies,
    again: Vec<Again>,
    refusals: Vec<Reply>,
    /// The positions of recipients that stand for others.
    aliases: Vec<usize>,
    /// What the legs of those were answered.
    members: Vec<Reply>,
    /// How many legs there are of those.
    members_begun: usize,
}

/// A recipient that was named before, and is answered by the leg that it has already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    pub(super) position: usize,
    /// The position at which it was named first.
    pub(super) first: usize,
}

/// A leg's recipient, and where its message is given.
struct LegBody {
    position: usize,
    is_member: bool,
    giver: Giver,
}

/// How all legs ended.
pub(super) struct LegEnds {
    /// The final replies of those whose recipient was accepted.
    pub(super) replies: FinalReplies,
    /// The recipients that were named more than once.
    pub(super) again: Vec<Again>,
    /// The replies to RCPT of the others.
    pub(super) refusals: Vec<Reply>,
    /// The positions of the recipients that stand for others.
    pub(super) aliases: Vec<usize>,
    /// The replies of those.
    pub(super) members: Vec<Reply>,
}

/// A lone leg, the usual case, needs no queue of those that were woken.
enum Running {
    None,
    One(Passes, Pin<Box<Leg>>),
    Many(FuturesUnordered<Pin<Box<Leg>>>),
}

impl<S: MailService> Legs<S> {
    pub(super) fn new(
        service: S,
        (policy, notify): (ReplyPolicy, NotifyWhen),
        context: Arc<context::Context>,
        signals: Signals,
        mail: Mail,
    ) -> Self {
        Self {
            service,
            policy,
            notify,
            context,
            signals,
            mail,
            copies: Copies::new(),
            running: Running::None,
            seen: Seen::default(),
            bodies: Few::new(),
            replies: FinalReplies::default(),
            again: Vec::new(),
            refusals: Vec::new(),
            aliases: Vec::new(),
            members: Vec::new(),
            members_begun: 0,
        }
    }

    /// Starts a leg, unless the recipient has one that may take the message; one for each of those for whom it
    /// stands, where it does.
    pub(super) fn start(&mut self, rcpt: Command<Rcpt>) {
        let expansions = self.signals.find::<Expansions>();
        match expansions.and_then(|expansions| expansions.of(rcpt.position())) {
            Some(members) => self.expand(rcpt, &members),
            None => self.start_own(rcpt),
        }
    }

    fn expand(&mut self, alias: Command<Rcpt>, members: &[ForwardPath]) {
        if self.members_begun + members.len() > MEMBERS_MAX {
            alias.answer(Reply::too_many_recipients());
            return;
        }
        self.members_begun += members.len();
        let position = alias.position();
        self.aliases.push(position);
        for path in members {
            let rcpt = members::member(alias.request(), path, members.len());
            let index = self.bodies.len();
            if let Some(leg) = self.seen.leg_of_member(&rcpt, index) {
                let leg = &self.bodies[leg];
                if leg.is_member || leg.giver.is_accepted() {
                    continue;
                }
                self.seen.replace(&rcpt, index, true);
            }
            self.begin(Command::new(rcpt, Slot::of_nobody()), position, true);
        }
        alias.answer(Reply::recipient_ok());
    }

    fn start_own(&mut self, mut rcpt: Command<Rcpt>) {
        let index = self.bodies.len();
        if let Some(first) = self.seen.leg_of(rcpt.request(), index) {
            let (position, first) = (rcpt.position(), &self.bodies[first]);
            match first.giver.answer_too(rcpt) {
                None => {
                    let first = first.position;
                    self.again.push(Again { position, first });
                    return;
                }
                Some(unanswered) => rcpt = unanswered,
            }
            self.seen.replace(rcpt.request(), index, false);
        }
        let position = rcpt.position();
        self.begin(rcpt, position, false);
    }

    fn begin(&mut self, rcpt: Command<Rcpt>, position: usize, is_member: bool) {
        let (giver, later) = leg_channel();
        // What is found out of the message counts for each recipient.
        let signals = self.signals.branch();
        if rcpt.request().notify().success && self.notify.tells(&self.signals) {
            // The branch is new.
            let _ = signals.set(TellsSuccess);
            if let Some(handed_over) = self.signals.find::<HandedOver>() {
                handed_over.tells_success();
            }
        }
        let start = Start {
            service: self.service.clone(),
            policy: self.policy,
            is_member,
            start: transaction::Start {
                context: Arc::clone(&self.context),
                signals,
                mail: self.mail.clone(),
                // All legs carry the same message.
                token: Some(self.copies.token()),
            },
        };
        self.running.add(Box::pin(Leg::new(start, rcpt, later)));
        self.bodies.push(LegBody {
            position,
            is_member,
            giver,
        });
    }

    /// Says that there are no more recipients.
    pub(super) fn close(&self) {
        self.copies.close();
    }

    /// How many legs may still take the message.
    pub(super) fn open(&self) -> usize {
        self.bodies
            .iter()
            .filter(|body| body.giver.is_wanted())
            .count()
    }

    /// Gives each leg that still takes it what `body` makes.
    pub(super) fn give(&mut self, mut body: impl FnMut() -> Body) {
        for LegBody { giver, .. } in self.bodies.take() {
            if giver.is_wanted() {
                giver.give(body());
            }
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

    /// Waits for all legs.
    pub(super) async fn finish(mut self) -> Result<LegEnds, Aborted> {
        poll_fn(|cx| self.poll_legs(cx)).await?;
        Ok(LegEnds {
            replies: self.replies,
            again: self.again,
            refusals: self.refusals,
            aliases: self.aliases,
            members: self.members,
        })
    }

    fn poll_legs(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Aborted>> {
        while let Some(end) = ready!(self.running.poll_next(cx)) {
            let LegEnd {
                position,
                reply,
                is_accepted,
                is_member,
            } = end?;
            if is_member {
                self.members.push(reply);
            } else if is_accepted {
                if self.replies.is_empty() {
                    self.replies = FinalReplies::with_capacity(self.seen.len());
                }
                self.replies.push(position, reply);
            } else {
                self.refusals.push(reply);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Running {
    fn add(&mut self, leg: Pin<Box<Leg>>) {
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(Passes::new(), leg),
            Self::One(_, first) => Self::Many([first, leg].into_iter().collect()),
            Self::Many(legs) => {
                legs.push(leg);
                Self::Many(legs)
            }
        };
    }

    /// The next leg that has ended; `None` when all have.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<LegEnd, Aborted>>> {
        match self {
            Self::None => Poll::Ready(None),
            Self::One(passes, leg) => {
                let end = ready!(passes.poll(cx, |cx| leg.as_mut().poll(cx)));
                *self = Self::None;
                Poll::Ready(Some(end))
            }
            Self::Many(legs) => pin!(legs).poll_next(cx),
        }
    }
}
