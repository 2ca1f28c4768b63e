//! Refreshes the session, and handles requests of other processes.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    causes::Causes,
    repeats::Repeats,
    storage::{
        BackendError, Inner, Refreshed, Storage,
        live::{Durability, Live, Side, State},
        record::{SessionId, Status, TransactionId},
    },
    supervision::contain,
    sync::atomic::Ordering,
};

use super::{LOST, Loss, Presence, SHAKEN, eighths};

/// The interval between log lines about refreshes that fail; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_REFRESHED: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(times, seconds, "this session could still not be refreshed");
});

/// The time since the last refresh, and its consequences.
#[derive(Debug, Clone, Copy)]
struct Hold {
    term: Duration,
    since: Instant,
    /// Whether the backend did not answer, or failed, at the last call.
    is_unheard: bool,
}

impl Hold {
    fn loss(self) -> Loss {
        Loss::after(self.since.elapsed(), self.term)
    }

    /// When the next consequence follows.
    fn next(self) -> Option<Instant> {
        match self.loss() {
            Loss::None => Some(self.since + eighths(self.term, SHAKEN)),
            Loss::Unsent => Some(self.since + eighths(self.term, LOST)),
            Loss::All => None,
        }
    }

    /// How long to wait for the backend.
    fn patience(self) -> Duration {
        self.term / 2
    }
}

impl Storage {
    /// Keeps the session refreshed while this storage is held; it was begun at this time.
    ///
    /// # Errors
    ///
    /// [`BackendError`] where it cannot be refreshed at once.
    pub(in crate::storage) async fn keep_session(
        &self,
        begun: Instant,
    ) -> Result<(), BackendError> {
        let Some(term) = self.0.presence.term else {
            return Ok(());
        };
        let mut hold = Hold {
            term,
            since: begun,
            is_unheard: false,
        };
        let asked = Instant::now();
        // Before anything is done by a clock that others do not share.
        let refreshed = self.ask(self.session(), hold).await?;
        hold.since = asked;
        self.hold(&mut hold);
        self.take_in(refreshed, asked);
        // Whoever opens storage has a runtime.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(keep(Arc::downgrade(&self.0), hold));
        }
        Ok(())
    }

    /// Refreshes the session once. Returns the time of the next refresh.
    async fn refresh(&self, hold: &mut Hold) -> Instant {
        let session = self.session();
        // The process may have stood still.
        self.lose(hold.loss());
        let asked = Instant::now();
        match self.ask(session, *hold).await {
            Ok(refreshed) => {
                hold.since = asked;
                self.hold(hold);
                self.take_in(refreshed, asked);
            }
            // The session was ended here during the call.
            Err(BackendError::SessionLost) if self.0.presence.lock().has_left => {}
            Err(BackendError::SessionLost) => self.renew(hold).await,
            Err(error) => {
                hold.is_unheard = true;
                if NOT_REFRESHED.is_first() {
                    tracing::warn!(error = %Causes(&error), "could not refresh this session");
                }
                return Instant::now() + eighths(hold.term, 1) / 4;
            }
        }
        hold.since + eighths(hold.term, 1)
    }

    /// Asks the backend, and gives work up as necessary while it does not answer.
    async fn ask(&self, session: SessionId, hold: Hold) -> Result<Refreshed, BackendError> {
        let now = self.clock().now();
        let mut answer = pin!(contain(self.backend().refresh_session(session, now)));
        let end = Instant::now() + hold.patience();
        loop {
            let next = hold.next().map_or(end, |next| next.min(end));
            tokio::select! {
                biased;
                answer = &mut answer => {
                    return answer.unwrap_or_else(|loss| Err(BackendError::of_loss(&loss)));
                }
                () = sleep_until(next) => {}
            }
            self.lose(hold.loss());
            if Instant::now() >= end {
                return Err(BackendError::Failed("it does not answer".into()));
            }
        }
    }

    /// Replaces a dead session by a new one, once nothing is worked on.
    async fn renew(&self, hold: &mut Hold) {
        tracing::error!(session = %self.session(), "the session is dead; its work is left to other replicas");
        self.lose(Loss::All);
        // Failing writes are repeated now, to learn that they are in vain.
        self.0.presence.heard.notify_waiters();
        self.all_given_up().await;
        let session = SessionId::random();
        loop {
            let asked = Instant::now();
            let opened = contain(self.backend().open_session(session, self.clock().now()));
            if let Ok(Ok(Ok(_))) = timeout(hold.patience(), opened).await {
                hold.since = asked;
                break;
            }
            sleep(eighths(hold.term, 1)).await;
        }
        self.0.presence.lock().session = session;
        // Transactions that were committed meanwhile are leased by the dead session.
        for live in self.0.registry.all() {
            live.update(Side::Reader, |state| {
                state.is_lost |= matches!(state.durability, Durability::Leased { .. });
            });
        }
        tracing::info!(%session, "a new session has begun");
        self.hold(hold);
        self.publish_beside();
    }

    /// Waits until no lease of the session is worked on.
    async fn all_given_up(&self) {
        let is_free = |state: &State| {
            let is_held = matches!(state.durability, Durability::Leased { .. });
            (!is_held).then_some(())
        };
        for live in self.0.registry.all() {
            poll_fn(|cx| live.poll(cx, Side::Reader, is_free)).await;
        }
    }

    /// Gives work up. Work that was given up before stays so.
    fn lose(&self, loss: Loss) {
        let presence = &self.0.presence;
        if loss <= presence.noted_loss() {
            return;
        }
        if presence.noted_loss() == Loss::None {
            tracing::error!("cannot refresh this session; its work is given up");
        }
        presence.set(loss);
        for live in self.0.registry.all() {
            // The attempts notice this.
            live.update(Side::Reader, |_| ());
        }
    }

    /// Continues: the session is certainly alive.
    fn hold(&self, hold: &mut Hold) {
        let presence = &self.0.presence;
        presence.note_refresh(hold.since);
        // The call may have taken that long.
        if hold.loss() == Loss::None {
            presence.set(Loss::None);
        }
        presence.refreshed.notify_waiters();
        if std::mem::take(&mut hold.is_unheard) {
            presence.heard.notify_waiters();
        }
    }

    fn take_in(&self, refreshed: Refreshed, asked: Instant) {
        let presence = &self.0.presence;
        if let (Some(time), Some(shown)) = (&presence.time, refreshed.time) {
            time.set(shown, asked);
        }
        if refreshed.freed > 0 {
            tracing::info!(
                freed = refreshed.freed,
                "took over the transactions of a dead session"
            );
        }
        if refreshed.live > 0 {
            self.0.replicas.set(refreshed.live);
        }
        self.publish_beside();
        // Others may have queued something, or given it back.
        self.some_are_due(self.clock().now());
        self.see_to(refreshed.to_cancel);
    }

    /// Cancels what other processes want cancelled, and forgets drafts that they have given up, unless that is
    /// being done already.
    fn see_to(&self, ids: Vec<TransactionId>) {
        let now = self.clock().now();
        let mut drafts = self.0.registry.all();
        drafts.retain(|live| is_overdue_draft(&live.lock(), now));
        if ids.is_empty() && drafts.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.0.presence.seeing_to).try_acquire_owned() else {
            return;
        };
        let storage = self.clone();
        self.spawn(async move {
            for id in ids {
                if let Err(error) = storage.cancel_by_id(id).await {
                    tracing::warn!(transaction = %id, error = %Causes(&error), "could not cancel a transaction");
                }
            }
            for live in drafts {
                // The next refresh tries again.
                let _ = storage.forget_given_up(&live).await;
            }
            drop(permit);
        });
    }

    /// Notes that a draft is over, if it is.
    async fn forget_given_up(&self, live: &Live) -> Result<(), BackendError> {
        let now = self.clock().now();
        let stored = self.backend().find(live.id).await?;
        let Some(stored) = stored.filter(|stored| stored.status.is_final()) else {
            return Ok(());
        };
        live.update(Side::Reader, |state| {
            // Whoever has leased it here reports that.
            if is_overdue_draft(state, now) {
                state.durability = Durability::Settled;
                state.is_abandoned = true;
                state.recipients = stored.recipients;
                state.settle(stored.status);
            }
        });
        Ok(())
    }

    async fn cancel_by_id(&self, id: TransactionId) -> Result<(), BackendError> {
        match self.watch(id).await? {
            Some(watch) => self.cancel(&watch).await,
            None => Ok(()),
        }
    }
}

impl Presence {
    fn set(&self, loss: Loss) {
        self.loss.store(loss as u32, Ordering::Release);
        let is_sound = loss == Loss::None;
        self.is_sound.send_if_modified(|known| {
            let is_news = *known != is_sound;
            *known = is_sound;
            is_news
        });
    }
}

/// Whether it is a draft that was due to be given up by then, by any process.
fn is_overdue_draft(state: &State, now: Timestamp) -> bool {
    let is_due = matches!(&state.status, Some(Status::Due(due)) if due.at <= now);
    state.durability == Durability::Draft && is_due
}

/// Keeps the session until the storage is dropped, or the session has left.
async fn keep(storage: Weak<Inner>, mut hold: Hold) {
    let mut next = hold.since + eighths(hold.term, 1);
    loop {
        sleep_until(next).await;
        let Some(storage) = storage.upgrade().map(Storage) else {
            return;
        };
        if storage.0.presence.lock().has_left {
            return;
        }
        next = storage.refresh(&mut hold).await;
    }
}
