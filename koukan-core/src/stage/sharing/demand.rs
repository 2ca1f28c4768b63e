//! Who waits for a connection.

use std::{collections::HashMap, fmt, sync::Arc, task::Waker};

use crate::{
    body::Holdings,
    signals::{Destination, HostPort},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tells those who hold a connection in vain that somebody waits for one.
///
/// What keeps the connections of an endpoint says who waits; [`Sharing`](super::Sharing) around the
/// endpoint gives connections back on which no message comes. Clones share.
#[derive(Clone, Default)]
pub struct Demand(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Where everything goes, whatever the signals say.
    fixed: Option<Arc<Destination>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// On whose behalf connections to a host are waited for.
    waiting: HashMap<HostPort, Vec<Holdings>>,
    /// Who is told of it: the tasks of those who hold connections in vain, each in a place of its own.
    listeners: Vec<Option<Waker>>,
    /// Places of listeners that are free.
    free: Vec<usize>,
}

/// Is told when somebody begins to wait; no longer when this is dropped.
pub(super) struct Listener {
    demand: Demand,
    place: usize,
}

/// Somebody waits; no longer when this is dropped.
#[derive(Debug)]
#[must_use = "it counts for as long as this lives"]
pub struct Wanted {
    demand: Demand,
    host: HostPort,
    by: Holdings,
}

/// Who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The same message: its recipients are too many for one transaction.
    Own,
    Others,
}

impl Demand {
    /// For an endpoint that sends everything to one destination, if there is one, or else where the
    /// signal [`Destination`] says.
    pub fn new(fixed: Option<Arc<Destination>>) -> Self {
        Self(Arc::new(Inner {
            fixed,
            ..Inner::default()
        }))
    }

    /// Says that a connection to the host is waited for, on behalf of that message.
    pub fn want(&self, host: &HostPort, by: &Holdings) -> Wanted {
        let listeners: Vec<_> = {
            let state = &mut *self.lock();
            let waiting = state.waiting.entry(host.clone()).or_default();
            waiting.push(by.clone());
            state.listeners.iter().flatten().cloned().collect()
        };
        listeners.into_iter().for_each(Waker::wake);
        Wanted {
            demand: self.clone(),
            host: host.clone(),
            by: by.clone(),
        }
    }

    /// Tells somebody, from the first [`Listener::find`] on.
    pub(super) fn listener(&self) -> Listener {
        let state = &mut *self.lock();
        let place = state.free.pop().unwrap_or_else(|| {
            state.listeners.push(None);
            state.listeners.len() - 1
        });
        Listener {
            demand: self.clone(),
            place,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Who waits for a connection to the destination. The task is woken when somebody begins to.
    pub(super) fn find(
        &self,
        destination: Option<&Destination>,
        own: &Holdings,
        waker: &Waker,
    ) -> Option<Whose> {
        let state = &mut *self.demand.lock();
        match &mut state.listeners[self.place] {
            Some(listener) => listener.clone_from(waker),
            listener => *listener = Some(waker.clone()),
        }
        if state.waiting.is_empty() {
            return None;
        }
        let destination = self.demand.0.fixed.as_deref().or(destination)?;
        let hosts = destination.hosts.iter();
        let mut all = hosts
            .filter_map(|host| state.waiting.get(host))
            .flatten()
            .peekable();
        all.peek()?;
        Some(match all.any(|by| by.is_same(own)) {
            true => Whose::Own,
            false => Whose::Others,
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let waker = {
            let state = &mut *self.demand.lock();
            state.free.push(self.place);
            state.listeners[self.place].take()
        };
        drop(waker);
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        let waiting = &mut self.demand.lock().waiting;
        let Some(all) = waiting.get_mut(&self.host) else {
            return;
        };
        if let Some(index) = all.iter().position(|by| by.is_same(&self.by)) {
            all.swap_remove(index);
        } else {
            all.pop();
        }
        if all.is_empty() {
            waiting.remove(&self.host);
        }
    }
}

impl fmt::Debug for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demand")
            .field("hosts", &self.lock().waiting.len())
            .finish_non_exhaustive()
    }
}
