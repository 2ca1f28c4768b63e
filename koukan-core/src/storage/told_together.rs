//! Transactions of one message in a single notification.
//!
//! Each recipient of a message may be a transaction of its own. Those to be notified at the same time are
//! leased together, and end in one commit with the notification about all of them. So no recipient is
//! reported twice, whatever fails, and whenever the process ends.
//!
//! Attempts that are delayed at the same time end in one commit in the same way.

use std::{iter, mem, sync::Arc};

use super::{
    AttemptEnd, BackendError, Lease,
    conclude::final_reason,
    ending::{Ending, News},
    record::{MessageKey, NewTransaction, Settlement, Status},
};

/// The most transactions of which one notification tells: as many as a message may have recipients by default. All of them
/// are in memory until the commit.
pub(crate) const TOLD_MAX: usize = 1000;

impl Lease {
    /// The transactions in one notification, this one first.
    pub(crate) fn told_together(&self) -> impl Iterator<Item = &Self> {
        iter::once(self).chain(&self.others)
    }

    /// Separates those that need notifications of their own: a filter may have changed the reverse-path,
    /// or the notification.
    pub(crate) fn into_told_apart(mut self) -> Vec<Self> {
        let others = mem::take(&mut self.others);
        let mut apart = vec![self];
        for other in others {
            match apart.iter_mut().find(|first| first.is_told_with(&other)) {
                Some(first) => first.others.push(other),
                None => apart.push(other),
            }
        }
        apart
    }

    /// What those have in common that may be in one notification; a suspect is told of alone.
    pub(crate) fn told_by(&self) -> Option<MessageKey> {
        self.message_key.filter(|_| !self.is_suspect)
    }

    /// Whether one notification may be about both, as far as the senders and the message are concerned.
    pub(crate) fn is_told_with(&self, other: &Self) -> bool {
        self.mail() == other.mail() && self.trace_id() == other.trace_id()
    }

    /// Ends a lease for a notification, and its companions: queues the notification, if there is one, and
    /// marks the transactions final, in one commit.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`]. If one of the leases is lost, the others are given back.
    ///
    /// # Cancel safety
    ///
    /// As [`Lease::finish`].
    pub async fn notified(
        mut self,
        notification: Option<NewTransaction>,
    ) -> Result<(), BackendError> {
        let Some(mut settlement) = self.over() else {
            self.let_others_go();
            return Ok(());
        };
        settlement.notification = notification.map(Box::new);
        let mut lives = Vec::with_capacity(self.others.len());
        for mut other in mem::take(&mut self.others) {
            if let Some(over) = other.over() {
                lives.push(Arc::clone(&other.live));
                settlement.together.push(over);
            }
        }
        let (storage, live) = (self.storage.clone(), Arc::clone(&self.live));
        Ending::of_several(storage, live, (settlement, News::Over), lives)
            .write()
            .await
    }

    /// Ends leases with the results of their attempts, as [`Lease::finish`] does, all in one commit, in which the
    /// notification about them is queued.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`]. If one of the leases is lost, the others are given back.
    ///
    /// # Cancel safety
    ///
    /// As [`Lease::finish`].
    pub(crate) async fn finish_together(
        ends: impl IntoIterator<Item = (Self, AttemptEnd)>,
        notification: Option<Box<NewTransaction>>,
    ) -> Result<(), BackendError> {
        let mut parts = Vec::new();
        let ended = ends.into_iter().filter_map(|(mut lease, end)| {
            let end = lease.pass_on(end)?;
            parts.append(&mut lease.parts);
            let (storage, live) = (lease.storage.clone(), Arc::clone(&lease.live));
            let settlement = storage.settlement_of_lease(&live, end);
            Some((storage, live, settlement))
        });
        let mut ended = ended.collect::<Vec<_>>().into_iter();
        let Some((storage, live, mut settlement)) = ended.next() else {
            return Ok(());
        };
        let others = ended.map(|(_, live, settlement)| (live, settlement));
        let (lives, together) = others.unzip();
        settlement.together = together;
        settlement.notification = notification;
        let ending = Ending::of_several(storage, live, (settlement, News::Attempted), lives);
        ending.with_parts(parts).write().await
    }

    /// The end of the transaction, if it is in the durable tier.
    fn over(&mut self) -> Option<Settlement> {
        self.is_finished = true;
        let (fence, _) = self.token()?;
        let recipients = self.recipients();
        Some(Settlement {
            id: self.id(),
            session: self.storage.session(),
            fence,
            attempt: None,
            status: Status::Final(final_reason(&recipients)),
            recipients,
            notification: None,
            kept: Vec::new(),
            events: Vec::new(),
            together: Vec::new(),
        })
    }

    /// Gives back the companions in the same notification.
    pub(super) fn let_others_go(&mut self) {
        for mut other in mem::take(&mut self.others) {
            other.is_finished = true;
            if let Some(fence) = other.forget_attempt() {
                let released = other.storage.releasing(&other.live, fence);
                released.write_in_background();
            }
        }
    }
}
