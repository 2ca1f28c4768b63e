//! The live tier: one transaction that this process is working on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Poll, Waker},
};

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    blob::Blob,
    context::Context,
    reply::Reply,
    transaction::{Mail, Rcpt},
};

use super::record::{Attempt, Recipient, Terms, TransactionId};

/// A transaction in memory, where its input side and its output side meet.
///
/// The input side adds requests, the output side adds replies; nothing is ever taken back. Whoever
/// waits is woken by the other side's change.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: TransactionId,
    pub(super) created: Timestamp,
    pub(super) context: Arc<Context>,
    pub(super) mail: Mail,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) recipients: Vec<Recipient>,
    pub(super) has_all_recipients: bool,
    pub(super) body: Option<LiveBody>,
    pub(super) is_cancelled: bool,
    /// The lease was dropped without an outcome.
    pub(super) is_abandoned: bool,
    /// Replies in the order in which they came.
    pub(super) answers: Vec<Answer>,
    /// How the attempt ended, once it has.
    pub(super) end: Option<AttemptEnd>,
    pub(super) durability: Durability,
    waiters: Vec<Waker>,
}

/// The message: octets that stand before the blob, and the blob, which may still grow.
#[derive(Debug, Clone)]
pub(super) struct LiveBody {
    pub(super) prefix: Vec<Bytes>,
    pub(super) blob: Blob,
}

/// A reply from upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To MAIL.
    Mail(Reply),
    /// To RCPT, by the recipient's position.
    Rcpt(usize, Reply),
    /// To the message, or to all that was asked.
    Final(Reply),
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptEnd {
    /// What it brought.
    pub attempt: Attempt,
    /// When another attempt may be made, unless attempts or time are used up.
    pub retry_at: Option<Timestamp>,
}

/// Whether the transaction is in the durable tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// In memory only.
    Volatile,
    /// On its way.
    Committing,
    /// There, under a lease of this session with this fencing token.
    Leased { fence: u64, terms: Terms },
    /// There, and nothing that happens here matters to it any more.
    Settled,
}

impl Live {
    pub(super) fn new(
        id: TransactionId,
        created: Timestamp,
        context: Arc<Context>,
        mail: Mail,
        state: State,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            created,
            context,
            mail,
            state: Mutex::new(state),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes everyone who waits for a change.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, waiters) = {
            let mut state = self.lock();
            let result = change(&mut state);
            (result, std::mem::take(&mut state.waiters))
        };
        for waiter in waiters {
            waiter.wake();
        }
        result
    }

    /// Looks for something in the state; if it is not there yet, the task is woken at a change.
    pub(super) fn poll<T>(
        &self,
        cx: &task::Context<'_>,
        look: impl FnOnce(&State) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.lock();
        if let Some(found) = look(&state) {
            return Poll::Ready(found);
        }
        let waker = cx.waker();
        if !state.waiters.iter().any(|other| other.will_wake(waker)) {
            state.waiters.push(waker.clone());
        }
        Poll::Pending
    }
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            recipients: Vec::new(),
            has_all_recipients: false,
            body: None,
            is_cancelled: false,
            is_abandoned: false,
            answers: Vec::new(),
            end: None,
            durability: Durability::Volatile,
            waiters: Vec::new(),
        }
    }

    pub(super) fn push_recipient(&mut self, rcpt: Rcpt) -> usize {
        self.recipients.push(Recipient {
            rcpt,
            settled: None,
        });
        self.recipients.len() - 1
    }
}
