//! Idle connections.

use std::{collections::HashMap, convert::Infallible, mem, sync::Arc, time::Duration};

use foldhash::quality::RandomState;
use futures_util::future::{join, join_all};
use koukan_core::signals::HostPort;
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::{
    client::{Wire, connection::Connection},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    PoolSettings,
    host::{Host, Parked},
    permits::Permit,
    queue, reaper,
    right::Entry,
    standing::{Failed, Standings},
    suspects::Suspects,
};

/// Beyond this number of hosts, those are forgotten of which nothing need be remembered.
const HOSTS_MAX: usize = 1000;

/// What the pool's leases and its reaper share.
pub(super) struct Idle<Io> {
    pub(super) settings: PoolSettings,
    state: Mutex<State<Io>>,
    /// Notified when the result of trying a host that was down is known.
    pub(super) tried: Notify,
    /// Notified when a connection to any host is no longer needed: whoever found no room for one may take its place.
    pub(super) freed: Notify,
    /// Notified when the number of replicas changes, and with it how many connections each of them may have.
    shares: Arc<Notify>,
    /// Connections that are being left: with RSET while holding a permit, with QUIT without one.
    partings: TaskTracker,
}

struct State<Io> {
    hosts: HashMap<Arc<HostPort>, Host<Io>, RandomState>,
    suspects: Suspects,
    standings: Standings,
    is_closed: bool,
    /// The task that closes connections that were idle for too long, while there are idle ones.
    reaper: Option<AbortOnDropHandle<()>>,
}

impl<Io: Wire> Idle<Io> {
    pub(super) fn new(settings: PoolSettings) -> Self {
        let shares = Arc::default();
        settings.replicas.tell(&shares);
        Self {
            settings,
            state: Mutex::new(State {
                hosts: HashMap::default(),
                suspects: Suspects::default(),
                standings: Standings::default(),
                is_closed: false,
                reaper: None,
            }),
            tried: Notify::new(),
            freed: Notify::new(),
            shares,
            partings: TaskTracker::new(),
        }
    }

    /// What is known of a host, which is remembered from now on.
    pub(super) fn entry(&self, host: &HostPort) -> Entry {
        let mut state = self.lock();
        let is_suspect = state.suspects.contains(host);
        if let Some((key, _)) = state.hosts.get_key_value(host) {
            let key = Arc::clone(key);
            let found = state.hosts.get_mut(host).expect("it was found");
            let max = self.settings.own_connections_of(host);
            let mut surplus = Vec::new();
            if found.room.max() != max {
                surplus = found.resize(max);
            }
            if found.room.is_lowered() {
                let more = found.room.recover(Instant::now());
                found.grow(more);
            }
            let entry = found.entry(key, is_suspect);
            drop(state);
            for parked in surplus {
                self.spawn(parked.connection.quit());
            }
            return entry;
        }
        let now = Instant::now();
        if state.hosts.len() > HOSTS_MAX {
            state.hosts.retain(|_, host| !host.is_unused(now));
        }
        let key = Arc::new(host.clone());
        let max = self.settings.own_connections_of(host);
        let host = Host::new(max, now);
        let entry = host.entry(Arc::clone(&key), is_suspect);
        state.hosts.insert(key, host);
        entry
    }

    /// Lets the host's connections follow the number of replicas, while somebody waits for one of them. It never ends.
    pub(super) async fn follow_replicas(&self, host: &HostPort) -> Infallible {
        loop {
            // Registered before looking, so that what changes in between is not missed.
            let changed = self.shares.notified();
            self.entry(host);
            changed.await;
        }
    }

    /// How many connections to the host are allowed now, if known.
    pub(super) fn cap(&self, host: &HostPort) -> Option<usize> {
        let state = self.lock();
        state.hosts.get(host).map(|host| host.room.cap())
    }

    /// How many connections to the host attempts from the queue may have.
    pub(super) fn queued_max(&self, host: &HostPort) -> usize {
        let state = self.lock();
        let found = state.hosts.get(host);
        queue::queued_max(found.map_or(0, |host| host.room.cap()))
    }

    /// Remembers that the host has broken the protocol.
    pub(super) fn suspect(&self, host: &HostPort) {
        self.lock().suspects.add(host);
    }

    /// Notes that the host greets.
    pub(super) fn greeted(&self, host: &HostPort) {
        let (mut state, now) = (self.lock(), Instant::now());
        state.standings.greeted(host, now);
        if let Some(host) = state.hosts.get_mut(host) {
            host.answered = Some(now);
        }
        drop(state);
        self.tried.notify_waiters();
    }

    /// Notes that an attempt at a host, which began at `begun`, has failed, unless the host has answered another one since.
    /// `unit`, from 0 up to 1, is a random number. Returns when the host may be tried again, if it counts as failed.
    pub(super) fn failed(
        &self,
        host: &HostPort,
        how: Failed,
        begun: Instant,
        unit: f64,
    ) -> Option<Instant> {
        let mut state = self.lock();
        let answered = state.hosts.get(host).and_then(|host| host.answered);
        let until = answered.is_none_or(|answered| answered <= begun).then(|| {
            let standings = &mut state.standings;
            standings.failed(host, how, begun, Instant::now(), unit)
        });
        drop(state);
        self.tried.notify_waiters();
        until
    }

    /// Reads or changes the standings of hosts.
    pub(super) fn standings<T>(&self, change: impl FnOnce(&mut Standings) -> T) -> T {
        change(&mut self.lock().standings)
    }

    /// Leaves a connection in the background, which must take limited time.
    pub(super) fn spawn(&self, parting: impl Future<Output = ()> + Send + 'static) {
        // Outside of a runtime nothing can be waited for: the connection is dropped and so closed.
        if let Ok(runtime) = Handle::try_current() {
            self.partings.spawn_on(parting, &runtime);
        }
    }

    /// Takes the connection that was used last.
    pub(super) fn take(&self, host: &HostPort) -> Option<Box<Connection<Io>>> {
        let mut state = self.lock();
        let parked = state.hosts.get_mut(host)?.parked.pop()?;
        Some(parked.connection)
    }

    /// Takes all connections to the host.
    pub(super) fn take_all(&self, host: &HostPort) -> Vec<Box<Connection<Io>>> {
        let mut state = self.lock();
        let parked = state
            .hosts
            .get_mut(host)
            .map(|host| mem::take(&mut host.parked));
        let parked = parked.into_iter().flatten();
        parked.map(|parked| parked.connection).collect()
    }

    /// Closes the idle connection that was used longest ago, to whichever host; `false` if there is none. The server
    /// gets a QUIT, and its reply is not waited for.
    pub(super) async fn make_room(&self) -> bool {
        let oldest = {
            let mut state = self.lock();
            let hosts = state.hosts.values_mut();
            let parked = hosts.filter(|host| !host.parked.is_empty());
            let oldest = parked.min_by_key(|host| host.parked[0].expires);
            oldest.map(|host| host.parked.remove(0).connection)
        };
        match oldest {
            Some(connection) => {
                let _ = timeout(Duration::ZERO, connection.quit()).await;
                true
            }
            None => false,
        }
    }

    /// Keeps a connection, or returns it if no more are to be kept.
    pub(super) fn park(
        idle: &Arc<Self>,
        host: &HostPort,
        connection: Box<Connection<Io>>,
    ) -> Option<Box<Connection<Io>>> {
        let mut state = idle.lock();
        let is_closed = state.is_closed;
        let Some(entry) = state.hosts.get_mut(host) else {
            return Some(connection);
        };
        let is_too_many = entry.permits.is_owed_some();
        if is_closed || is_too_many || entry.parked.len() >= idle.settings.max_idle {
            return Some(connection);
        }
        let now = Instant::now();
        entry.answered = Some(now);
        let more = entry.room.serves();
        entry.grow(more);
        entry.parked.push(Parked {
            connection,
            expires: now + idle.settings.idle_timeout,
        });
        if !state.standings.is_empty() {
            state.standings.answered(host);
        }
        idle.freed.notify_one();
        // A reaper that has panicked is gone as well.
        let is_reaped = state.reaper.as_ref().is_some_and(|it| !it.is_finished());
        if !is_reaped {
            let reaper = tokio::spawn(reaper::reap(Arc::downgrade(idle)));
            state.reaper = Some(AbortOnDropHandle::new(reaper));
        }
        None
    }

    /// Notes that the host has refused another connection while it serves others: from now on there are no more than
    /// are in use or kept, and the permit is given up. Returns by how many the room was lowered; zero if there were
    /// already more than allowed, among them this permit.
    ///
    /// # Errors
    ///
    /// The permit, if nobody else has one: the host then refuses everything.
    pub(super) fn lower(&self, host: &HostPort, permit: Permit) -> Result<usize, Permit> {
        let mut state = self.lock();
        let Some(found) = state.hosts.get_mut(host) else {
            return Err(permit);
        };
        if found.permits.is_owed_some() && found.permits.held() > 1 {
            return Ok(0);
        }
        let available = found.permits.available();
        if found.permits.held() <= 1 {
            found.room.doubt();
            return Err(permit);
        }
        // Connections that are being opened now will be refused separately.
        let spare = available.saturating_sub(found.parked.len());
        let given_up = found.permits.forget(spare) + 1;
        permit.forget();
        found.room.lower(given_up, Instant::now());
        let connections = found.room.cap();
        tracing::info!(%host, connections, "a host has no room for more connections");
        Ok(given_up)
    }

    /// Undoes a lowering of the host's room. `is_picky` says that the host has closed a connection because of what was sent.
    pub(super) fn raise(&self, host: &HostPort, by: usize, is_picky: bool) {
        let mut state = self.lock();
        // A host that was forgotten meanwhile has its full room.
        if let Some(found) = state.hosts.get_mut(host) {
            let more = found.room.raise(by);
            found.grow(more);
            if is_picky {
                found.room.note_picky(Instant::now());
            }
        }
    }

    /// Whether the host has closed connections because of what was sent.
    pub(super) fn is_picky(&self, host: &HostPort) -> bool {
        let state = self.lock();
        let found = state.hosts.get(host);
        found.is_some_and(|found| found.room.is_picky(Instant::now()))
    }

    /// Whether anybody else has a connection, to whichever host, apart from the caller's one to `host`.
    pub(super) fn has_others(&self, host: &HostPort) -> bool {
        let state = self.lock();
        state.hosts.iter().any(|(key, found)| {
            let callers = usize::from(**key == *host);
            found.permits.held() > callers
        })
    }

    /// Forgets a host to which there is no connection any more.
    pub(super) fn forget_unused(&self, host: &HostPort) {
        let mut state = self.lock();
        let found = state.hosts.get(host);
        if found.is_some_and(|host| host.is_unused(Instant::now())) {
            state.hosts.remove(host);
        }
    }

    /// Takes the connections that have expired by `now`, and returns when the next one will expire.
    ///
    /// If none is left, the reaper's task is over; the next `park` starts another.
    pub(super) fn expire(&self, now: Instant) -> (Vec<Box<Connection<Io>>>, Option<Instant>) {
        let mut state = self.lock();
        let mut expired = Vec::new();
        for host in state.hosts.values_mut() {
            let count = host.parked.partition_point(|parked| parked.expires <= now);
            let parked = host.parked.drain(..count);
            expired.extend(parked.map(|parked| parked.connection));
        }
        state.hosts.retain(|_, host| !host.is_unused(now));
        let first = |host: &Host<Io>| host.parked.first().map(|parked| parked.expires);
        let next = state.hosts.values().filter_map(first).min();
        if next.is_none() {
            // Detaching is harmless: the task has nothing left to wait for.
            state.reaper.take().map(AbortOnDropHandle::detach);
        }
        (expired, next)
    }

    pub(super) async fn close(&self) {
        let parked: Vec<_> = {
            let mut state = self.lock();
            state.is_closed = true;
            state.reaper = None;
            let hosts = state.hosts.values_mut();
            hosts.flat_map(|host| host.parked.drain(..)).collect()
        };
        let parked = join_all(parked.into_iter().map(|parked| parked.connection.quit()));
        // Connections that are already being left are waited for as well.
        self.partings.close();
        join(parked, self.partings.wait()).await;
    }

    fn lock(&self) -> MutexGuard<'_, State<Io>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
