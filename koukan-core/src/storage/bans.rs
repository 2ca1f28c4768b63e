//! What other processes have suspended and suppressed.
//!
//! Every attempt asks whether a destination is suspended, or an address suppressed, so each process has all of them in
//! memory. Where several share a backend, its tables are the truth, and memory follows them: the backend numbers the
//! changes of all processes, in the order of their commits, and a process asks for those after the last that it knows.
//!
//! | when | why |
//! |---|---|
//! | the backend notifies it of a change | others know it within moments; nothing depends on that |
//! | an eighth of a session's term has passed | where no notification came |
//! | an operator asks for something, or changes it | each process gives the same answer |
//! | it has leased what it knows as suspended | the backend leases nothing of that, so it has been resumed |
//!
//! Changes that were noted in memory here are among those that are read, which does no harm: what is read is how things
//! are now. A process that does not reach the backend goes by what it knew last.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{MutexGuard, watch},
    time::{sleep, timeout},
};

use crate::{causes::Causes, supervision::contain};

use super::{
    Backend, BackendError, Inner, Lease, Storage,
    record::{BanChange, SuspensionChange},
    spellings,
    suppressions::Suppressions,
    suspensions::Suspensions,
};

/// Which of the backend's changes are in memory.
#[derive(Debug, Default)]
pub(super) struct Bans {
    /// The number of the last one. Held during a change, so that memory and backend see changes in the same order.
    known: tokio::sync::Mutex<u64>,
}

impl Bans {
    /// Reads everything when a process begins.
    pub(super) async fn read(
        backend: &dyn Backend,
    ) -> Result<(Self, Suspensions, Suppressions), BackendError> {
        // The number first: what changes meanwhile is read again.
        let number = match backend.session_term() {
            Some(_) => backend.bans_changed(None).await?.number,
            None => 0,
        };
        let suspensions = Suspensions::new(spellings::suspensions(backend).await?);
        let suppressions = Suppressions::new(spellings::suppressions(backend).await?);
        let known = tokio::sync::Mutex::new(number);
        Ok((Self { known }, suspensions, suppressions))
    }
}

impl Storage {
    /// Takes in what other processes have suspended, resumed and suppressed. Does nothing where the store belongs to this
    /// process.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then memory is as it was before, or has a part of the changes.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, some changes may have been taken in; the next call takes in all of them.
    pub(crate) async fn catch_up(&self) -> Result<(), BackendError> {
        match self.0.presence.is_shared() {
            true => self.changing_bans().await.map(drop),
            false => Ok(()),
        }
    }

    /// The right to change suspensions and suppressions, here and in the backend; memory knows what others have changed.
    pub(super) async fn changing_bans(&self) -> Result<MutexGuard<'_, u64>, BackendError> {
        let mut known = self.0.bans.known.lock().await;
        if self.0.presence.is_shared() {
            self.take_in_bans(&mut known).await?;
        }
        Ok(known)
    }

    async fn take_in_bans(&self, known: &mut u64) -> Result<(), BackendError> {
        let changed = self.backend().bans_changed(Some(*known)).await?;
        let had = self.is_any_suspended();
        let is_resumption = match changed.changes {
            // An older version has changed one under a name that is renamed here.
            Some(changes) if !changes.iter().any(spellings::is_renamed) => {
                let is_resumption = { changes.iter() }.any(|change| {
                    matches!(change, BanChange::Suspension(SuspensionChange::Resume(_)))
                });
                changes
                    .into_iter()
                    .for_each(|change| self.take_in_ban(change));
                is_resumption
            }
            _ => {
                let suspensions = spellings::suspensions(&**self.backend()).await?;
                let suppressions = spellings::suppressions(&**self.backend()).await?;
                self.0.suspensions.replace(suspensions);
                self.0.suppressions.replace(suppressions);
                true
            }
        };
        *known = changed.number;
        if had && is_resumption {
            self.some_are_due(self.clock().now());
        }
        Ok(())
    }

    fn take_in_ban(&self, change: BanChange) {
        match change {
            BanChange::Suspension(change) => self.0.suspensions.change(change),
            BanChange::Suppression(change) => self.0.suppressions.change(change),
        }
    }

    /// Follows the changes of other processes while this storage is held.
    pub(super) fn follow_bans(&self) {
        let Some(interval) = self.0.presence.interval() else {
            return;
        };
        // Whoever opens storage has a runtime.
        if let Ok(runtime) = Handle::try_current() {
            let notified = self.backend().bans_notified();
            runtime.spawn(follow(Arc::downgrade(&self.0), notified, interval));
        }
    }
}

impl Lease {
    /// Whether no attempt may be made, since the destination of all of it is suspended, as far as the backend can tell.
    ///
    /// Nobody leases an attempt at a suspended destination. So if memory says that it is suspended, others may have
    /// resumed it.
    pub(crate) async fn stays_suspended(&self) -> bool {
        self.is_suspended() && (self.storage.catch_up().await.is_err() || self.is_suspended())
    }
}

/// Takes in changes when the backend notifies this process of some, and at this interval, until the storage is dropped or
/// the session has left.
async fn follow(
    storage: Weak<Inner>,
    mut notified: Option<watch::Receiver<u64>>,
    interval: Duration,
) {
    loop {
        tokio::select! {
            biased;
            () = hear(&mut notified) => {}
            () = sleep(interval) => {}
        }
        let Some(storage) = storage.upgrade().map(Storage) else {
            return;
        };
        if storage.has_left() {
            return;
        }
        // The storage is not held for longer than that.
        let caught_up = timeout(interval * 4, contain(storage.catch_up()));
        if let Ok(Ok(Err(error))) = caught_up.await {
            tracing::debug!(error = %Causes(&error), "what other agents have suspended or suppressed is not known");
        }
    }
}

/// Waits for a notification.
async fn hear(notified: &mut Option<watch::Receiver<u64>>) {
    if let Some(receiver) = notified
        && receiver.changed().await.is_ok()
    {
        return;
    }
    // Nobody notifies this process, or nobody does so any more.
    *notified = None;
    std::future::pending::<()>().await;
}
