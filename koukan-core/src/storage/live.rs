//! The live tier: one transaction that this process is working on.

use std::{
    sync::{Arc, OnceLock},
    task::{self, Poll},
};

use jiff::Timestamp;

use crate::{
    context::Context,
    path::ReversePath,
    reply::Reply,
    signals::{Carried, SendAt, Signals, TraceId},
    sync::{Mutex, MutexGuard, PoisonError},
    transaction::{Mail, Rcpt},
};

use super::{
    Drain,
    doubt::Doubt,
    live_body::LiveBody,
    record::{Attempt, MessageKey, Recipient, Status, Terms, TransactionId, Work},
    registry::Registry,
    sides::Waiting,
};

pub(super) use super::sides::Side;

/// A transaction in memory, where its input side, its output side and its readers meet.
///
/// The input side adds requests, the output side adds replies. Nothing is taken back, except the
/// replies of an attempt, which are replaced by those of the next one. Each waits to be woken by
/// changes of the others; a later lease of the same transaction counts as another.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: TransactionId,
    pub(super) created: Timestamp,
    pub(super) context: Arc<Context>,
    pub(super) signals: Signals,
    mail: OnceLock<Mail>,
    state: Mutex<State>,
    pub(super) registry: Arc<Registry>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) recipients: Vec<Recipient>,
    pub(super) has_all_recipients: bool,
    pub(super) body: Option<LiveBody>,
    pub(super) is_cancelled: bool,
    /// If there is no message yet, there will be none.
    pub(super) is_input_gone: bool,
    /// Whether it is, or was, a draft whose recipients were all refused before its message was
    /// there.
    pub(super) is_refused: bool,
    /// The lease has ended without a final reply.
    pub(super) is_abandoned: bool,
    /// It is leased by a session that died before the lease was given up.
    pub(super) is_lost: bool,
    /// Which attempts must end, since the agent stops.
    pub(super) drain: Drain,
    /// The meaning of dropping the lease.
    pub(super) on_drop: OnDrop,
    /// How many attempts have begun.
    pub(super) attempt_count: u32,
    /// The attempt before the current one.
    pub(super) last_attempt: Option<Arc<Attempt>>,
    /// The replies of the current attempt, in the order in which they came.
    pub(super) answers: Vec<UpstreamReply>,
    /// How the attempt ended, once it has.
    pub(super) end: Option<AttemptEnd>,
    pub(super) durability: Durability,
    pub(super) doubt: Doubt,
    /// What was promised to the originator, if anything was.
    pub(super) terms: Terms,
    /// The next step, as far as it is settled.
    pub(super) status: Option<Status>,
    /// Since when it is held, if it is.
    pub(super) held: Option<Timestamp>,
    /// In how many crashes it was being worked on, since an attempt has ended.
    pub(super) crashes: u32,
    /// While it is [`Durability::Settled`]: whether another session had leased it when it was read back.
    pub(super) is_leased_elsewhere: bool,
    /// What it has in common with others that carry the same message.
    pub(super) message_key: Option<MessageKey>,
    /// Counts the changes.
    pub(super) changes: u64,
    waiting: Waiting,
}

/// The meaning of dropping a lease before it is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDrop {
    /// Its holder has failed.
    Fails,
    /// Its holder stops.
    Stops,
    /// Another lease replaces it.
    BeginsAgain,
}

/// A reply from upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpstreamReply {
    /// To MAIL.
    Mail(Reply),
    /// To RCPT, by the recipient's position.
    Rcpt(usize, Reply),
    /// To the message, or to the whole transaction. It may carry final replies by the recipients'
    /// positions.
    Final(Reply),
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// Its result.
    pub attempt: Box<Attempt>,
    /// When another attempt may be made, unless attempts or time are used up.
    pub retry_at: Option<Timestamp>,
}

/// Where the transaction stands with respect to the durable tier. ARCHITECTURE.md has a diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// In memory only.
    Volatile,
    /// Being committed.
    Committing,
    /// In the durable tier as a draft that nobody works on: the message is still to come.
    Draft,
    /// In the durable tier, under a lease of this session with this fencing token.
    Leased { fence: u64, terms: Terms },
    /// In the durable tier, without a lease of this session.
    Settled,
}

impl Live {
    pub(super) fn new(
        id: TransactionId,
        created: Timestamp,
        (context, signals): (Arc<Context>, Signals),
        mail: Option<Mail>,
        state: State,
        registry: Arc<Registry>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            created,
            context,
            signals,
            mail: mail.map_or_else(OnceLock::new, OnceLock::from),
            state: Mutex::new(state),
            registry,
        })
    }

    /// The id of the message.
    pub(super) fn trace_id(&self) -> TraceId {
        TraceId::of(&self.signals)
    }

    /// The durable signals in their stored form, with the message's id only if it differs from the
    /// transaction's.
    pub(super) fn carried(&self) -> Carried {
        let trace_id = self.trace_id();
        let is_other = TransactionId::from(trace_id) != self.id;
        let carried = self.signals.carried_values();
        carried
            .with_trace_id(is_other.then_some(trace_id))
            .with_send_at(self.send_at())
    }

    /// The earliest time of sending, if one was given.
    pub(super) fn send_at(&self) -> Option<Timestamp> {
        self.signals.find::<SendAt>().map(|at| at.time())
    }

    /// The MAIL command, once it is known.
    pub(super) fn mail(&self) -> Option<&Mail> {
        self.mail.get()
    }

    /// The reverse-path; null while it is not known.
    pub(super) fn reverse_path(&self) -> &ReversePath {
        const NULL: &ReversePath = &ReversePath::Null;
        self.mail().map_or(NULL, |mail| &mail.reverse_path)
    }

    /// Sets the MAIL command, unless it is known. Returns the current one.
    pub(super) fn set_mail(&self, mail: Mail) -> &Mail {
        let mail = self.mail.get_or_init(|| mail);
        self.update(Side::Reader, |_| ());
        mail
    }

    /// Whether the next step is an attempt.
    pub(super) fn is_to_be_attempted(&self) -> bool {
        let state = self.lock();
        matches!(&state.status, Some(Status::Due(due)) if due.work == Work::Attempt)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state on behalf of `side`, and wakes everybody who waits for such a change.
    pub(super) fn update<T>(&self, side: Side, change: impl FnOnce(&mut State) -> T) -> T {
        // Nobody waits for requests on the side that makes them.
        let own = (side == Side::Input).then_some(Side::Input);
        self.change(own, change)
    }

    /// Adds a reply of the current attempt; no attempt waits for it.
    pub(super) fn answer(&self, answer: UpstreamReply) {
        self.change(Some(Side::Output), |state| state.answers.push(answer));
    }

    fn change<T>(&self, own: Option<Side>, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, waiting) = {
            let mut state = self.lock();
            let result = change(&mut state);
            state.changes += 1;
            (result, state.waiting.take_all_but(own))
        };
        waiting.wake();
        result
    }

    /// Notes what the settlement under this lease has written. A later lease is not affected.
    ///
    /// Returns whether that was news.
    pub(super) fn settled(&self, fence: u64, recipients: Vec<Recipient>, status: Status) -> bool {
        self.update(Side::Output, |state| {
            let is_held =
                matches!(state.durability, Durability::Leased { fence: held, .. } if held == fence);
            if is_held {
                state.durability = Durability::Settled;
                state.recipients = recipients;
            }
            is_held && state.settle(status)
        })
    }

    /// Notes that the lease with this token was given back. A later lease is not affected.
    pub(super) fn released(&self, fence: u64) {
        self.update(Side::Output, |state| {
            if matches!(state.durability, Durability::Leased { fence: held, .. } if held == fence) {
                state.durability = Durability::Settled;
            }
        });
    }

    /// Looks for something in the state on behalf of `side`. If it is not there yet, the task is
    /// woken at a change.
    pub(super) fn poll<T>(
        &self,
        cx: &task::Context<'_>,
        side: Side,
        look: impl FnOnce(&State) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        if let Some(found) = look(&state) {
            return Poll::Ready(found);
        }
        state.waiting.of(side).add(cx.waker());
        Poll::Pending
    }

    /// The task of `waker` no longer waits on behalf of `side`.
    pub(super) fn unregister_task(&self, side: Side, waker: &task::Waker) {
        let own = self.lock().waiting.of(side).remove_first(waker);
        drop(own);
    }

    /// Nobody waits on behalf of `side` any more.
    pub(super) fn unregister(&self, side: Side) {
        let waiters = self.lock().waiting.of(side).take();
        drop(waiters);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.registry.remove(self);
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            recipients: Vec::new(),
            has_all_recipients: false,
            body: None,
            is_cancelled: false,
            is_input_gone: false,
            is_refused: false,
            is_abandoned: false,
            is_lost: false,
            drain: Drain::No,
            on_drop: OnDrop::Fails,
            attempt_count: 0,
            last_attempt: None,
            answers: Vec::new(),
            end: None,
            durability: Durability::Volatile,
            doubt: Doubt::No,
            terms: Terms::default(),
            status: None,
            held: None,
            crashes: 0,
            is_leased_elsewhere: false,
            message_key: None,
            changes: 0,
            waiting: Waiting::default(),
        }
    }

    pub(super) fn push_recipient(&mut self, rcpt: Rcpt) -> usize {
        self.recipients.push(Recipient {
            rcpt,
            settled: None,
        });
        self.recipients.len() - 1
    }

    /// The attempt that readers know of, if only `written` attempts are recorded: how it ended, or
    /// how far it came.
    pub(super) fn unwritten(&self, written: u32, now: Timestamp) -> Option<Attempt> {
        if self.attempt_count <= written {
            return None;
        }
        if let Some(end) = &self.end {
            return Some((*end.attempt).clone());
        }
        let mut mail = None;
        let mut recipients = vec![None; self.recipients.len()];
        for answer in &self.answers {
            match answer {
                UpstreamReply::Mail(reply) => mail = Some(reply.clone()),
                UpstreamReply::Rcpt(index, reply) => {
                    if let Some(recipient) = recipients.get_mut(*index) {
                        *recipient = Some(reply.clone());
                    }
                }
                UpstreamReply::Final(_) => {}
            }
        }
        Some(Attempt::broken_off(now, mail, recipients))
    }

    /// Whether an attempt has ended and is still being recorded.
    pub(super) fn is_settling(&self) -> bool {
        let is_under_way = matches!(
            self.durability,
            Durability::Committing | Durability::Leased { .. }
        );
        self.end.is_some() && is_under_way
    }

    /// Whether nothing more will be tried.
    pub(super) fn is_final(&self) -> bool {
        self.status.as_ref().is_some_and(Status::is_final)
    }

    /// Notes the next step, unless it is over already. Returns whether it was not.
    pub(super) fn settle(&mut self, status: Status) -> bool {
        let is_open = !self.is_final();
        if is_open {
            self.status = Some(status);
        }
        is_open
    }
}
