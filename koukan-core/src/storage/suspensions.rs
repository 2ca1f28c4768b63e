//! Destinations that operators have suspended.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    BackendError, Storage,
    record::{Suspension, SuspensionChange},
    spellings::{earlier_names, is_earlier_name},
};

/// How many destinations may be suspended at a time.
const SUSPENDED_MAX: usize = 10_000;

/// The suspended destinations, as in the backend.
#[derive(Debug, Default)]
pub(super) struct Suspensions {
    by_host: Mutex<BTreeMap<Box<str>, Suspension>>,
    /// Their number: each attempt asks whether there are any.
    count: AtomicUsize,
}

/// The result of a suspension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    /// It is suspended now.
    Now,
    /// It was suspended before, and is unchanged.
    Before,
    /// It is not suspended: too many are.
    TooMany,
}

impl Suspensions {
    pub(super) fn new(all: Vec<Suspension>) -> Self {
        let new = Self::default();
        new.replace(all);
        new
    }

    /// Replaces all of them.
    pub(super) fn replace(&self, all: Vec<Suspension>) {
        let mut by_host = self.lock();
        by_host.clear();
        for one in all {
            by_host.entry(one.host.clone()).or_insert(one);
        }
        self.count.store(by_host.len(), Ordering::Release);
    }

    pub(super) fn change(&self, change: SuspensionChange) {
        let mut by_host = self.lock();
        match change {
            SuspensionChange::Suspend(suspension) => {
                by_host.insert(suspension.host.clone(), suspension);
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
    /// Suspends a host or domain until it is resumed, also across restarts. Current attempts go on. Other processes over
    /// the same backend learn of it within moments; before that they may begin an attempt whose client waits.
    ///
    /// *Shape*: as [`SchedulingKey::host`](super::record::SchedulingKey::host) returns it, in lower
    /// case.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it may be suspended in the backend only, until the call is repeated, the process
    /// restarts, or, if others share the backend, this process asks for changes.
    pub async fn suspend(&self, host: &str, by: &str) -> Result<Suspended, BackendError> {
        let _changing = self.changing_bans().await?;
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
        // The backend first, so that transactions that are given back are not leased again.
        self.backend().change_suspension(change.clone()).await?;
        self.0.suspensions.change(change);
        Ok(Suspended::Now)
    }

    /// Resumes a host or domain; `false` where it was not suspended.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then it is still suspended, as far as the backend can tell.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it may stay suspended in the backend, until the call is repeated.
    pub async fn resume_destination(&self, host: &str) -> Result<bool, BackendError> {
        let _changing = self.changing_bans().await?;
        let before = self.suspension(host);
        let change = SuspensionChange::Resume(host.into());
        // Memory first, so that transactions that are leased then are not given back.
        self.0.suspensions.change(change.clone());
        if let Err(error) = self.write_resumption(host, change).await {
            let is_it = |one: &Suspension| *one.host == *host || is_earlier_name(&one.host, host);
            match self.backend().suspensions().await {
                // Only the answer was lost.
                Ok(all) if !all.iter().any(is_it) => {}
                stands => {
                    // A suspension in memory only would cause leases that are given back again and
                    // again.
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

    async fn write_resumption(
        &self,
        host: &str,
        change: SuspensionChange,
    ) -> Result<(), BackendError> {
        for earlier in earlier_names(&**self.backend(), host).await? {
            let change = SuspensionChange::Resume(earlier);
            self.backend().change_suspension(change).await?;
        }
        self.backend().change_suspension(change).await
    }

    /// Whether any destination is suspended.
    pub fn is_any_suspended(&self) -> bool {
        self.0.suspensions.count.load(Ordering::Acquire) > 0
    }

    /// Whether a host or domain is suspended.
    pub fn is_suspended(&self, host: &str) -> bool {
        self.is_any_suspended() && self.0.suspensions.lock().contains_key(host)
    }

    /// Since when and by whom a host or domain is suspended, if it is.
    pub fn suspension(&self, host: &str) -> Option<Suspension> {
        self.0.suspensions.lock().get(host).cloned()
    }

    /// All suspensions, in the order of names.
    pub fn suspensions(&self) -> Vec<Suspension> {
        self.0.suspensions.lock().values().cloned().collect()
    }
}
