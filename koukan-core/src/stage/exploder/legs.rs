//! The legs of one transaction.

use std::{
    future::{Future, poll_fn},
    mem,
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
    signals::{Expansions, HandedOver, Signals, TellsSuccess, TraceId},
    stage::output_handler::{Expanded, Gathering},
    transaction::{self, Aborted, Command, Mail, Rcpt, Slot},
    waking::Passes,
};

use super::{
    NotifyWhen, ReplyPolicy,
    leg::{Leg, LegEnd, Start},
    leg_channel::{Giver, leg_channel},
    members,
    seen::{Seen, is_again},
};

/// How many members the recipients of a transaction may have together.
pub const MEMBERS_MAX: usize = 1000;

/// The running legs, and the results of the others.
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
    /// The recipients that stand for others.
    aliases: Vec<Alias>,
    /// The answers of their members' legs.
    members: Vec<Reply>,
    /// How many members there are.
    members_count: usize,
    /// The recipients whose sender is told of success, if it asks for that.
    successes: Option<Gathering>,
}

/// A recipient that stands for others.
pub(super) struct Alias {
    pub(super) position: usize,
    pub(super) rcpt: Rcpt,
    members: Arc<[ForwardPath]>,
}

/// A repeated recipient, which gets the answer of its existing leg.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    pub(super) position: usize,
    /// The position of its first occurrence.
    pub(super) first: usize,
}

/// A leg's recipient, and where its message is given.
struct LegBody {
    position: usize,
    giver: Giver,
}

/// The results of all legs.
pub(super) struct LegEnds {
    /// The final replies of the legs whose recipient was accepted.
    pub(super) replies: FinalReplies,
    /// The recipients that were named more than once.
    pub(super) again: Vec<Again>,
    /// The replies to RCPT of the other legs.
    pub(super) refusals: Vec<Reply>,
    /// The recipients that stand for others.
    pub(super) aliases: Vec<Alias>,
    /// The replies for their members.
    pub(super) members: Vec<Reply>,
    /// The recipients of whose success the sender is to be told.
    pub(super) delivered: Option<Gathering>,
}

/// A single leg, the usual case, needs no queue of woken legs.
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
            copies: Copies::of_one_task(),
            running: Running::None,
            seen: Seen::default(),
            bodies: Few::new(),
            replies: FinalReplies::default(),
            again: Vec::new(),
            refusals: Vec::new(),
            aliases: Vec::new(),
            members: Vec::new(),
            members_count: 0,
            successes: None,
        }
    }

    /// Starts a leg, unless the recipient has one that can still take the message. Legs of members are started when
    /// all recipients are known.
    pub(super) fn start(&mut self, rcpt: Command<Rcpt>) {
        let expansions = self.signals.find::<Expansions>();
        match expansions.and_then(|expansions| expansions.of(rcpt.position())) {
            Some(members) => self.expand(rcpt, members),
            None => self.start_own(rcpt),
        }
    }

    fn expand(&mut self, alias: Command<Rcpt>, members: Arc<[ForwardPath]>) {
        if self.members_count + members.len() > MEMBERS_MAX {
            alias.answer(Reply::too_many_recipients());
            return;
        }
        self.members_count += members.len();
        let alias_rcpt = alias.request().clone();
        self.aliases.push(Alias {
            position: alias.position(),
            rcpt: alias_rcpt,
            members,
        });
        alias.answer(Reply::recipient_ok());
    }

    /// Starts the members' legs. A member that is also named directly gets one copy, for which its own RCPT
    /// counts.
    fn start_members(&mut self) {
        let aliases = mem::take(&mut self.aliases);
        for alias in &aliases {
            for path in &*alias.members {
                let rcpt = members::member(&alias.rcpt, path, alias.members.len());
                if self.seen.is_new_member(&rcpt) {
                    self.begin(Command::new(rcpt, Slot::of_nobody()), alias.position, true);
                }
            }
        }
        self.aliases = aliases;
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
            self.seen.replace(rcpt.request(), index);
        }
        let position = rcpt.position();
        self.begin(rcpt, position, false);
    }

    fn begin(&mut self, rcpt: Command<Rcpt>, position: usize, is_member: bool) {
        let (giver, later) = leg_channel();
        // Findings about the message apply to each recipient. The message of an attempt leaves by the first leg.
        let signals = match self.signals.departure() {
            Some(whole) => self.signals.branch_for(whole.part(), None),
            None => self.signals.branch(),
        };
        if rcpt.request().notify().success && self.notify.tells(&self.signals) {
            let successes = self.successes.get_or_insert_with(Gathering::new);
            // The branch is new.
            let _ = signals.set(TellsSuccess);
            let _ = signals.set(successes.signal());
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
        self.bodies.push(LegBody { position, giver });
    }

    /// Notes that there are no more recipients.
    pub(super) fn close(&mut self) {
        self.start_members();
        self.copies.close();
    }

    /// The recipients that stand for several others and whose sender wants to be notified of success, if it is
    /// notified at all; each once.
    pub(super) fn expanded(&self) -> Option<Expanded> {
        let mut told = Vec::new();
        for Alias { rcpt, members, .. } in &self.aliases {
            let is_told = members.len() > 1 && rcpt.notify().success;
            if is_told && !told.iter().any(|named| is_again(named, rcpt)) {
                told.push(rcpt.clone());
            }
        }
        let hears = !self.mail.reverse_path.is_null() && self.notify.tells(&self.signals);
        if told.is_empty() || !hears {
            return None;
        }
        if let Some(handed_over) = self.signals.find::<HandedOver>() {
            handed_over.tells_success();
        }
        Some(Expanded {
            context: Arc::clone(&self.context),
            mail: self.mail.clone(),
            trace_id: TraceId::of(&self.signals),
            recipients: told,
        })
    }

    /// How many legs can still take the message.
    pub(super) fn open(&self) -> usize {
        self.bodies
            .iter()
            .filter(|body| body.giver.is_wanted())
            .count()
    }

    /// Gives a body to each leg that can still take it.
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
                // Legs that end early have answered. An abort also shows in the streams.
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
            delivered: self.successes,
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
        *self = match mem::replace(self, Self::None) {
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
