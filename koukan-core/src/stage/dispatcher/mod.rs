//! Leases due transactions, and has them attempted: the [`Dispatcher`].
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//!
//! use koukan_core::{
//!     blob::{BlobPool, Limits},
//!     clock::SystemClock,
//!     context::Sender,
//!     service::BoxMailService,
//!     stage::{
//!         dispatcher::Dispatcher,
//!         output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
//!     },
//!     storage::{MemoryBackend, Storage},
//!     test_util::Script,
//! };
//! use tokio::sync::oneshot;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = BlobPool::in_memory(Limits::default());
//! let storage = Storage::open(Arc::new(MemoryBackend::new()), pool, Arc::new(SystemClock)).await?;
//! let endpoint = Script::new();
//! let chain = Chain {
//!     service: BoxMailService::new(endpoint.clone()),
//!     retry: RetryPolicy::default(),
//! };
//! let notifications = Notifications {
//!     reporting_mta: "mx.example.com".into(),
//!     sender: Sender::new("notification"),
//! };
//! let output = OutputHandler::new(chain, notifications);
//! let dispatcher = Dispatcher::new(storage, output, 100);
//! let (stop, stopped) = oneshot::channel::<()>();
//! let running = tokio::spawn(dispatcher.run(async { stopped.await.unwrap_or_default() }));
//! // What is due goes to the endpoint until then.
//! stop.send(()).unwrap();
//! running.await?;
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod attempts;
mod crowds;
mod overdue;
mod passage;
mod probing;
mod rated;
mod room;
mod stopped;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{BoxError, Service};

use crate::{
    causes::Causes,
    repeats::Repeats,
    storage::{BackendError, Beside, Company, Lease, Look, Storage, record::SchedulingKey},
    waking::Root,
};

use super::output_handler::RetryPolicy;

use self::{
    crowds::{Crowds, Share},
    overdue::Deadlines,
    passage::Due,
    probing::Probing,
    rated::without_turns,
    room::{Places, Room},
};

/// How many queued transactions are attempted at a time, by default.
pub const MAX_IN_FLIGHT: usize = 400;

/// How long to wait after a failed look at the queue.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How long a transaction that may have crashed the process is attempted alone. A crash happens
/// soon, and an attempt that hangs must not delay the others.
const ALONE: Duration = Duration::from_secs(10);
/// The interval between log lines about failed looks; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_LOOKED: Repeats = Repeats::new(INTERVAL, |looks, interval| {
    let seconds = interval.as_secs();
    tracing::error!(looks, seconds, "could still not look for due transactions");
});

/// Leases due transactions, and calls an output service with each.
///
/// `output` is an [`OutputHandler`](super::output_handler::OutputHandler). A lease is taken only when
/// there is room for it. No [`SchedulingKey`] gets more than half of the room, so a destination that hangs
/// does not delay others. A destination that cannot be reached is held back until trying again makes
/// sense; then one attempt is made before the others.
///
/// Attempts at one message for one destination are leased together, up to 100 at a time, so that an
/// endpoint can make them in one exchange ([`Sharing`](super::sharing::Sharing)). Such a *company* has one
/// place, since it costs its destination one attempt. The other members have room of their own, which
/// nobody waits for: without room they are attempted later.
#[derive(Clone)]
pub struct Dispatcher<O> {
    storage: Storage,
    output: O,
    room: Room,
    crowds: Crowds,
    shortest_deadline: Duration,
    deadlines: Option<Deadlines>,
}

impl<O> Dispatcher<O>
where
    O: Service<Lease, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    /// A dispatcher that works on at most `max_in_flight` transactions at a time.
    pub fn new(storage: Storage, output: O, max_in_flight: usize) -> Self {
        Self {
            storage,
            output,
            room: Room::new(max_in_flight),
            crowds: Crowds::default(),
            shortest_deadline: RetryPolicy::default().deadline,
            deadlines: None,
        }
    }

    /// Sets the shortest [`RetryPolicy::deadline`] of all mail. Mail for a suspended destination is looked at from time to
    /// time once it is older, and ended when its own deadline is over. Default 5 days.
    #[must_use]
    pub fn with_shortest_deadline(mut self, deadline: Duration) -> Self {
        self.shortest_deadline = deadline;
        self
    }

    /// Dispatches until `shutdown` is ready, then lets current attempts end.
    ///
    /// Transactions that were leased when the process crashed are attempted one after the other,
    /// beside the rest, so that the one that causes the crash is found.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends current attempts and gives their leases back.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut attempts = JoinSet::new();
        let mut suspects = JoinSet::new();
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.dispatch_due(&mut attempts) => {}
            () = self.dispatch_suspects(&mut suspects) => {}
            () = self.end_overdue() => {}
        }
        while attempts.join_next().await.is_some() {}
        while suspects.join_next().await.is_some() {}
    }

    async fn dispatch_due(&self, attempts: &mut JoinSet<()>) {
        loop {
            if let Err(error) = self.dispatch(attempts).await {
                back_off(&error).await;
            }
        }
    }

    /// Starts what is due and has room, or waits until something becomes due or ends.
    async fn dispatch(&self, attempts: &mut JoinSet<()>) -> Result<(), BackendError> {
        while attempts.try_join_next().is_some() {}
        // Before the places are counted, so that one which is free again meanwhile is not missed.
        let freed = self.crowds.freed();
        let mut free = self.room.all_free().await;
        let share = self.crowds.share(free.len());
        let mut places = free.split(share.count);
        drop(free);
        let destinations = self.storage.destinations();
        let mut look = destinations.look(places.len(), &share.full);
        let mut is_any = self
            .dispatch_held(&mut look, &share, &mut places, attempts)
            .await?;
        is_any |= self
            .dispatch_rated(&look, &share, &mut places, attempts)
            .await?;
        if places.len() > 0 {
            let mut except = in_turn(&share.full, &look);
            except.extend(look.held.iter().cloned());
            let leases = self.storage.lease_due(places.len(), &except).await?;
            is_any |= !leases.is_empty();
            let passage = |company: &Company| self.passage(company);
            let leases = (leases, Beside::Due);
            self.start(attempts, leases, passage, &mut places).await?;
            if !is_any {
                // Suspects may have them meanwhile.
                drop(places);
                return self.wait(freed, &share.full, &look).await;
            }
        }
        Ok(())
    }

    /// Attempts transactions of destinations that are or were held back. Returns whether there were
    /// any.
    async fn dispatch_held(
        &self,
        look: &mut Look,
        share: &Share,
        places: &mut Places,
        attempts: &mut JoinSet<()>,
    ) -> Result<bool, BackendError> {
        let mut is_any = false;
        let destinations = self.storage.destinations();
        if !look.probes.is_empty() || !look.freed.is_empty() {
            // Whatever becomes of them.
            let probing = look.probes.iter();
            let probing = probing.map(|id| Probing::new(&self.storage, *id));
            let mut probing: Vec<_> = probing.collect();
            let freed = look.freed.iter().map(|(_, id)| *id);
            let ids = look.probes.drain(..).chain(freed);
            let (leases, result) = self.storage.lease_each(ids).await;
            is_any = true;
            if result.is_err() {
                // Those that were leased are not found there any more.
                destinations.put_back(std::mem::take(&mut look.freed));
            }
            let passage = |company: &Company| Due::go_on(company, &mut probing);
            let leases = (leases, Beside::All);
            self.start(attempts, leases, passage, places).await?;
            result?;
        }
        if look.is_round && places.len() > 0 {
            let limit = places.len();
            let except = in_turn(&share.full, look);
            let leases = self.storage.lease_late(limit, &except).await?;
            if leases.len() < limit {
                destinations.round_done(!share.full.is_empty());
            }
            is_any |= !leases.is_empty();
            let passage = |company: &Company| self.passage(company).however();
            // What is late as well comes by itself.
            let leases = (leases, Beside::Nothing);
            self.start(attempts, leases, passage, places).await?;
        }
        Ok(is_any)
    }

    /// Waits until something may be due, apart from destinations that are held back, that have no turn, or
    /// that are `full`; or until one of these changes.
    async fn wait(
        &self,
        freed: u64,
        full: &[SchedulingKey],
        look: &Look,
    ) -> Result<(), BackendError> {
        if !look.held.is_empty() {
            self.storage.know_late(&in_turn(full, look)).await?;
        }
        let mut except = [full, &look.held[..]].concat();
        let (keys, rates): (Vec<_>, Vec<_>) = without_turns(look).cloned().unzip();
        except.extend(keys);
        let due = self.storage.wait_due(&except);
        let changed = self.storage.destinations().changed(look, &rates);
        let eased = async {
            match full {
                [] => std::future::pending().await,
                _ => self.crowds.eased(freed, self.room.max().div_ceil(8)).await,
            }
        };
        tokio::select! {
            biased;
            due = due => due,
            () = changed => Ok(()),
            () = eased => Ok(()),
        }
    }

    /// Attempts suspects one at a time. It never ends, since new ones may come.
    async fn dispatch_suspects(&self, attempts: &mut JoinSet<()>) {
        loop {
            if let Err(error) = self.dispatch_suspect(attempts).await {
                back_off(&error).await;
            }
        }
    }

    /// Attempts the next suspect, or waits for one.
    async fn dispatch_suspect(&self, attempts: &mut JoinSet<()>) -> Result<(), BackendError> {
        while attempts.try_join_next().is_some() {}
        let place = self.room.one().await;
        let Some(lease) = self.storage.lease_suspect().await? else {
            drop(place);
            self.crowds.free();
            return self.storage.wait_suspect().await;
        };
        let (id, transaction, crashes) = (lease.trace_id(), lease.id(), lease.crashes());
        tracing::warn!(%id, %transaction, crashes, "a message that was worked on when the agent crashed is attempted alone");
        let (ends, ended) = oneshot::channel::<()>();
        let under_way = Arc::new(self.crowds.enter(lease.scheduling_key(), place));
        let attempt = self.attempt(lease, under_way);
        attempts.spawn(Root::new(async move {
            attempt.await;
            drop(ends);
        }));
        // Ready when the other half is dropped.
        let _ = timeout(ALONE, ended).await;
        Ok(())
    }
}

/// Those that are leased by themselves, and those in `full`.
fn in_turn(full: &[SchedulingKey], look: &Look) -> Vec<SchedulingKey> {
    let rated = look.rated.iter().map(|(destination, _)| destination);
    full.iter().chain(rated).cloned().collect()
}

async fn back_off(error: &BackendError) {
    if NOT_LOOKED.is_first() {
        tracing::error!(error = %Causes(error), "could not look for due transactions");
    }
    sleep(BACK_OFF).await;
}

impl<O> fmt::Debug for Dispatcher<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("max_in_flight", &self.room.max())
            .finish_non_exhaustive()
    }
}
