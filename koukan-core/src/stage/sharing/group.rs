//! Transactions that share.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

use crate::{
    body::{Body, MessageToken},
    middleware::trace::Following,
    reply::Reply,
    signals::{Signals, TraceId},
    sync::{Mutex, MutexGuard, PoisonError},
    transaction::{Command, Lender, Loan, Rcpt, Slot},
    waking::Root,
};

use super::{calls::Calls, key::Key, service::Shared, state::State};

/// Members, and what is common to them.
pub(super) struct Group {
    pub(super) shared: Arc<Shared>,
    pub(super) key: Key,
    pub(super) signals: Signals,
    state: Mutex<Guarded>,
}

/// What the members' tasks and the group's own change in turn.
///
/// Neither is code of others called under the lock, nor is a slot or a call dropped: they would come
/// back here.
pub(super) struct Guarded {
    pub(super) state: State,
    /// The calls, while they belong to no task: whichever member is polled takes them for as long.
    calls: Option<Calls>,
    /// Whether they are to have a task of their own.
    is_common: bool,
}

impl Group {
    /// Joins the group that transactions with that key share, or begins one; returns the member's
    /// number.
    pub(super) fn find(
        shared: &Arc<Shared>,
        key: Key,
        signals: Signals,
        token: Option<&MessageToken>,
    ) -> (Arc<Self>, usize) {
        let Some(token) = token else {
            let group = Self::new(Arc::clone(shared), key, signals);
            let index = group.lock().state.enter();
            return (group, index.unwrap_or_default());
        };
        let joined = {
            let mut meetings = token.meetings();
            let found = meetings.find(|group: &Arc<Self>| {
                let is_same = Arc::ptr_eq(&group.shared, shared) && group.key.is_same(&key);
                is_same.then(|| group.lock().state.enter()).flatten()
            });
            found.ok_or_else(|| {
                let group = Self::new(Arc::clone(shared), key, signals);
                let index = group.lock().state.enter().unwrap_or_default();
                meetings.add(&group);
                (group, index)
            })
        };
        joined.map_or_else(
            |begun| begun,
            |(group, index)| {
                group.make_common();
                (group, index)
            },
        )
    }

    fn new(shared: Arc<Shared>, key: Key, signals: Signals) -> Arc<Self> {
        let calls = Calls::default();
        Arc::new(Self {
            shared,
            key,
            signals,
            state: Mutex::new(Guarded {
                state: State::default(),
                calls: Some(calls),
                is_common: false,
            }),
        })
    }

    /// From the second member on there is a task that belongs to none of them.
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

    fn spawn(self: &Arc<Self>, mut calls: Calls) {
        let Ok(runtime) = Handle::try_current() else {
            // Then a member polls them as before.
            self.lock().calls = Some(calls);
            return;
        };
        let group = Arc::clone(self);
        let following = Following::new(TraceId::of(&self.signals));
        let task = std::future::poll_fn(move |cx| following.in_scope(|| calls.poll(&group, cx)));
        runtime.spawn(Root::new(task));
    }

    /// Takes the first recipient of a member, and the reply to MAIL that it owes.
    pub(super) fn seat_first(&self, member: usize, mail: Option<Slot>, rcpt: Command<Rcpt>) {
        let told = {
            let state = &mut self.lock().state;
            match &state.mail_reply {
                Some(reply) => mail.map(|slot| (slot, reply.clone())),
                None => {
                    state.mail_slots.extend(mail);
                    None
                }
            }
        };
        if let Some((slot, reply)) = told {
            slot.answer(reply);
        }
        self.seat(member, rcpt);
    }

    pub(super) fn seat(&self, member: usize, rcpt: Command<Rcpt>) {
        self.change(|state| state.seat(member, rcpt));
    }

    pub(super) fn has_all_recipients(&self, member: usize) {
        self.change(|state| state.has_all_recipients(member));
    }

    pub(super) fn give(&self, member: usize, body: Body) {
        self.change(|state| state.give(member, body));
    }

    /// Drives the calls where nobody else does; ready with the member's final reply.
    pub(super) fn poll_member(
        self: &Arc<Self>,
        member: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Reply> {
        // What is found out now is looked at right after.
        let calls = {
            let mut guarded = self.lock();
            guarded.state.members[member].waiting = None;
            guarded.calls.take()
        };
        if let Some(mut calls) = calls
            && calls.poll(self, cx).is_pending()
        {
            let mut guarded = self.lock();
            if guarded.is_common {
                drop(guarded);
                self.spawn(calls);
            } else {
                guarded.calls = Some(calls);
            }
        }
        let member = &mut self.lock().state.members[member];
        match &member.result {
            Some(reply) => Poll::Ready(reply.clone()),
            None => {
                member.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The member is gone.
    pub(super) fn leave(&self, member: usize) {
        let (left, calls, runner, others) = {
            let mut guarded = self.lock();
            let left = guarded.state.leave(member);
            guarded.state.is_changed = true;
            let is_last = guarded.state.is_empty();
            let calls = guarded.calls.take_if(|_| is_last);
            // Where there is no task one of the others is to go on.
            let others = (!is_last && guarded.calls.is_some()).then(|| guarded.state.take_wakers());
            (left, calls, guarded.state.runner.take(), others)
        };
        // Slots come back, and go.
        drop(calls);
        drop(left);
        runner.wake();
        for waker in others.into_iter().flatten() {
            waker.wake();
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let runner = {
            let mut guarded = self.lock();
            change(&mut guarded.state);
            guarded.state.is_changed = true;
            let runner = guarded.state.runner.take();
            // Where the calls are here, the member that changes something polls them next.
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
