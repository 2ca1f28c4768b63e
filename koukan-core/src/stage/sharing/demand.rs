//! Who waits for a connection.

use std::{collections::HashMap, fmt, sync::Arc};

use tokio::sync::{Notify, futures::OwnedNotified};

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
    begun: Arc<Notify>,
    /// On whose behalf connections to a host are waited for.
    waiting: Mutex<HashMap<HostPort, Vec<Holdings>>>,
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
        let mut waiting = self.lock();
        waiting.entry(host.clone()).or_default().push(by.clone());
        drop(waiting);
        self.0.begun.notify_waiters();
        Wanted {
            demand: self.clone(),
            host: host.clone(),
            by: by.clone(),
        }
    }

    /// Ready when somebody begins to wait.
    pub(super) fn begun(&self) -> OwnedNotified {
        Arc::clone(&self.0.begun).notified_owned()
    }

    /// Who waits for a connection to the destination.
    pub(super) fn find(&self, destination: Option<&Destination>, own: &Holdings) -> Option<Whose> {
        let destination = self.0.fixed.as_deref().or(destination)?;
        let waiting = self.lock();
        let hosts = destination.hosts.iter();
        let mut all = hosts
            .filter_map(|host| waiting.get(host))
            .flatten()
            .peekable();
        all.peek()?;
        Some(match all.any(|by| by.is_same(own)) {
            true => Whose::Own,
            false => Whose::Others,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<HostPort, Vec<Holdings>>> {
        let waiting = self.0.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        let mut waiting = self.demand.lock();
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
            .field("hosts", &self.lock().len())
            .finish_non_exhaustive()
    }
}
