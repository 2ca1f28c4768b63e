//! What whoever operates the agent has stopped by destination.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    BackendError, Storage,
    record::{Suspension, SuspensionChange},
};

/// Destinations that may be suspended at a time.
const SUSPENDED_MAX: usize = 10_000;

/// Destinations for which nothing is attempted, as they stand in the backend.
#[derive(Debug, Default)]
pub(super) struct Suspensions {
    by_host: Mutex<BTreeMap<Box<str>, Suspension>>,
    /// How many there are: each attempt wants to know whether there is any.
    count: AtomicUsize,
    /// Held while one changes, here and in the backend: what the two are told comes in the same order.
    changing: tokio::sync::Mutex<()>,
}

/// What came of a suspension that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    /// From now on it is.
    Now,
    /// It was before, and stays as it was.
    Before,
    /// It is not: too many are.
    TooMany,
}

impl Suspensions {
    pub(super) fn new(all: Vec<Suspension>) -> Self {
        let new = Self::default();
        for suspension in all {
            new.change(SuspensionChange::Suspend(suspension));
        }
        new
    }

    fn change(&self, change: SuspensionChange) {
        let mut by_host = self.lock();
        match change {
            SuspensionChange::Suspend(suspension) => {
                by_host.entry(suspension.host.clone()).or_insert(suspension);
            }
            SuspensionChange::Resume(host) => {
                by_host.remove(&host);
            }
        }
        self.count.store(by_host.len(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Suspension>> {
        self.by_host.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Stops attempts for a host or a domain until it is resumed, also after a restart; those under way
    /// go on.
    ///
    /// *Shape*: as [`SchedulingKey::host`](super::record::SchedulingKey::host) tells it, in lower case.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it may be stopped in the backend alone, until it is asked for again or the
    /// process begins anew.
    pub async fn suspend(&self, host: &str, by: &str) -> Result<Suspended, BackendError> {
        let _changing = self.0.suspensions.changing.lock().await;
        if self.suspension(host).is_some() {
            return Ok(Suspended::Before);
        }
        if self.0.suspensions.count.load(Ordering::Acquire) >= SUSPENDED_MAX {
            return Ok(Suspended::TooMany);
        }
        let change = SuspensionChange::Suspend(Suspension {
            host: host.into(),
            since: self.clock().now(),
            by: by.into(),
        });
        // Before it is known here, so that what is given back is not leased again.
        self.backend().change_suspension(change.clone()).await?;
        self.0.suspensions.change(change);
        Ok(Suspended::Now)
    }

    /// Has what goes to a host or a domain attempted again; `false` where it was not suspended.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then it stays suspended, as far as the backend can tell.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it may stay suspended in the backend, until it is asked for again.
    pub async fn resume_destination(&self, host: &str) -> Result<bool, BackendError> {
        let _changing = self.0.suspensions.changing.lock().await;
        let before = self.suspension(host);
        let change = SuspensionChange::Resume(host.into());
        // Before it is known there, so that what is leased then is not given back.
        self.0.suspensions.change(change.clone());
        if let Err(error) = self.backend().change_suspension(change).await {
            match self.backend().suspensions().await {
                // Only the answer was lost.
                Ok(all) if all.iter().all(|one| *one.host != *host) => {}
                stands => {
                    // What is suspended here alone would be leased and given back again and again.
                    if let (Ok(_), Some(before)) = (stands, before) {
                        let back = SuspensionChange::Suspend(before);
                        self.0.suspensions.change(back);
                    }
                    return Err(error);
                }
            }
        }
        self.some_are_due(self.clock().now());
        Ok(before.is_some())
    }

    /// Whether attempts for any destination are stopped.
    pub fn is_any_suspended(&self) -> bool {
        self.0.suspensions.count.load(Ordering::Acquire) > 0
    }

    /// Whether attempts for a host or a domain are stopped.
    pub fn is_suspended(&self, host: &str) -> bool {
        self.is_any_suspended() && self.0.suspensions.lock().contains_key(host)
    }

    /// Since when and by whom attempts for a host or a domain are stopped, where they are.
    pub fn suspension(&self, host: &str) -> Option<Suspension> {
        self.0.suspensions.lock().get(host).cloned()
    }

    /// All that is suspended, in the order of names.
    pub fn suspensions(&self) -> Vec<Suspension> {
        self.0.suspensions.lock().values().cloned().collect()
    }
}
