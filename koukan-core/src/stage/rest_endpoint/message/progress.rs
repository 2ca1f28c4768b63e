//! How far the message has gone, and whose turn it is.

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
    /// Octets that are still to go, where that is known.
    left: Option<u64>,
    error: Option<BodyError>,
    /// When octets went upstream last.
    passed: Instant,
    waker: Option<Waker>,
}

enum Turn {
    /// Upstream is to ask for octets, or to say that it has them all, since then.
    Upstream(Instant),
    /// The next octets are to come from downstream.
    Downstream,
    /// Upstream has it by reference, which may still grow.
    Taken(Vec<Blob>),
    /// It has ended cleanly: upstream is to say that it has it, since then.
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

    /// It goes upstream from its first octet, and has that many, where that is known.
    pub(super) fn begin(&self, octets: Option<u64>) {
        let mut state = self.lock();
        state.left = octets;
        state.turn = match octets {
            Some(0) => Turn::Ended(Instant::now()),
            _ => Turn::Upstream(Instant::now()),
        };
    }

    /// Since when it is upstream's turn, if it is; the task is woken when it will be.
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

    /// Whether all of it went upstream.
    pub(in super::super) fn is_ended(&self) -> bool {
        matches!(self.lock().turn, Turn::Ended(_))
    }

    /// When octets went upstream last, or it began.
    pub(in super::super) fn last_passed(&self) -> Instant {
        self.lock().passed
    }

    /// Whether nothing of it went upstream, so that it can be sent again.
    pub(super) fn is_unsent(&self) -> bool {
        !self.lock().is_begun
    }

    /// Why the message itself did not end cleanly, if it did not.
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
    /// Sees whether what upstream has by reference has stopped growing.
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
        // Who knows the length need not ask for the end.
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
        // Who asks again is told less.
        self.lock().error.get_or_insert(error);
    }

    fn taken(&mut self, _: u64, blobs: &[Blob]) {
        self.turn(Turn::Taken(blobs.to_vec()));
    }
}
