//! Leases what is due, and has it attempted: the [`Dispatcher`].

mod crowds;
mod room;
mod stopped;

use std::{
    fmt,
    future::{Future, poll_fn},
    task::Poll,
    time::Duration,
};

use tokio::{
    sync::oneshot,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::{BoxError, Service};

use crate::{
    causes::Causes,
    repeats::Repeats,
    storage::{
        BackendError, Gone, Halt, Lease, Storage,
        record::{FinalReason, SchedulingKey},
    },
    waking::Root,
};

use self::{
    crowds::Crowds,
    room::{Places, Room},
    stopped::GivesBack,
};

/// How long a failed look at the queue is waited for.
const BACK_OFF: Duration = Duration::from_secs(1);
/// How long there is no other look at the queue while it holds much for a destination that has its
/// share, at least.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a transaction that may have crashed the process is attempted alone: what crashes does
/// so soon, and what hangs is not to hold up the others.
const ALONE: Duration = Duration::from_secs(10);
/// For how long failures to look are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_LOOKED: Repeats = Repeats::new(INTERVAL, |looks, interval| {
    let seconds = interval.as_secs();
    tracing::error!(looks, seconds, "could still not look for due transactions");
});

/// Takes due transactions under lease and calls an output service with each.
///
/// `output` is an [`OutputHandler`](super::output_handler::OutputHandler); a lease is only taken
/// when there is room for it. No [`SchedulingKey`] has more than half of the room, so that one which
/// hangs does not hold up the others.
#[derive(Clone)]
pub struct Dispatcher<O> {
    storage: Storage,
    output: O,
    room: Room,
    crowds: Crowds,
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
        }
    }

    /// Dispatches until `shutdown` is ready, then lets attempts under way end.
    ///
    /// Transactions that were under lease when the process crashed are attempted one after the
    /// other, beside the rest, so that the one that crashes it is found.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends attempts under way and gives their leases back.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut attempts = JoinSet::new();
        let mut suspects = JoinSet::new();
        tokio::select! {
            biased;
            () = shutdown => {}
            () = self.dispatch_due(&mut attempts) => {}
            () = self.dispatch_suspects(&mut suspects) => {}
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

    /// Starts what is due and fits, or waits until something is due or ends.
    async fn dispatch(&self, attempts: &mut JoinSet<()>) -> Result<(), BackendError> {
        while attempts.try_join_next().is_some() {}
        // Before the places are counted, so that one which is free again meanwhile is not missed.
        let freed = self.crowds.freed();
        let mut free = self.room.all_free().await;
        let share = self.crowds.share(free.len());
        let mut places = free.split(share.count);
        drop(free);
        let leases = self.storage.lease_due(places.len(), &share.full).await?;
        if leases.is_empty() {
            // Suspects may have them meanwhile.
            drop(places);
            return self.wait(freed, &share.full).await;
        }
        for lease in leases {
            attempts.spawn(Root::new(self.attempt(lease, places.take())));
        }
        Ok(())
    }

    /// Waits until something may be due but for those destinations, or one of them may have room.
    async fn wait(&self, freed: u64, full: &[SchedulingKey]) -> Result<(), BackendError> {
        let due = self.storage.wait_due(full);
        if full.is_empty() {
            return due.await;
        }
        let due = async {
            due.await?;
            // What was committed may be for one of them: however often that is, there is a look now
            // and then.
            sleep(PAUSE).await;
            Ok(())
        };
        tokio::select! {
            biased;
            due = due => due,
            () = self.crowds.eased(freed, self.room.max().div_ceil(8)) => Ok(()),
        }
    }

    /// Has suspects attempted one at a time. Does not end: when there are none left, there is
    /// nothing to do.
    async fn dispatch_suspects(&self, attempts: &mut JoinSet<()>) {
        loop {
            match self.dispatch_suspect(attempts).await {
                Ok(true) => {}
                Ok(false) => std::future::pending().await,
                Err(error) => back_off(&error).await,
            }
        }
    }

    /// Has the next suspect attempted, or waits for it; `false` where there is none.
    async fn dispatch_suspect(&self, attempts: &mut JoinSet<()>) -> Result<bool, BackendError> {
        while attempts.try_join_next().is_some() {}
        let place = self.room.one().await;
        let Some(lease) = self.storage.lease_suspect().await? else {
            drop(place);
            self.crowds.free();
            return self.storage.wait_suspect().await;
        };
        let (ends, ended) = oneshot::channel::<()>();
        let attempt = self.attempt(lease, place);
        attempts.spawn(Root::new(async move {
            attempt.await;
            drop(ends);
        }));
        // Ready when the other half is dropped.
        let _ = timeout(ALONE, ended).await;
        Ok(true)
    }

    fn attempt(&self, lease: Lease, place: Places) -> impl Future<Output = ()> + Send + 'static {
        let output = self.output.clone();
        let under_way = self.crowds.enter(lease.scheduling_key(), place);
        async move {
            let id = lease.id();
            if let Err(error) = GivesBack::new(lease, |lease| call(output, lease)).await {
                tracing::error!(%id, error = %Causes(&*error), "an attempt could not be made");
            }
            drop(under_way);
        }
    }
}

/// Calls the output service, when it is ready, unless the lease is to end before that: what keeps the
/// service from being ready hears nothing of a cancel or a stop.
async fn call<O>(mut output: O, lease: Lease) -> Result<(), BoxError>
where
    O: Service<Lease, Error: Into<BoxError>>,
{
    let halt = poll_fn(|cx| match output.poll_ready(cx) {
        Poll::Ready(ready) => Poll::Ready(ready.map(|()| None)),
        Poll::Pending => lease.poll_halt(cx, Gone::No).map(|halt| Ok(Some(halt))),
    });
    match halt.await.map_err(Into::into)? {
        None => drop(output.call(lease).await.map_err(Into::into)?),
        Some(Halt::Cancelled) => lease.give_up(FinalReason::Cancelled).await?,
        Some(Halt::GiveBack | Halt::Stop) => lease.give_back().await,
    }
    Ok(())
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
