//! Leasing due transactions, and waiting for them.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use crate::{
    clock::SharedClock,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    BackendError, Lease, Storage,
    destinations::LATE,
    live::Live,
    pace::Pace,
    record::{Due, SchedulingKey, Standing, Status, TransactionId, Work},
};

/// How long to wait at least after a look that finds nothing, so that looks do not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// When to look for due transactions next.
#[derive(Default)]
pub(super) struct Looks {
    /// Notified when something is due before `next`.
    is_due: Notify,
    /// Notified when transactions were made due that were not.
    some_are_due: Notify,
    next: Mutex<Next>,
}

/// What is waited for.
#[derive(Debug, Default)]
struct Next {
    /// When it is due, as far as is known.
    at: Option<Timestamp>,
    /// The destinations whose attempts are not waited for.
    except: HashSet<SchedulingKey>,
}

impl Storage {
    /// Leases at most `limit` due transactions, except those that may have crashed the process (see
    /// [`Storage::lease_suspect`]) and attempts at the destinations in `except`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn lease_due(
        &self,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Lease>, BackendError> {
        self.lease_of(Standing::Clear, limit, except).await
    }

    /// Leases a due transaction that was leased when the process crashed; those in fewer crashes
    /// first. It should be attempted alone, so that its part is known if the process crashes again.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn lease_suspect(&self) -> Result<Option<Lease>, BackendError> {
        let mut suspect = self.lease_of(Standing::Suspect, 1, &[]).await?.pop();
        if let Some(lease) = &mut suspect {
            lease.is_suspect = true;
        }
        Ok(suspect)
    }

    /// Leases transactions by identity, whenever they are due, to attempt them. Those with other work
    /// are left out.
    ///
    /// # Errors
    ///
    /// The [`BackendError`] of one that failed, besides the leases.
    pub(crate) async fn lease_each(
        &self,
        ids: impl IntoIterator<Item = TransactionId>,
    ) -> (Vec<Lease>, Result<(), BackendError>) {
        // At the same time, so that they are committed together.
        let leased = ids.into_iter().map(async |id| {
            let backend = self.backend();
            let session = self.0.presence.leasing()?;
            let leased = backend.lease(id, session, Some(Work::Attempt));
            let leased = leased.await?;
            Ok(leased.and_then(|leased| {
                let lease = self.give_out(leased, session)?;
                // If the others are no longer waited for, it is given back.
                Some((lease.stopper(), lease))
            }))
        });
        let mut leases = Vec::new();
        let mut result = Ok(());
        for leased in join_all(leased).await {
            match leased {
                Ok(Some((stopper, lease))) => {
                    stopper.disarm();
                    leases.push(lease);
                }
                Ok(None) => {}
                Err(error) => result = Err(error),
            }
        }
        (self.read_together(leases), result)
    }

    /// As [`Storage::lease_due`], for transactions that have been due for so long that they are no
    /// longer held back.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub(crate) async fn lease_late(
        &self,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Lease>, BackendError> {
        let until = self.0.clock.now() - LATE;
        self.lease_until(until, Standing::Clear, limit, except)
            .await
    }

    async fn lease_of(
        &self,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Lease>, BackendError> {
        self.follow_clock().await?;
        let now = self.0.clock.now();
        self.lease_until(now, standing, limit, except).await
    }

    async fn lease_until(
        &self,
        until: Timestamp,
        standing: Standing,
        limit: usize,
        except: &[SchedulingKey],
    ) -> Result<Vec<Lease>, BackendError> {
        let backend = self.backend();
        let session = self.0.presence.leasing()?;
        let leased = backend.lease_due(session, until, standing, limit, except);
        let leased = leased.await?.into_iter();
        let leases = leased.filter_map(|one| self.give_out(one, session));
        let leases = leases.collect();
        Ok(self.read_together(leases))
    }

    /// Waits until something may be due, except attempts at the destinations in `except`: the time
    /// of the next due transaction has come, or one that is due before was committed.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn wait_due(&self, except: &[SchedulingKey]) -> Result<(), BackendError> {
        let looks = &self.0.looks;
        // Registered before looking, so that what is committed in between is not missed.
        let is_due = looks.is_due.notified();
        tokio::pin!(is_due);
        is_due.as_mut().enable();
        *looks.lock_next() = Next {
            at: None,
            except: except.iter().cloned().collect(),
        };
        let next = self.backend().next_due(Standing::Clear, except).await?;
        looks.lock_next().at = next;
        let Some(next) = next else {
            is_due.await;
            return Ok(());
        };
        let wait = until(next, &self.0.clock);
        tokio::select! {
            biased;
            () = sleep(wait) => {}
            () = is_due => {}
        }
        Ok(())
    }

    /// Waits until there may be a transaction for [`Storage::lease_suspect`]. There may be none when the process
    /// begins, and one later: a transaction that was held then, or whose destination was suspended; or one of another
    /// process that shares the backend.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn wait_suspect(&self) -> Result<(), BackendError> {
        let refreshed = self.0.presence.refreshed().notified();
        let some_are_due = self.0.looks.some_are_due.notified();
        tokio::pin!(refreshed, some_are_due);
        // Registered before looking.
        refreshed.as_mut().enable();
        some_are_due.as_mut().enable();
        let next = self.backend().next_due(Standing::Suspect, &[]).await?;
        let its_time = async {
            match next {
                Some(next) => sleep(until(next, &self.0.clock).max(PAUSE)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = its_time => {}
            () = some_are_due => {}
            () = refreshed => sleep(PAUSE).await,
        }
        Ok(())
    }

    /// Finds out when mail that is held back will be late, if that is unknown; except attempts at
    /// the destinations in `except`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it is still unknown.
    pub(crate) async fn know_late(&self, except: &[SchedulingKey]) -> Result<(), BackendError> {
        let destinations = self.destinations();
        if !destinations.is_late_known(except) {
            let next = self.backend().next_due(Standing::Clear, except).await?;
            destinations.late_is_known(next.map(|at| self.late_at(at)), except);
        }
        Ok(())
    }

    /// When a transaction that is due at that time is late.
    fn late_at(&self, at: Timestamp) -> Instant {
        let late = at.checked_add(LATE).unwrap_or(Timestamp::MAX);
        Instant::now() + until(late, &self.0.clock)
    }

    /// Wakes whoever waits for due transactions, if this one is due before what it waits for.
    pub(super) fn due_changed(&self, live: &Live, status: &Status) {
        self.due_changed_for(status, || {
            SchedulingKey::of(&live.context, &live.lock().recipients)
        });
    }

    /// As [`Storage::due_changed`], for a transaction with this destination.
    pub(super) fn due_changed_for(
        &self,
        status: &Status,
        destination: impl FnOnce() -> SchedulingKey,
    ) {
        let Status::Due(Due { at, work }) = status else {
            return;
        };
        let looks = &self.0.looks;
        let is_excepted = *work == Work::Attempt && !looks.lock_next().except.is_empty();
        let destination = is_excepted.then(destination);
        let (is_excepted, is_sooner) = {
            let next = looks.lock_next();
            let is_excepted = destination.is_some_and(|key| next.except.contains(&key));
            (is_excepted, next.at.is_none_or(|next| *at < next))
        };
        if is_excepted {
            self.destinations().will_be_late(self.late_at(*at));
        } else if is_sooner {
            looks.is_due.notify_waiters();
        }
    }

    /// Wakes whoever waits for due transactions, since something may be due.
    pub(super) fn look_for_due(&self) {
        self.0.looks.is_due.notify_waiters();
    }

    /// Wakes whoever waits for due transactions, since some are due now at the latest, at any
    /// destination.
    pub(super) fn some_are_due(&self, now: Timestamp) {
        self.destinations().will_be_late(self.late_at(now));
        self.0.looks.some_are_due.notify_waiters();
        self.look_for_due();
    }

    /// Checks whether the wall clock was set back, and makes everything due earlier by as much;
    /// otherwise mail would be kept for that long.
    async fn follow_clock(&self) -> Result<(), BackendError> {
        if self.0.presence.is_shared() {
            // The backend's clock counts.
            return Ok(());
        }
        let set_back = self.lock_pace().follow(self.0.clock.now(), Instant::now());
        if set_back.is_zero() {
            return Ok(());
        }
        warn_of_set_back(set_back);
        let brought = self.backend().bring_forward(set_back).await;
        if brought.is_err() {
            // The next look notices it again.
            self.lock_pace().go_back(set_back);
        }
        brought
    }

    fn lock_pace(&self) -> MutexGuard<'_, Pace> {
        self.0.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn warn_of_set_back(by: Duration) {
    tracing::warn!(
        seconds = by.as_secs(),
        "the wall clock was set back; queued transactions are due earlier by as much"
    );
}

fn until(at: Timestamp, clock: &SharedClock) -> Duration {
    Duration::try_from(at.duration_since(clock.now())).unwrap_or_default()
}

// === impl Lease ===

impl Lease {
    /// The destination of the transaction, if it is to be attempted.
    pub fn scheduling_key(&self) -> Option<SchedulingKey> {
        let destination = || SchedulingKey::of(&self.live.context, &self.live.lock().recipients);
        (self.work() == Work::Attempt).then(destination)
    }
}

// === impl Looks ===

impl Looks {
    fn lock_next(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
