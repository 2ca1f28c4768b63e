//! Addresses to which senders send nothing, since they were found to be bad.

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

/// Findings of attempts that are being written by themselves, at most.
const WRITING_MAX: usize = 64;

/// What is suppressed, as it stands in the backend.
pub(super) struct Suppressions {
    /// For how long an address is suppressed, by the sender's name; of others none is.
    expiries: OnceLock<HashMap<Box<str>, Duration>>,
    known: Mutex<SuppressionList>,
    /// Held while whoever operates the agent changes one, here and in the backend.
    changing: tokio::sync::Mutex<()>,
    /// Findings of attempts that may yet be written by themselves.
    writing: Arc<Semaphore>,
}

impl Suppressions {
    pub(super) fn new(all: Vec<Suppression>) -> Self {
        let new = Self {
            expiries: OnceLock::new(),
            known: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            writing: Arc::new(Semaphore::new(WRITING_MAX)),
        };
        all.into_iter().for_each(|one| new.lock().keep(one));
        new
    }

    fn lock(&self) -> MutexGuard<'_, SuppressionList> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage {
    /// Has addresses suppressed that are found to be bad, by the name of the sender, for so long. Must be
    /// said before the storage is used; without it none is.
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

    /// Whether a sender may have addresses now to which nothing is sent.
    pub(crate) fn suppresses_any(&self, sender: &str) -> bool {
        self.suppresses_for(sender).is_some() && self.0.suppressions.lock().has_any(sender)
    }

    /// What holds for an address.
    pub fn suppression(&self, sender: &str, mailbox: &Mailbox) -> Option<Suppression> {
        let (address, now) = (suppressed_address(mailbox), self.clock().now());
        let known = self.0.suppressions.lock();
        known.find(sender, &address, now).cloned()
    }

    /// What holds for a sender, in the order of addresses, after one of them.
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

    /// Suppresses an address, in place of what held for it before.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then all is as it was, as far as the backend can tell.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it may hold in the backend alone, until the process begins anew.
    pub async fn keep_suppression(&self, one: Suppression) -> Result<(), BackendError> {
        let _changing = self.0.suppressions.changing.lock().await;
        let change = SuppressionChange::Keep(one.clone());
        self.backend().change_suppression(change).await?;
        let now = self.clock().now();
        let mut known = self.0.suppressions.lock();
        known.expire(now);
        known.keep(one);
        Ok(())
    }

    /// Has an address sent to again; returns what held for it.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then it stays suppressed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it may stay suppressed, until it is asked for again or the process begins
    /// anew.
    pub async fn remove_suppression(
        &self,
        sender: &str,
        mailbox: &Mailbox,
    ) -> Result<Option<Suppression>, BackendError> {
        let _changing = self.0.suppressions.changing.lock().await;
        let address = suppressed_address(mailbox);
        let change = SuppressionChange::Remove {
            sender: sender.into(),
            address: address.clone(),
        };
        self.backend().change_suppression(change).await?;
        Ok(self.0.suppressions.lock().remove(sender, &address))
    }

    /// Writes what an attempt has found out that is not written itself. Where the backend is behind with that, it
    /// holds here alone, until the process begins anew.
    pub(crate) fn keep_found(&self, found: Vec<Suppression>) {
        if found.is_empty() {
            return;
        }
        let Ok(writing) = Arc::clone(&self.0.suppressions.writing).try_acquire_owned() else {
            tracing::debug!("too many bad addresses wait to be written, some were left out");
            return;
        };
        let backend = Arc::clone(self.backend());
        self.spawn(async move {
            let _writing = writing;
            for one in found {
                let change = SuppressionChange::Keep(one);
                if let Err(error) = backend.change_suppression(change).await {
                    tracing::warn!(error = %Causes(&error), "a bad address is not remembered");
                }
            }
        });
    }

    /// Notes in an attempt which addresses it has found to be bad, where its sender has them suppressed: from
    /// now on they are, and they stay so with the commit that writes the attempt.
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
            // It may be that nobody ever writes the attempt.
            self.keep_found(bad.clone());
        }
        attempt.suppresses = bad;
    }
}
