//! Who drives the calls of a group.
//!
//! | members | driven by |
//! |---|---|
//! | one | its task |
//! | several, of one task, with nothing between them and their originator | the member that has changed something, and that is woken from then on: none is polled in vain, and no other task needs waking |
//! | others | a task of the group, which no member's end stops |
//!
//! A member that drives is polled whenever it is woken, or is dropped. When it goes, all others are woken,
//! and the first of them drives.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use crate::{reply::Reply, sync::MutexGuard, waking::keep};

use super::{
    calls::Calls,
    group::{Group, Guarded},
};

impl Group {
    /// Drives the calls if nobody else does. Ready with the member's final reply.
    pub(super) fn poll_member(
        self: &Arc<Self>,
        member: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Reply> {
        let (mut calls, is_lone, waker) = {
            let mut guarded = self.lock();
            let is_lone = guarded.lone.is_some();
            let drives = is_lone || guarded.is_to_be_driven_by(member);
            let Some(calls) = guarded.calls.take_if(|_| drives) else {
                return Guarded::end_or_wait(guarded, member, cx);
            };
            // What is found out now is looked at right afterwards.
            let own = guarded.state.members.get_mut(member);
            let waker = own.and_then(|member| member.waiting.take());
            (calls, is_lone, waker)
        };
        drop(waker);
        if !is_lone {
            return self.go_on(calls, member, cx);
        }
        if let Poll::Ready(reply) = calls.poll_lone(self, cx) {
            return Poll::Ready(reply);
        }
        let mut guarded = self.lock();
        let Some(lone) = &mut guarded.lone else {
            drop(guarded);
            return self.go_on(calls, member, cx);
        };
        let before = lone.wait(cx.waker());
        guarded.calls = Some(calls);
        drop(guarded);
        drop(before);
        Poll::Pending
    }

    /// Polls calls that others may share. Ready with the member's final reply.
    fn go_on(
        self: &Arc<Self>,
        calls: Box<Calls>,
        member: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Reply> {
        let mut driven = Driven::new(self, calls);
        // Where nothing is left to be done for anybody they are gone.
        let _ = driven.poll_for_member(cx);
        let calls = driven.calls.take();
        let mut guarded = self.lock();
        match calls {
            Some(calls) if guarded.is_common => {
                drop(guarded);
                self.spawn(calls);
                guarded = self.lock();
            }
            Some(calls) => {
                guarded.calls = Some(calls);
                guarded.driver = Some(member);
            }
            None => {}
        }
        Guarded::end_or_wait(guarded, member, cx)
    }
}

impl Guarded {
    /// Whether the task that polls the calls has something to do for this member: others may have been
    /// woken instead.
    fn is_to_be_driven_by(&self, member: usize) -> bool {
        self.is_changed() || self.driver.is_none_or(|driver| driver == member)
    }

    /// Whether there is a change that was not looked at yet.
    fn is_changed(&self) -> bool {
        self.state.is_changed || !self.state.events.is_empty()
    }

    /// The member's final reply. It starts to wait for that at the same moment in which it leaves the
    /// calls to others, since a member that goes wakes those that wait.
    fn end_or_wait(
        mut guarded: MutexGuard<'_, Self>,
        member: usize,
        cx: &Context<'_>,
    ) -> Poll<Reply> {
        let own = &mut guarded.state.members[member];
        if let Some(reply) = own.final_reply() {
            return Poll::Ready(reply.clone());
        }
        let before = keep(&mut own.waiting, cx.waker());
        drop(guarded);
        drop(before);
        Poll::Pending
    }
}

/// The calls while they are driven. If driving stops early, for example by a panic in an endpoint, no
/// member waits for them any longer.
pub(super) struct Driven {
    group: Arc<Group>,
    /// Until they have ended, or are given back.
    calls: Option<Box<Calls>>,
}

impl Driven {
    pub(super) fn new(group: &Arc<Group>, calls: Box<Calls>) -> Self {
        Self {
            group: Arc::clone(group),
            calls: Some(calls),
        }
    }

    /// Polls all of them.
    pub(super) fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(calls) = &mut self.calls {
            // The tasks of the members may come later.
            self.group.heed_clock();
            ready!(calls.poll(&self.group, true, cx));
            self.calls = None;
        }
        Poll::Ready(())
    }

    /// Continues if a call was woken, or a member has changed something.
    fn poll_for_member(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(calls) = &mut self.calls else {
            return Poll::Ready(());
        };
        let mut passes = calls.passes.take().unwrap_or_default();
        // Where a member alone has changed something they may have nothing to do.
        let is_changed = self.group.lock().is_changed();
        let polled = passes.poll_alone(cx, is_changed, |is_woken, cx| {
            calls.poll(&self.group, is_woken, cx)
        });
        calls.passes = Some(passes);
        if polled.is_ready() {
            self.calls = None;
        }
        polled
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        if self.calls.take().is_some() {
            self.group.abandon();
        }
    }
}
