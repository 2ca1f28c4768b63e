//! How much of the message was sent, and whose turn it is.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    blob::Blob,
    body::{BodyError, Observer},
    transaction::Aborted,
    waking::keep,
};

/// What became of the message so far; clones share it.
#[derive(Clone)]
pub(in super::super) struct Progress(Arc<Mutex<State>>);

struct State {
    turn: Turn,
    is_begun: bool,
    /// Octets that are still to be sent, where that is known.
    left: Option<u64>,
    error: Option<BodyError>,
    /// When octets were last sent upstream.
    passed: Instant,
    waker: Option<Waker>,
}

enum Turn {
    /// Since this time upstream must ask for octets, or say that it has all.
    Upstream(Instant),
    /// The next octets must come from downstream.
    Downstream,
    /// Upstream has it by reference, and it may still grow.
    Taken(Vec<Blob>),
    /// It has ended cleanly: since this time upstream must say that it has it.
    Ended(Instant),
}

impl Progress {
    pub(in super::super) fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            turn: Turn::Upstream(now),
            is_begun: false,
            left: None,
            error: None,
            passed: now,
            waker: None,
        })))
    }

    /// It is sent from its first octet; `octets` is its size, where that is known.
    pub(super) fn begin(&self, octets: Option<u64>) {
        let mut state = self.lock();
        state.left = octets;
        state.turn = match octets {
            Some(0) => Turn::Ended(Instant::now()),
            _ => Turn::Upstream(Instant::now()),
        };
    }

    /// Since when it is upstream's turn, if it is. The task is woken when it becomes so.
    pub(in super::super) fn upstream_since(&self, cx: &Context<'_>) -> Option<Instant> {
        let mut state = self.lock();
        state.follow(cx);
        match state.turn {
            Turn::Upstream(since) | Turn::Ended(since) => Some(since),
            Turn::Downstream | Turn::Taken(_) => {
                let before = keep(&mut state.waker, cx.waker());
                drop(state);
                drop(before);
                None
            }
        }
    }

    /// Whether it was sent completely.
    pub(in super::super) fn is_ended(&self) -> bool {
        matches!(self.lock().turn, Turn::Ended(_))
    }

    /// When octets were last sent upstream, or when it began.
    pub(in super::super) fn last_passed(&self) -> Instant {
        self.lock().passed
    }

    /// Whether nothing of it was sent, so that it can be sent again.
    pub(super) fn is_unsent(&self) -> bool {
        !self.lock().is_begun
    }

    /// The error with which the message itself ended, if it did.
    pub(super) fn take_error(&self) -> Option<BodyError> {
        let mut state = self.lock();
        let is_aborted = match &state.turn {
            Turn::Taken(blobs) => {
                let cx = &Context::from_waker(Waker::noop());
                blobs
                    .iter()
                    .any(|blob| blob.poll_ended(cx) == Poll::Ready(Err(Aborted)))
            }
            _ => false,
        };
        let error = state.error.take();
        error.or_else(|| is_aborted.then(|| Aborted.into()))
    }

    fn turn(&self, turn: Turn) {
        let waker = {
            let mut state = self.lock();
            state.passed = Instant::now();
            state.is_begun = true;
            state.turn = turn;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Checks whether a message that upstream has by reference has stopped growing.
    fn follow(&mut self, cx: &Context<'_>) {
        if let Turn::Taken(blobs) = &self.turn
            && blobs.iter().all(|blob| blob.poll_ended(cx).is_ready())
        {
            self.turn = Turn::Ended(Instant::now());
        }
    }
}

impl Observer for Progress {
    fn asked(&mut self) {
        let mut state = self.lock();
        if let Turn::Upstream(_) = state.turn {
            state.turn = Turn::Downstream;
        }
    }

    fn passed(&mut self, chunk: &Bytes) {
        let left = {
            let mut state = self.lock();
            let octets = chunk.len() as u64;
            state.left = state.left.map(|left| left.saturating_sub(octets));
            state.left
        };
        // A reader that knows the length need not ask for the end.
        self.turn(match left {
            Some(0) => Turn::Ended(Instant::now()),
            _ => Turn::Upstream(Instant::now()),
        });
    }

    fn ended(&mut self) {
        self.turn(Turn::Ended(Instant::now()));
    }

    fn failed(&mut self, error: &BodyError) {
        let error = match error {
            BodyError::Aborted(aborted) => (*aborted).into(),
            BodyError::Rejected(rejection) => rejection.clone().into(),
            BodyError::Failed(error) => BodyError::Failed(error.to_string().into()),
        };
        // A second error says less.
        self.lock().error.get_or_insert(error);
    }

    fn taken(&mut self, _: u64, blobs: &[Blob]) {
        self.turn(Turn::Taken(blobs.to_vec()));
    }
}
