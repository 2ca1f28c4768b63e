//! Leases for one message that are taken together: attempts and notifications.

use std::time::Duration;

use jiff::Timestamp;

use crate::body::Copies;

use super::{
    BackendError, Lease, Storage,
    conclude::TOLD_TOGETHER,
    lease_drop::Stopper,
    record::{Companions, MessageKey, SchedulingKey, Work},
    told_together::TOLD_MAX,
};

/// The largest number of attempts in a company: the number of recipients that every host must accept in a transaction
/// (RFC 5321 section 4.5.3.1.8).
const ATTEMPTS_MAX: usize = 100;
/// How much earlier than due an attempt may be made with others: transactions that failed together have not failed at
/// the same instant.
const EARLY: Duration = Duration::from_secs(1);

/// Which transactions are leased in addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    /// Those that are due.
    Due,
    /// All that wait, whenever they are due: they have waited for hosts that may be there again.
    All,
}

/// How many leases may be taken in addition, by their work.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    pub(crate) attempts: usize,
    pub(crate) notifications: usize,
}

/// What leases in a company have in common: the message, and the destination of attempts.
type Common = (MessageKey, Option<SchedulingKey>);

/// At least one lease: attempts at one message for one destination, so that an endpoint can make them in one
/// exchange with a host; or notifications about one message; or a single lease with any work.
#[derive(Debug)]
pub(crate) struct Company {
    first: Lease,
    others: Vec<Lease>,
    /// What they have in common, if there may be others.
    common: Option<Common>,
}

impl Company {
    /// Forms companies out of leases, in their order.
    pub(crate) fn all(leases: Vec<Lease>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::with_capacity(leases.len());
        for lease in leases {
            let common = common(&lease);
            let mut open = all.iter_mut().rev();
            let is_it = |company: &&mut Self| common.is_some() && company.common == common;
            match open.find(is_it).filter(|company| company.room() > 0) {
                Some(company) => company.others.push(lease),
                None => all.push(Self {
                    first: lease,
                    others: Vec::new(),
                    common,
                }),
            }
        }
        all
    }

    /// The one that was leased first.
    pub(crate) fn first(&self) -> &Lease {
        &self.first
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// The leases, the first one first.
    pub(crate) fn leases(&self) -> impl Iterator<Item = &Lease> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The leases, the first one first, as copies of one message of which there are no more. Leases for
    /// notifications become one, with the others attached.
    pub(crate) fn into_leases(self) -> impl Iterator<Item = Lease> {
        let is_told = self.is_told();
        let Self {
            mut first,
            mut others,
            ..
        } = self;
        if is_told {
            first.others = std::mem::take(&mut others);
        } else if !others.is_empty() {
            let copies = Copies::new();
            let token = copies.token();
            if let Some(key) = first.message_key {
                // Further companies of the message are to meet these again.
                token.unit(|| key.unit(first.attempt_count()));
            }
            first.set_token(Some(token));
            for other in &mut others {
                other.set_token(Some(copies.token()));
                other.is_companion = true;
            }
        }
        std::iter::once(first).chain(others)
    }

    /// Whether these are notifications, which become one.
    pub(crate) fn is_told(&self) -> bool {
        self.first.work() == Work::Notify
    }

    fn room(&self) -> usize {
        let max = match self.is_told() {
            true => TOLD_MAX,
            false => ATTEMPTS_MAX,
        };
        max.saturating_sub(self.len())
    }

    fn wanted(&self, now: Timestamp, beside: Beside) -> Option<Companions> {
        let (message_key, destination) = self.common.clone()?;
        let until = match (&destination, beside) {
            (None, _) => now + TOLD_TOGETHER,
            (Some(_), Beside::All) => Timestamp::MAX,
            (Some(_), Beside::Due | Beside::Nothing) => now + EARLY,
        };
        let limit = self.room();
        (limit > 0).then_some(Companions {
            message_key,
            destination,
            until,
            limit,
        })
    }
}

/// What a lease has in common with its companions.
fn common(lease: &Lease) -> Option<Common> {
    let message_key = lease.message_key.filter(|_| !lease.is_suspect)?;
    match lease.work() {
        Work::Attempt => Some((message_key, Some(lease.scheduling_key()?))),
        Work::Notify => Some((message_key, None)),
        Work::Abandon => None,
    }
}

impl Storage {
    /// Leases transactions with the message of this lease that wait for the same destination, whenever they are due; at
    /// most `limit`.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, they count as failed attempts.
    pub(crate) async fn lease_beside(
        &self,
        lease: &Lease,
        limit: usize,
    ) -> Result<Vec<Lease>, BackendError> {
        let Some((message_key, destination @ Some(_))) = common(lease) else {
            return Ok(Vec::new());
        };
        let wanted = Companions {
            message_key,
            destination,
            until: Timestamp::MAX,
            limit,
        };
        let session = self.0.presence.leasing()?;
        let (now, backend) = (self.0.clock.now(), self.backend());
        let leased = backend.lease_companions(session, now, vec![wanted], limit);
        let leases = leased.await?.into_iter();
        let leases = leases.filter_map(|one| self.give_out(one, session));
        Ok(leases.collect())
    }

    /// Leases what can be done together with these, as `beside` says, at most so much in all.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; earlier leases stay.
    ///
    /// # Cancel safety
    ///
    /// If the future and the companies are dropped, all leases are given back.
    pub(crate) async fn lease_companions(
        &self,
        companies: &mut [&mut Company],
        beside: Beside,
        limits: Limits,
    ) -> Result<(), BackendError> {
        if beside == Beside::Nothing {
            return Ok(());
        }
        let attempts = self.lease_some(companies, (beside, false), limits.attempts);
        let attempts = attempts.await;
        let notifications = self.lease_some(companies, (beside, true), limits.notifications);
        attempts.and(notifications.await)
    }

    /// The same for companies with notifications, or for the others.
    async fn lease_some(
        &self,
        companies: &mut [&mut Company],
        (beside, is_told): (Beside, bool),
        limit: usize,
    ) -> Result<(), BackendError> {
        let now = self.0.clock.now();
        let wanted = companies
            .iter()
            .filter(|company| company.is_told() == is_told);
        let wanted = wanted.filter_map(|company| company.wanted(now, beside));
        let wanted: Vec<_> = wanted.collect();
        if wanted.is_empty() || limit == 0 {
            return Ok(());
        }
        let session = self.0.presence.leasing()?;
        let leases = companies.iter().flat_map(|company| company.leases());
        let stoppers: Vec<_> = leases.map(Lease::stopper).collect();
        let backend = self.backend();
        let leased = backend.lease_companions(session, now, wanted, limit);
        let leased = leased.await;
        stoppers.into_iter().for_each(Stopper::disarm);
        let leased = leased?.into_iter();
        for lease in leased.filter_map(|one| self.give_out(one, session)) {
            let own = common(&lease);
            let is_own = |company: &&mut Company| own.is_some() && company.common == own;
            // If it has another destination by now, the endpoint notices that.
            let is_copy = |company: &&mut Company| {
                let common = company.common.as_ref().zip(own.as_ref());
                common.is_some_and(|(one, other)| {
                    one.0 == other.0 && one.1.is_some() && other.1.is_some()
                })
            };
            let index = companies.iter().position(is_own);
            match index.or_else(|| companies.iter().position(is_copy)) {
                Some(index) => companies[index].others.push(lease),
                None => {
                    // Nobody has asked for it.
                    drop(lease.stopper());
                    drop(lease);
                }
            }
        }
        Ok(())
    }
}
