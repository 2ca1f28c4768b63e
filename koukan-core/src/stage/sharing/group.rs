//! Groups of transactions that share.

use std::{sync::Arc, task::Waker};

use tokio::runtime::Handle;

use crate::{
    body::{Body, MessageToken},
    middleware::trace::Following,
    reply::Reply,
    signals::{Departure, Signals, TraceId},
    sync::{Mutex, MutexGuard, PoisonError},
    transaction::{Command, Lender, Loan, Rcpt, Slot},
    waking::Root,
};

use super::{
    action::Action, calls::Calls, driving::Driven, key::Key, lone::Lone, service::Shared,
    state::State,
};

/// The members, and their common state.
pub(super) struct Group {
    pub(super) shared: Arc<Shared>,
    pub(super) key: Key,
    pub(super) signals: Signals,
    /// Whether the members may drive the calls, as all may if the first one may.
    members_drive: bool,
    state: Mutex<Guarded>,
}

/// The state that the tasks of the members and of the group change in turn.
///
/// Under the lock, no foreign code is called, and no slot, call or waker is dropped: they would come
/// back here.
pub(super) struct Guarded {
    /// The only member, while it has one recipient. The state is empty then.
    pub(super) lone: Option<Lone>,
    pub(super) state: State,
    /// The calls, while no task owns them: the member that is polled takes them meanwhile.
    pub(super) calls: Option<Box<Calls>>,
    /// Whether they need a task of their own.
    pub(super) is_common: bool,
    /// The member that polled them last, if there are several. It is woken when they can go on.
    pub(super) driver: Option<usize>,
}

/// What a member joins with: the open reply to MAIL, its first recipient, and when its message leaves.
type First = (Option<Slot>, Command<Rcpt>, Option<Arc<Departure>>);
/// An answer that is known already.
type Told = (Slot, Reply);

/// The number of the first member.
const FIRST: usize = 0;

impl Group {
    /// Joins the group for this key, or begins one, with the member's first recipient and the open reply
    /// to MAIL. Returns the member's number. If each member `may_drive` the calls, there is no task for
    /// them.
    pub(super) fn find(
        shared: &Arc<Shared>,
        key: Key,
        signals: Signals,
        token: Option<&MessageToken>,
        first: First,
        may_drive: bool,
    ) -> (Arc<Self>, usize) {
        let begin = |key, first| {
            let goes = (key, signals, may_drive);
            Self::new(Arc::clone(shared), goes, first)
        };
        let Some(token) = token else {
            return (begin(key, first), FIRST);
        };
        let mut first = Some(first);
        let mut meetings = token.meetings();
        let found = meetings.find(|group: &Arc<Self>| {
            let is_same = Arc::ptr_eq(&group.shared, shared) && group.key.is_same(&key);
            is_same.then(|| group.enter(&mut first)).flatten()
        });
        if let Some(first) = first {
            let group = begin(key, first);
            meetings.add(&group);
            return (group, FIRST);
        }
        drop(meetings);
        let (group, (index, told)) = found.expect("a group has taken the recipient");
        if !(group.members_drive && may_drive) {
            group.make_common();
        }
        if let Some((slot, reply)) = told {
            slot.answer(reply);
        }
        group.change(|_| true);
        (group, index)
    }

    fn new(
        shared: Arc<Shared>,
        (key, signals, members_drive): (Key, Signals, bool),
        (mail, rcpt, departure): First,
    ) -> Arc<Self> {
        let mail = mail.unwrap_or_else(Slot::of_nobody);
        let (lone, state) = match Lone::new(mail, rcpt, departure.clone()) {
            Ok(lone) => (Some(lone), State::default()),
            Err((mail, rcpt)) => (None, State::begin(mail, rcpt, departure)),
        };
        Arc::new(Self {
            shared,
            key,
            signals,
            members_drive,
            state: Mutex::new(Guarded {
                lone,
                state,
                calls: Some(Box::default()),
                is_common: false,
                driver: None,
            }),
        })
    }

    /// Adds a member with its first recipient, which is taken, unless it is too late. Returns its number,
    /// and its answer to MAIL, if that is known.
    fn enter(self: &Arc<Self>, first: &mut Option<First>) -> Option<(usize, Option<Told>)> {
        let mut guarded = self.lock();
        if guarded.lone.as_ref().is_some_and(Lone::is_started) {
            return None;
        }
        self.spread(&mut guarded);
        let state = &mut guarded.state;
        if !state.is_open() {
            return None;
        }
        let (mail, rcpt, departure) = first.take()?;
        let index = state.enter(rcpt, departure);
        let told = match &state.mail_reply {
            Some(reply) => mail.map(|slot| (slot, reply.clone())),
            None => {
                state.mail_slots.extend(mail);
                None
            }
        };
        Some((index, told))
    }

    /// From now on there may be other recipients.
    pub(super) fn spread(self: &Arc<Self>, guarded: &mut Guarded) {
        if let Some(lone) = guarded.lone.take() {
            let lender: Arc<dyn Lender> = Arc::<Self>::clone(self);
            guarded.state = lone.spread(&lender);
            self.join_first(&mut guarded.state);
        }
    }

    /// From now on there is a task that belongs to no member.
    fn make_common(self: &Arc<Self>) {
        let calls = {
            let mut guarded = self.lock();
            guarded.is_common = true;
            // Whoever polls them now does so when it has.
            guarded.calls.take()
        };
        if let Some(calls) = calls {
            self.spawn(calls);
        }
    }

    pub(super) fn spawn(self: &Arc<Self>, calls: Box<Calls>) {
        let Ok(runtime) = Handle::try_current() else {
            // Then a member polls them as before.
            self.lock().calls = Some(calls);
            return;
        };
        let mut common = Driven::new(self, calls);
        let following = Following::new(TraceId::of(&self.signals));
        let task = std::future::poll_fn(move |cx| following.in_scope(|| common.poll_all(cx)));
        runtime.spawn(Root::new(task));
    }

    /// Ends all members, since nobody drives the calls any more.
    pub(super) fn abandon(&self) {
        let mut actions = Vec::new();
        self.lock().state.abandon(&mut actions);
        for action in actions {
            if let Action::Wake(waker) = action {
                waker.wake();
            }
        }
    }

    /// Adds another recipient of a member.
    pub(super) fn seat(self: &Arc<Self>, member: usize, rcpt: Command<Rcpt>) {
        self.spread(&mut self.lock());
        self.change(|state| {
            state.seat(member, rcpt);
            true
        });
    }

    pub(super) fn has_all_recipients(&self, member: usize) {
        if let Some(lone) = &mut self.lock().lone {
            return lone.has_all_recipients();
        }
        self.change(|state| state.has_all_recipients(member));
    }

    pub(super) fn give(&self, member: usize, body: Body) {
        if let Some(lone) = &mut self.lock().lone {
            return lone.give(body);
        }
        self.change(|state| state.give(member, body));
    }

    /// Whether all recipients of a run were answered, and one was accepted; `None` where the run is
    /// over.
    pub(super) fn is_answered(&self, run: usize) -> Option<bool> {
        let guarded = self.lock();
        match &guarded.lone {
            Some(lone) => Some(lone.is_accepted()),
            None => guarded.state.is_answered(run),
        }
    }

    /// The member is gone.
    pub(super) fn leave(&self, member: usize) {
        let mut guarded = self.lock();
        if guarded.lone.is_some() {
            return Self::leave_alone(guarded);
        }
        let left = guarded.state.leave(member);
        guarded.state.is_changed = true;
        let is_last = guarded.state.is_empty();
        let calls = guarded.calls.take_if(|_| is_last);
        let drove = guarded.driver.is_none_or(|driver| driver == member);
        guarded.driver = guarded.driver.filter(|driver| *driver != member);
        let runner = guarded.state.runner.take();
        // Without a task, one of the others must go on; also where the driving member was not told of a
        // change by this one, which was to handle it itself.
        let others = match guarded.calls {
            Some(_) if !is_last && (drove || runner.is_empty()) => guarded.state.take_wakers(),
            _ => Vec::new(),
        };
        drop(guarded);
        // Slots come back, and go.
        drop(calls);
        drop(left);
        runner.wake();
        others.into_iter().for_each(Waker::wake);
    }

    /// As [`Group::leave`], for a member that has the endpoint to itself.
    fn leave_alone(mut guarded: MutexGuard<'_, Guarded>) {
        let lone = guarded.lone.take();
        guarded.state.close();
        guarded.state.is_changed = true;
        let calls = guarded.calls.take();
        let runner = guarded.state.runner.take();
        drop(guarded);
        drop(calls);
        drop(lone);
        runner.wake();
    }

    /// Makes whoever drives the calls look at a change, if it may have consequences.
    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let runner = {
            let mut guarded = self.lock();
            if !change(&mut guarded.state) {
                return;
            }
            guarded.state.is_changed = true;
            let runner = guarded.state.runner.take();
            // If the calls are here, the member that makes the change polls them next.
            match guarded.calls {
                Some(_) => return,
                None => runner,
            }
        };
        runner.wake();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lender for Group {
    fn give_back(&self, loan: Loan, slot: Slot, reply: Option<Reply>) {
        let runner = {
            let state = &mut self.lock().state;
            state.events.push((loan, slot, reply));
            state.runner.take()
        };
        runner.wake();
    }
}
