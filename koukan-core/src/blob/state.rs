//! The state that the writer and the readers of a blob share.

use std::{collections::VecDeque, mem, sync::Arc};

use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64},
    },
    waking::Waiters,
};

use super::{Backing, BlobId, BlobPool, charges::Charges};

pub(super) struct Shared {
    pub(super) id: BlobId,
    pub(super) pool: Option<BlobPool>,
    /// Set once the octets are in durable storage.
    pub(super) persisted: OnceCell<()>,
    /// Octets that are in durable storage.
    pub(super) stored_len: AtomicU64,
    /// How often octets could not be read back.
    pub(super) read_failures: AtomicU32,
    state: Mutex<State>,
}

/// Invariant: octets `0..tail_start` can be read from `backing`, and `tail` holds the octets
/// `tail_start..len`, in order.
pub(super) struct State {
    pub(super) len: u64,
    pub(super) tail_start: u64,
    /// Chunks, each with the position of its first octet.
    tail: VecDeque<(u64, Bytes)>,
    pub(super) backing: Option<Arc<dyn Backing>>,
    pub(super) end: End,
    pub(super) is_stored: bool,
    /// The charges for the octets, if somebody pays.
    charges: Option<Charges>,
    /// The furthest position that a reader has reached in memory.
    read_to: u64,
    /// Tasks that wait for more octets, or for the end.
    pub(super) waiters: Waiters,
}

/// The state of memory after octets were added.
pub(super) struct Pushed {
    pub(super) in_memory: u64,
    /// Whether all octets in memory are granted.
    pub(super) is_granted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Growing,
    Finished,
    Aborted,
}

impl Shared {
    pub(super) fn growing(id: BlobId, pool: BlobPool, charges: Charges) -> Self {
        let state = State {
            charges: Some(charges),
            ..State::new(End::Growing)
        };
        Self::with(id, Some(pool), state)
    }

    pub(super) fn finished(id: BlobId, bytes: Bytes) -> Self {
        let mut state = State::new(End::Finished);
        state.push(bytes);
        Self::with(id, None, state)
    }

    pub(super) fn stored(id: BlobId, len: u64, backing: Arc<dyn Backing>) -> Self {
        let state = State {
            len,
            tail_start: len,
            backing: Some(backing),
            is_stored: true,
            ..State::new(End::Finished)
        };
        Self::with(id, None, state)
    }

    fn with(id: BlobId, pool: Option<BlobPool>, state: State) -> Self {
        Self {
            id,
            pool,
            persisted: OnceCell::new(),
            stored_len: AtomicU64::new(0),
            read_failures: AtomicU32::new(0),
            state: Mutex::new(state),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds octets and wakes the readers. The octets are added even if no memory is granted for
    /// them.
    pub(super) fn push(&self, chunk: Bytes) -> Pushed {
        let step = self.pool.as_ref().map_or(0, |pool| {
            pool.take(chunk.len() as u64);
            pool.0.limits.window
        });
        let (pushed, waiters) = {
            let mut state = self.lock();
            state.push(chunk);
            let in_memory = state.in_memory_len();
            let charges = state.charges.as_mut();
            let is_granted = charges.is_none_or(|charges| charges.cover_memory(in_memory, step));
            let pushed = Pushed {
                in_memory,
                is_granted,
            };
            (pushed, state.waiters.take())
        };
        waiters.wake();
        pushed
    }

    /// The octets in memory that are granted.
    pub(super) fn granted(&self) -> u64 {
        self.lock()
            .charges
            .as_ref()
            .map_or(u64::MAX, Charges::memory)
    }

    /// Charges `octets` that are about to be spilled. Returns whether they are granted.
    pub(super) fn may_spill(&self, octets: u64, step: u64) -> bool {
        let mut state = self.lock();
        let spilled = state.tail_start + octets;
        let charges = state.charges.as_mut();
        charges.is_none_or(|charges| charges.cover_spilled(spilled, step))
    }

    /// Lets `charges` pay for the octets. If something pays already, they are returned.
    pub(super) fn pay(&self, charges: Charges) -> Option<Charges> {
        let mut state = self.lock();
        match state.charges {
            Some(_) => Some(charges),
            None => {
                state.charges = Some(charges);
                None
            }
        }
    }

    /// Frees the first `octets` octets of the tail, which are in `backing` now.
    pub(super) fn spilled(&self, octets: u64, backing: Arc<dyn Backing>) {
        let mut state = self.lock();
        let mut left = octets;
        while left > 0 {
            let (_, chunk) = state.tail.pop_front().expect("the tail held these octets");
            left -= chunk.len() as u64;
        }
        state.tail_start += octets;
        state.backing = Some(backing);
        let window = self.pool.as_ref().map_or(0, |pool| pool.0.limits.window);
        if let Some(charges) = &mut state.charges {
            charges.shrink_memory_to(window);
        }
        drop(state);
        self.give_back(octets);
    }

    /// Withdraws the octets from `len` on, if possible; see [`State::truncate`].
    pub(super) fn truncate(&self, len: u64) -> bool {
        let taken = self.lock().truncate(len);
        if let Some(octets) = taken {
            self.give_back(octets);
        }
        taken.is_some()
    }

    /// Ends the blob, unless it has ended before, and wakes the readers.
    pub(super) fn end(&self, end: End) {
        let waiters = {
            let mut state = self.lock();
            if state.end != End::Growing {
                return;
            }
            state.end = end;
            state.give_back_excess();
            state.waiters.take()
        };
        waiters.wake();
    }

    pub(super) fn rebase(&self, backing: Arc<dyn Backing>) {
        let mut state = self.lock();
        if !state.is_finished() {
            return;
        }
        let freed = state.in_memory_len();
        let charges = state.charges.take();
        let tail = mem::take(&mut state.tail);
        let old = state.backing.replace(backing);
        state.tail_start = state.len;
        state.is_stored = true;
        drop(state);
        drop((tail, old, charges));
        self.give_back(freed);
    }

    fn give_back(&self, octets: u64) {
        if let Some(pool) = &self.pool {
            pool.give_back(octets);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let in_memory = {
            let state = self.lock();
            state.in_memory_len()
        };
        self.give_back(in_memory);
    }
}

impl State {
    fn new(end: End) -> Self {
        Self {
            len: 0,
            tail_start: 0,
            tail: VecDeque::new(),
            backing: None,
            end,
            is_stored: false,
            charges: None,
            read_to: 0,
            waiters: Waiters::default(),
        }
    }

    fn in_memory_len(&self) -> u64 {
        self.len - self.tail_start
    }

    /// Gives back charges for octets that will not come.
    fn give_back_excess(&mut self) {
        let (in_memory, spilled) = (self.in_memory_len(), self.tail_start);
        if let Some(charges) = &mut self.charges {
            charges.shrink_to(in_memory, spilled);
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.end == End::Finished
    }

    fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            let start = self.len;
            self.len += chunk.len() as u64;
            self.tail.push_back((start, chunk));
        }
    }

    /// The octets from `position` to the end of its chunk, if it is in the tail.
    pub(super) fn chunk_at(&self, position: u64) -> Option<Bytes> {
        let after = self.tail.partition_point(|(start, _)| *start <= position);
        let (start, chunk) = self.tail.get(after.checked_sub(1)?)?;
        let offset = usize::try_from(position - start).ok()?;
        (offset < chunk.len()).then(|| chunk.slice(offset..))
    }

    /// Notes that a reader has seen the octets before `position`.
    pub(super) fn note_read(&mut self, position: u64) {
        self.read_to = self.read_to.max(position);
    }

    /// Withdraws the octets from `len` on, and returns their number. Returns `None`, and withdraws
    /// nothing, where a reader has seen some of them, or octets were spilled.
    fn truncate(&mut self, len: u64) -> Option<u64> {
        if self.end != End::Growing || self.backing.is_some() || self.read_to > len {
            return None;
        }
        let taken = self.len.checked_sub(len)?;
        self.tail.retain_mut(|(start, chunk)| {
            let kept = len.saturating_sub(*start);
            chunk.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
            !chunk.is_empty()
        });
        self.len = len;
        Some(taken)
    }

    /// The oldest chunks of the tail, at least `octets` octets or all.
    pub(super) fn oldest(&self, octets: u64) -> (u64, Vec<Bytes>) {
        let mut taken = 0;
        let chunks = self.tail.iter().take_while(|(_, chunk)| {
            let is_wanted = taken < octets;
            if is_wanted {
                taken += chunk.len() as u64;
            }
            is_wanted
        });
        let chunks = chunks.map(|(_, chunk)| chunk.clone()).collect();
        (taken, chunks)
    }

    pub(super) fn in_memory(&self) -> Option<Vec<Bytes>> {
        let is_whole = self.is_finished() && self.tail_start == 0;
        is_whole.then(|| self.tail.iter().map(|(_, chunk)| chunk.clone()).collect())
    }
}
