//! Who waits for connections.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use crate::{
    body::Holdings,
    context::Context,
    shares::Client,
    signals::{Destination, HostPort},
    sync::{Mutex, MutexGuard, PoisonError},
    waking::keep,
};

/// Tells the holders of idle connections that somebody waits for one.
///
/// The connection pool of an endpoint reports who waits; [`Sharing`](super::Sharing) around the
/// endpoint gives back connections on which no message comes. Clones share the state.
#[derive(Clone, Default)]
pub struct Demand(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The fixed destination, if there is one, whatever the signals say.
    fixed: Option<Arc<Destination>>,
    /// Changed under the lock only.
    is_any_waiting: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Who waits for connections to a host.
    waiting: HashMap<HostPort, Vec<Waiting>>,
    /// The number of the next one who waits.
    next: u64,
    /// The tasks that hold idle connections, to be woken; each has its own position.
    listeners: Vec<Option<Waker>>,
    /// Free positions of listeners.
    free: Vec<usize>,
}

/// Is woken when somebody begins to wait, until this is dropped.
pub(super) struct Listener {
    demand: Demand,
    place: usize,
    /// The waker that is registered.
    listening: Option<Waker>,
}

struct Waiting {
    number: u64,
    by: Holdings,
    /// Where connections are shared between clients.
    share: Option<Share>,
    /// Whether a holder gives way for the sake of its share.
    is_met: bool,
}

/// A client, and the number of connections that it and others have.
type Share = (Client, Arc<dyn FairShares>);

/// Knows how many connections to a host each client has.
pub trait FairShares: Send + Sync {
    /// Whether `waiting`, which waits for a connection, has less than an equal share, and `holder`
    /// has more. It is called under a lock, and must not wait.
    fn is_owed(&self, waiting: &Client, holder: &Client) -> bool;
}

/// A wait for a connection, until this is dropped.
#[derive(Debug)]
#[must_use = "it counts for as long as this lives"]
pub struct Wanted {
    demand: Demand,
    host: HostPort,
    number: u64,
}

/// Who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The same message: it has too many recipients for one transaction.
    Own,
    /// A client that has less than its share, while the holder's client has more.
    Owed,
    Others,
}

impl Demand {
    /// For an endpoint that sends everything to `fixed`; without it, to the destination in the
    /// signal [`Destination`].
    pub fn new(fixed: Option<Arc<Destination>>) -> Self {
        Self(Arc::new(Inner {
            fixed,
            ..Inner::default()
        }))
    }

    /// Reports that a connection to the host is waited for, for this message.
    pub fn want(&self, host: &HostPort, by: &Holdings) -> Wanted {
        self.add(host, by, None)
    }

    /// As [`Demand::want`], for a message of this client, where connections are shared between clients: a
    /// client with more than an equal share soon gives one back.
    pub fn want_share(
        &self,
        host: &HostPort,
        by: &Holdings,
        client: &Client,
        shares: Arc<dyn FairShares>,
    ) -> Wanted {
        self.add(host, by, Some((client.clone(), shares)))
    }

    fn add(&self, host: &HostPort, by: &Holdings, share: Option<Share>) -> Wanted {
        let (number, listeners) = {
            let state = &mut *self.lock();
            let number = state.next;
            state.next += 1;
            let waiting = state.waiting.entry(host.clone()).or_default();
            waiting.push(Waiting {
                number,
                by: by.clone(),
                share,
                is_met: false,
            });
            self.0.is_any_waiting.store(true, Ordering::Relaxed);
            let listeners: Vec<_> = state.listeners.iter().flatten().cloned().collect();
            (number, listeners)
        };
        listeners.into_iter().for_each(Waker::wake);
        Wanted {
            demand: self.clone(),
            host: host.clone(),
            number,
        }
    }

    /// A listener, which is active from its first [`Listener::find`] on.
    pub(super) fn listener(&self) -> Listener {
        let state = &mut *self.lock();
        let place = state.free.pop().unwrap_or_else(|| {
            state.listeners.push(None);
            state.listeners.len() - 1
        });
        Listener {
            demand: self.clone(),
            place,
            listening: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Who waits for a connection to the destination. The task is woken when somebody begins to
    /// wait.
    pub(super) fn find(
        &mut self,
        destination: Option<&Destination>,
        (own, context): (&Holdings, &Context),
        waker: &Waker,
    ) -> Option<Whose> {
        let is_any = &self.demand.0.is_any_waiting;
        let is_listening = { self.listening.as_ref() }.is_some_and(|own| own.will_wake(waker));
        if is_listening && !is_any.load(Ordering::Relaxed) {
            // Whoever begins to wait wakes the task.
            return None;
        }
        self.listening = Some(waker.clone());
        let before = keep(&mut self.demand.lock().listeners[self.place], waker);
        drop(before);
        let state = self.demand.lock();
        if state.waiting.is_empty() {
            return None;
        }
        let destination = self.demand.0.fixed.as_deref().or(destination)?;
        let hosts = destination.hosts.iter();
        let all = hosts.filter_map(|host| state.waiting.get(host)).flatten();
        let mut all = all.peekable();
        all.peek()?;
        let client = context.client();
        let mut whose = Whose::Others;
        for waiting in all {
            if waiting.by.is_same(own) {
                return Some(Whose::Own);
            }
            if whose == Whose::Others && waiting.is_owed_by(&client) {
                whose = Whose::Owed;
            }
        }
        Some(whose)
    }

    /// Gives way to a client that is owed a connection by `client`; `false` where others do so
    /// already.
    pub(super) fn meet(&self, destination: Option<&Destination>, client: &Client) -> bool {
        let state = &mut *self.demand.lock();
        let destination = self.demand.0.fixed.as_deref().or(destination);
        let hosts = destination.map_or(&[][..], |destination| &destination.hosts);
        for host in hosts {
            let mut waiting = state.waiting.get_mut(host).into_iter().flatten();
            if let Some(waiting) = waiting.find(|waiting| waiting.is_owed_by(client)) {
                waiting.is_met = true;
                return true;
            }
        }
        false
    }
}

impl Waiting {
    /// Whether it has less than its share while `holder` has more, and nobody gives way yet.
    fn is_owed_by(&self, holder: &Client) -> bool {
        let share = self.share.as_ref().filter(|_| !self.is_met);
        share.is_some_and(|(own, shares)| own != holder && shares.is_owed(own, holder))
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
        all.retain(|waiting| waiting.number != self.number);
        if all.is_empty() {
            waiting.remove(&self.host);
            let is_any = &self.demand.0.is_any_waiting;
            is_any.store(!waiting.is_empty(), Ordering::Relaxed);
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
