//! The calls of the endpoint.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    body::{Body, MessageToken, Piece},
    few::Few,
    pipe::{self, pipe},
    reply::Reply,
    signals::Signals,
    transaction::{Command, Lender, Rcpt, Recipients, Slot, Transaction, rescue},
    waking::Passes,
};

use super::{
    action::{Action, Copy, Limits},
    grace::Grace,
    group::Group,
    idle::Idle,
    slow::{Slow, Way},
    state::MAIL,
};

/// The calls of a group, and the state that drives them.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) calls: Vec<Call>,
    /// An empty list of actions, kept for reuse.
    pub(super) actions: Vec<Action>,
    grace: Option<Grace>,
    idle: Option<Idle>,
    /// Incomplete messages; others may wait for their connections.
    pub(super) slow: Vec<Slow>,
    /// The polls of all calls, where members drive them in turn.
    pub(super) passes: Option<Passes>,
}

/// An inner transaction.
pub(super) struct Call {
    run: usize,
    future: BoxFuture<'static, Result<Reply, BoxError>>,
    recipients: Option<pipe::Sender<Command<Rcpt>>>,
    body: Option<pipe::Sender<Piece>>,
}

impl Calls {
    /// Ready when nothing is left to do for anybody. The calls are polled if they are `woken`, or get
    /// something.
    pub(super) fn poll(
        &mut self,
        group: &Arc<Group>,
        woken: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut is_to_poll = woken;
        loop {
            let limits = self.limits(group, cx);
            let (runner, goes_on) = {
                let state = &mut group.lock().state;
                let runner = state.runner.take();
                (runner, state.next(limits, &mut self.actions))
            };
            drop(runner);
            is_to_poll |= self.act(group, cx);
            if !goes_on {
                self.calls.clear();
                return Poll::Ready(());
            }
            let has_ended = mem::take(&mut is_to_poll) && self.poll_calls(group, cx);
            if has_ended {
                continue;
            }
            if self.gives_way(group, cx) || self.look_at_slow(group, cx) {
                continue;
            }
            let state = &mut group.lock().state;
            if state.events.is_empty() && !state.is_changed {
                state.runner.add(cx.waker());
                return Poll::Pending;
            }
        }
    }

    /// Abandons a run whose message does not come while others wait for its connection.
    fn gives_way(&mut self, group: &Group, cx: &mut Context<'_>) -> bool {
        if group.shared.demand.is_none() {
            return false;
        }
        let Some(run) = group.lock().state.idle_run() else {
            return false;
        };
        let gives_way = self.is_to_give_way(group, run, cx);
        if gives_way {
            group.lock().state.park(run, &mut self.actions);
        }
        gives_way
    }

    /// Abandons runs whose messages come too slowly while others wait for their connections, to resume
    /// them later. Returns whether anything has changed.
    fn look_at_slow(&mut self, group: &Group, cx: &mut Context<'_>) -> bool {
        let mut has_changed = false;
        while let Some((way, slow)) = self.poll_slow(group, cx) {
            has_changed |= !matches!(way, Way::Forget);
            match way {
                Way::Park(body) => {
                    let state = &mut group.lock().state;
                    state.park_slow(slow.run, &body, &mut self.actions);
                    self.slow.push(slow.parked());
                }
                Way::End => {
                    // The slots come back first.
                    self.calls.retain(|call| call.run != slow.run);
                    let state = &mut group.lock().state;
                    state.end(slow.run, &Reply::too_slow(), &mut self.actions);
                }
                Way::Resume => group.lock().state.is_whole(),
                Way::Forget => {}
            }
        }
        has_changed
    }

    /// Takes out the first message for which something is to be done.
    pub(super) fn poll_slow(&mut self, group: &Group, cx: &mut Context<'_>) -> Option<(Way, Slow)> {
        let mut index = 0;
        while let Some(slow) = self.slow.get_mut(index) {
            match slow.poll(group, cx) {
                Poll::Ready(way) => return Some((way, self.slow.remove(index))),
                Poll::Pending => index += 1,
            }
        }
        None
    }

    /// Notes that a run sends this message. Returns the body to send.
    pub(super) fn note_slow(&mut self, group: &Group, run: usize, body: Body) -> Body {
        let Some(demand) = &group.shared.demand else {
            return body;
        };
        let (body, slow) = Slow::watch(run, body, demand);
        self.slow.extend(slow);
        body
    }

    /// Whether this run, which waits for its message, must be abandoned.
    pub(super) fn is_to_give_way(
        &mut self,
        group: &Group,
        run: usize,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(demand) = &group.shared.demand else {
            return false;
        };
        let idle = match &mut self.idle {
            Some(idle) if idle.run == run => idle,
            idle => idle.insert(Idle::new(run, demand)),
        };
        idle.poll(group, cx).is_ready()
    }

    fn limits(&mut self, group: &Group, cx: &mut Context<'_>) -> Limits {
        let Some(token) = &group.key.token else {
            // A lone transaction is as large as its originator makes it.
            return Limits {
                recipients_max: usize::MAX,
                is_settled: true,
            };
        };
        let is_given = group.lock().state.is_given();
        Limits {
            recipients_max: group.shared.recipients_max,
            is_settled: is_given && self.is_settled(token, cx),
        }
    }

    /// Whether all copies of the message have arrived, or were waited for.
    pub(super) fn is_settled(&mut self, token: &MessageToken, cx: &mut Context<'_>) -> bool {
        if token.poll_all_here(cx).is_ready() {
            return true;
        }
        if token.poll_closed(cx).is_pending() {
            return false;
        }
        let grace = self.grace.get_or_insert_with(|| Grace::new(token));
        grace.poll(token, cx).is_ready()
    }

    /// Carries out the actions. Returns whether the calls have got something.
    fn act(&mut self, group: &Arc<Group>, cx: &Context<'_>) -> bool {
        let mut has_given = false;
        let mut actions = mem::take(&mut self.actions);
        for action in actions.drain(..) {
            match action {
                Action::Answer(slot, reply) => slot.answer(reply),
                Action::Discard(slot) => drop(slot),
                Action::End(member) => {
                    let waiting = group.lock().state.members[member].end();
                    waiting.into_iter().for_each(Waker::wake);
                }
                Action::Wake(waker) => waker.wake(),
                Action::Begin(run, mail) => {
                    has_given = true;
                    let slot = mail.unwrap_or_else(Slot::of_nobody);
                    let slot = slot.lent(lender(group), [run, MAIL], 0);
                    let signals = group.signals_of(run);
                    self.calls.push(Call::begin(group, run, slot, signals));
                }
                Action::Hand {
                    run,
                    seat,
                    position,
                    rcpt,
                    slot,
                } => {
                    has_given = true;
                    let slot = slot.unwrap_or_else(Slot::of_nobody);
                    let slot = slot.lent(lender(group), [run, seat], position);
                    if let Some(call) = self.find(run) {
                        call.hand(Command::new(rcpt, slot), cx);
                    }
                }
                Action::Close(run) => {
                    has_given = true;
                    if let Some(call) = self.find(run) {
                        call.close(cx);
                    }
                }
                Action::Give {
                    run,
                    copies,
                    is_shared,
                } => {
                    has_given = true;
                    group.hold(run, is_shared);
                    let body = match is_shared {
                        true => self.agree(group, run, copies),
                        false => { copies }.take().next().map(|(_, body)| body),
                    };
                    let Some(body) = body else { continue };
                    let body = self.note_slow(group, run, body);
                    if let Some(call) = self.find(run) {
                        call.give(body, cx);
                    }
                }
                Action::Drop(run) => self.calls.retain(|call| call.run != run),
            }
        }
        self.actions = actions;
        has_given
    }

    /// One copy of the message on behalf of all members, unless one of them is leaving or has left and
    /// cannot leave later. Then the call is dropped: it would deliver the message to that member's
    /// recipient, who gets it again later.
    fn agree(&mut self, group: &Group, run: usize, copies: Few<Copy>) -> Option<Body> {
        group.heed_and_ask(run);
        let goes = group.lock().state.give_shared(run, copies);
        match goes {
            Ok((one, others)) => {
                // From here on, a single attempt no longer decides about it.
                others.into_iter().map(Body::taken).for_each(drop);
                one.map(Body::taken)
            }
            Err(left) => {
                left.tell();
                self.calls.retain(|call| call.run != run);
                None
            }
        }
    }

    fn find(&mut self, run: usize) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.run == run)
    }

    /// Polls all calls. Returns whether some have ended.
    fn poll_calls(&mut self, group: &Arc<Group>, cx: &mut Context<'_>) -> bool {
        let mut has_ended = false;
        let mut index = 0;
        while let Some(call) = self.calls.get_mut(index) {
            let Poll::Ready(reply) = call.poll(cx) else {
                index += 1;
                continue;
            };
            has_ended = true;
            // What it had not answered comes back.
            let Call { run, .. } = self.calls.remove(index);
            let state = &mut group.lock().state;
            state.end(run, &reply, &mut self.actions);
        }
        if has_ended {
            self.act(group, cx);
        }
        has_ended
    }
}

impl Call {
    pub(super) fn begin(group: &Group, run: usize, mail: Slot, signals: Signals) -> Self {
        let (recipients, recipients_pulled) = pipe(usize::MAX);
        let (body, body_pulled) = pipe(1);
        let key = &group.key;
        let token = key.token.as_ref().map(MessageToken::of_all);
        let transaction = Transaction {
            context: Arc::clone(&key.context),
            mail: Command::new(key.mail.clone(), mail),
            recipients: Recipients::from_pipe(recipients_pulled),
            body: Body::from_pipe(body_pulled).with_token(token),
            signals,
        };
        let call = || group.shared.service.clone().call(transaction);
        // Others may have joined by now, and wait for whoever has the calls.
        let future = catch_unwind(AssertUnwindSafe(call));
        Self {
            run,
            future: future.unwrap_or_else(|_| Box::pin(async { Ok(panicked()) })),
            recipients: Some(recipients),
            body: Some(body),
        }
    }

    /// Passes a recipient on; the caller polls the call right afterwards.
    pub(super) fn hand(&self, rcpt: Command<Rcpt>, cx: &Context<'_>) {
        if let Some(recipients) = &self.recipients {
            // If nobody pulls recipients any more, its slot is dropped unanswered.
            let _ = recipients.send_beside(rcpt, cx.waker());
        }
    }

    /// Says that there are no more recipients.
    pub(super) fn close(&mut self, cx: &Context<'_>) {
        if let Some(recipients) = self.recipients.take() {
            recipients.finish_beside(cx.waker());
        }
    }

    /// Gives the message.
    pub(super) fn give(&mut self, body: Body, cx: &Context<'_>) {
        if let Some(sender) = self.body.take() {
            let _ = sender.send_beside(Piece::Rest(body), cx.waker());
            sender.finish_beside(cx.waker());
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Reply> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx)));
        let polled = polled.unwrap_or_else(|_| Poll::Ready(Ok(panicked())));
        polled.map(|result| match result {
            Ok(reply) if reply.is_positive() || reply.is_negative() => reply,
            Ok(_) => Reply::local_error(),
            Err(error) => rescue(&error),
        })
    }
}

/// The final reply of a transaction whose endpoint has panicked.
fn panicked() -> Reply {
    tracing::error!("an endpoint panicked in a transaction");
    Reply::local_error()
}

fn lender(group: &Arc<Group>) -> Arc<dyn Lender> {
    Arc::<Group>::clone(group)
}
