//! Suppressed addresses, to which senders send nothing.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::{
    causes::Causes,
    path::Mailbox,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    BackendError, Lease, Storage,
    record::{Attempt, Suppression, SuppressionChange, suppressed_address},
    suppression_list::SuppressionList,
};

/// How many separate writes of findings may be under way.
const WRITING_MAX: usize = 64;

/// The suppressions, as in the backend.
pub(super) struct Suppressions {
    /// For how long addresses are suppressed, by the sender's name; other senders suppress none.
    expiries: OnceLock<HashMap<Box<str>, Duration>>,
    known: Mutex<SuppressionList>,
    /// Permits for separate writes of findings.
    writing: Arc<Semaphore>,
}

impl Suppressions {
    pub(super) fn new(all: Vec<Suppression>) -> Self {
        let new = Self {
            expiries: OnceLock::new(),
            known: Mutex::default(),
            writing: Arc::new(Semaphore::new(WRITING_MAX)),
        };
        new.replace(all);
        new
    }

    /// Replaces all of them.
    pub(super) fn replace(&self, all: Vec<Suppression>) {
        let mut list = SuppressionList::default();
        all.into_iter().for_each(|one| list.keep(one));
        *self.lock() = list;
    }

    pub(super) fn change(&self, change: SuppressionChange) {
        match change {
            SuppressionChange::Keep(one) => self.lock().keep(one),
            SuppressionChange::Remove { sender, address } => {
                self.lock().remove(&sender, &address);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, SuppressionList> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Sets, by sender name, for how long addresses that are found to be bad are suppressed. It must be
    /// called before the storage is used; without it none are.
    pub fn suppress(&self, expiries: impl IntoIterator<Item = (Box<str>, Duration)>) {
        // Once is enough.
        let _ = self
            .0
            .suppressions
            .expiries
            .set(expiries.into_iter().collect());
    }

    /// For how long a sender's bad addresses are suppressed; `None` where they are not.
    pub fn suppresses_for(&self, sender: &str) -> Option<Duration> {
        self.0.suppressions.expiries.get()?.get(sender).copied()
    }

    /// Whether a sender may have suppressed addresses now.
    pub(crate) fn suppresses_any(&self, sender: &str) -> bool {
        self.suppresses_for(sender).is_some() && self.0.suppressions.lock().has_any(sender)
    }

    /// The suppression of an address, if there is one.
    pub fn suppression(&self, sender: &str, mailbox: &Mailbox) -> Option<Suppression> {
        let (address, now) = (suppressed_address(mailbox), self.clock().now());
        let known = self.0.suppressions.lock();
        known.find(sender, &address, now).cloned()
    }

    /// A sender's suppressions, in the order of addresses, after this one.
    pub fn suppressions(
        &self,
        sender: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Suppression> {
        let now = self.clock().now();
        let mut known = self.0.suppressions.lock();
        known.expire(now);
        known.of_sender(sender, after, limit)
    }

    /// Suppresses an address, replacing an earlier suppression.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then nothing has changed, as far as the backend can tell.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the change may be in the backend only, until the process restarts, or, if others share
    /// the backend, asks for changes.
    pub async fn keep_suppression(&self, one: Suppression) -> Result<(), BackendError> {
        let _changing = self.changing_bans().await?;
        let change = SuppressionChange::Keep(one.clone());
        self.backend().change_suppression(change).await?;
        let now = self.clock().now();
        let mut known = self.0.suppressions.lock();
        known.expire(now);
        known.keep(one);
        Ok(())
    }

    /// Ends the suppression of an address. Returns it.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then it is still suppressed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it may stay suppressed, until the call is repeated or the process
    /// restarts.
    pub async fn remove_suppression(
        &self,
        sender: &str,
        mailbox: &Mailbox,
    ) -> Result<Option<Suppression>, BackendError> {
        let _changing = self.changing_bans().await?;
        let address = suppressed_address(mailbox);
        let change = SuppressionChange::Remove {
            sender: sender.into(),
            address: address.clone(),
        };
        self.backend().change_suppression(change).await?;
        Ok(self.0.suppressions.lock().remove(sender, &address))
    }

    /// Writes the findings of an attempt that is not recorded itself. If the backend is too slow for that, they
    /// are kept only in memory, until the process restarts.
    pub(crate) fn keep_found(&self, found: Vec<Suppression>) {
        if found.is_empty() {
            return;
        }
        let Ok(writing) = Arc::clone(&self.0.suppressions.writing).try_acquire_owned() else {
            tracing::debug!("too many bad addresses wait to be written, some were dropped");
            return;
        };
        let backend = Arc::clone(self.backend());
        self.spawn(async move {
            let _writing = writing;
            for one in found {
                let change = SuppressionChange::Keep(one);
                if let Err(error) = backend.change_suppression(change).await {
                    tracing::warn!(error = %Causes(&error), "a bad address could not be recorded");
                }
            }
        });
    }

    /// Notes the bad addresses in an attempt, if its sender suppresses them. They are suppressed from now on,
    /// and the commit of the attempt makes that durable.
    pub(crate) fn suppress_bad(&self, lease: &Lease, attempt: &mut Attempt) {
        let sender = &lease.context().sender.name;
        let Some(expiry) = self.suppresses_for(sender) else {
            return;
        };
        let (now, recipients) = (attempt.ended, lease.recipients());
        let until = now.checked_add(expiry).unwrap_or(Timestamp::MAX);
        let bad = recipients
            .iter()
            .enumerate()
            .filter_map(|(index, recipient)| {
                let reply = attempt.bad_address(index)?;
                let mailbox = recipient.rcpt.forward_path.mailbox()?;
                Some(Suppression {
                    sender: (&**sender).into(),
                    address: suppressed_address(mailbox),
                    since: now,
                    until,
                    reason: Suppression::reason(&reply.as_said().to_string()),
                })
            });
        let bad: Vec<_> = bad.collect();
        if bad.is_empty() {
            return;
        }
        let mut known = self.0.suppressions.lock();
        known.expire(now);
        bad.iter().for_each(|one| known.keep(one.clone()));
        drop(known);
        if !lease.is_stored() {
            // The attempt may never be written.
            self.keep_found(bad.clone());
        }
        attempt.suppresses = bad;
    }
}
