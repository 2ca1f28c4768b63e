//! The call of a member that shares with nobody.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use crate::reply::Reply;

use super::{
    calls::{Call, Calls},
    group::Group,
    lone::{Lone, Step},
    slow::Way,
};

impl Calls {
    /// Drives the call of a [`Lone`] member. Ready with its final reply.
    ///
    /// Also pending where it is no longer alone: then the calls must be polled for all.
    pub(super) fn poll_lone(&mut self, group: &Arc<Group>, cx: &mut Context<'_>) -> Poll<Reply> {
        loop {
            let step = match &mut group.lock().lone {
                Some(lone) => lone.step(),
                None => return Poll::Pending,
            };
            match step {
                Step::Begin(mail, rcpt) => {
                    let call = Call::begin(group, 0, mail, group.signals.clone());
                    call.hand(rcpt, cx);
                    self.calls.push(call);
                }
                Step::Start if self.may_start(group, cx) => self.start_lone(group, cx),
                Step::Close => self.calls.iter_mut().for_each(|call| call.close(cx)),
                Step::Start | Step::Poll => break,
            }
        }
        let polled = self.calls.first_mut().map(|call| call.poll(cx));
        if let Some(Poll::Ready(reply)) = polled {
            return self.end_lone(group, &reply);
        }
        self.give_way_alone(group, cx);
        self.look_at_slow_alone(group, cx)
    }

    fn may_start(&mut self, group: &Group, cx: &mut Context<'_>) -> bool {
        let token = group.key.token.as_ref();
        token.is_none_or(|token| self.is_settled(token, cx))
    }

    fn start_lone(&mut self, group: &Group, cx: &Context<'_>) {
        let body = group.lock().lone.as_mut().and_then(Lone::start);
        let Some(body) = body else { return };
        let body = self.note_slow(group, 0, body);
        if let Some(call) = self.calls.first_mut() {
            call.close(cx);
            call.give(body, cx);
        }
    }

    fn end_lone(&mut self, group: &Group, reply: &Reply) -> Poll<Reply> {
        // Slots that it had not answered are answered soon, or come back.
        self.calls.clear();
        let mut guarded = group.lock();
        match &mut guarded.lone {
            Some(lone) => Poll::Ready(lone.end(reply)),
            None => {
                guarded.state.end(0, reply, &mut self.actions);
                Poll::Pending
            }
        }
    }

    /// As [`Calls::gives_way`]; afterwards the group is treated as having several members.
    fn give_way_alone(&mut self, group: &Arc<Group>, cx: &mut Context<'_>) {
        let is_idle = group.lock().lone.as_ref().is_some_and(Lone::is_idle);
        if is_idle && self.is_to_give_way(group, 0, cx) {
            let mut guarded = group.lock();
            group.spread(&mut guarded);
            guarded.state.park(0, &mut self.actions);
        }
    }

    /// As [`Calls::look_at_slow`], before the group is treated as having several members.
    fn look_at_slow_alone(&mut self, group: &Arc<Group>, cx: &mut Context<'_>) -> Poll<Reply> {
        if self.slow.is_empty() || group.lock().lone.is_none() {
            return Poll::Pending;
        }
        match self.poll_slow(group, cx) {
            Some((Way::Park(body), slow)) => {
                let mut guarded = group.lock();
                group.spread(&mut guarded);
                guarded.state.park_slow(0, &body, &mut self.actions);
                self.slow.push(slow.parked());
                Poll::Pending
            }
            Some((Way::End, _)) => self.end_lone(group, &Reply::too_slow()),
            _ => Poll::Pending,
        }
    }
}
