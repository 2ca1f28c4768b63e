//! Destinations that are held back: pure.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::{reply::Unreached, signals::HostPort};

use super::{Look, Passage, freed::Freed};
use crate::storage::record::{SchedulingKey, TransactionId};

/// The largest number of groups of hosts.
const HOLDS_MAX: usize = 1000;
/// The largest number of destinations that are held back, in all.
const KEYS_MAX: usize = 10_000;
/// The largest number of transactions that are remembered; others follow their own schedules.
const WAITING_MAX: usize = 100_000;
/// How long nobody follows a transaction that was to try the hosts and found out nothing.
const PAUSE: Duration = Duration::from_secs(1);
/// The earliest time after which hosts are tried again.
const SOONEST: Duration = Duration::from_millis(200);
/// How long hosts are remembered that nobody has tried, although it is time.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// How long a destination is not held back when some of its hosts answer and others do not.
const MIXED: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Default)]
pub(super) struct Holds {
    holds: Vec<Hold>,
    /// Destinations of all holds.
    keys: usize,
    /// Transactions of all holds, including those that have tried the hosts.
    waiting: usize,
    /// Transactions whose hosts answer again.
    freed: Freed,
    /// Destinations with several hosts of which one answered while another did not.
    mixed: BTreeMap<SchedulingKey, Instant>,
}

/// Hosts that do not answer, and their queued mail.
#[derive(Debug)]
pub(super) struct Hold {
    hosts: Box<[HostPort]>,
    /// When mail was first held back for it.
    since: Instant,
    /// From when on one transaction may be attempted.
    until: Instant,
    /// The transaction that is being attempted.
    probe: Option<TransactionId>,
    keys: BTreeSet<SchedulingKey>,
    /// Transactions that wait for the hosts, even if they are due later.
    waiting: BTreeMap<TransactionId, SchedulingKey>,
    /// Transactions that have tried the hosts, and follow their own schedules.
    tried: BTreeMap<TransactionId, SchedulingKey>,
}

impl Hold {
    pub(super) fn hosts(&self) -> &[HostPort] {
        &self.hosts
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &SchedulingKey> {
        self.keys.iter()
    }

    /// Whether these are its hosts. The order does not matter: it may be drawn for each attempt.
    fn is_of(&self, hosts: &[HostPort]) -> bool {
        self.hosts.len() == hosts.len() && hosts.iter().all(|host| self.hosts.contains(host))
    }

    /// Whether it is time to try the hosts.
    fn is_open(&self, now: Instant) -> bool {
        self.probe.is_none() && now >= self.until
    }
}

impl Holds {
    pub(super) fn holds(&self) -> &[Hold] {
        &self.holds
    }

    pub(super) fn is_empty(&self) -> bool {
        self.holds.is_empty() && self.freed.is_empty()
    }

    pub(super) fn look(&mut self, now: Instant, max: usize, full: &[SchedulingKey]) -> Look {
        self.forget(now);
        let mut look = Look::default();
        for hold in &mut self.holds {
            if hold.is_open(now)
                && look.probes.len() < max
                && let Some((id, _)) = hold.waiting.pop_first()
            {
                self.waiting -= 1;
                hold.probe = Some(id);
                look.probes.push(id);
            }
            if !hold.is_open(now) {
                look.held.extend(hold.keys.iter().cloned());
            }
        }
        let left = max.saturating_sub(look.probes.len());
        look.freed = self.freed.take(left, full);
        look
    }

    /// When the hosts that could not be tried at this look are to be tried next.
    pub(super) fn next(&self, look: Instant) -> Option<Instant> {
        let waiting = self.holds.iter().filter(|hold| hold.probe.is_none());
        waiting
            .map(|hold| hold.until)
            .filter(|until| *until > look)
            .min()
    }

    /// Whether a due transaction may be attempted.
    pub(super) fn ask(&mut self, key: &SchedulingKey, id: TransactionId, now: Instant) -> Passage {
        let Some(hold) = self.holds.iter_mut().find(|hold| hold.keys.contains(key)) else {
            return Passage::Free;
        };
        if !hold.is_open(now) {
            return Passage::HeldBack;
        }
        hold.probe = Some(id);
        Passage::Probe
    }

    /// Holds a destination back; `false` where that is not possible.
    pub(super) fn hold(
        &mut self,
        key: &SchedulingKey,
        id: TransactionId,
        unreached: &Unreached,
        now: Instant,
    ) -> bool {
        let is_mixed = self.mixed.get(key).is_some_and(|until| now < *until);
        let until = unreached.until.max(now + SOONEST);
        let same = |hold: &Hold| hold.is_of(&unreached.hosts);
        let index = match self.holds.iter().position(same) {
            Some(index) => index,
            None if is_mixed || self.holds.len() >= HOLDS_MAX => return false,
            None => {
                self.holds.push(Hold {
                    hosts: unreached.hosts.iter().cloned().collect(),
                    since: now,
                    until,
                    probe: None,
                    keys: BTreeSet::new(),
                    waiting: BTreeMap::new(),
                    tried: BTreeMap::new(),
                });
                self.holds.len() - 1
            }
        };
        let hold = &mut self.holds[index];
        hold.until = hold.until.max(until);
        hold.probe.take_if(|probe| *probe == id);
        if is_mixed {
            return false;
        }
        if !hold.keys.contains(key) {
            if self.keys >= KEYS_MAX {
                return false;
            }
            hold.keys.insert(key.clone());
            self.keys += 1;
        }
        true
    }

    pub(super) fn waits(&mut self, key: &SchedulingKey, id: TransactionId) {
        self.note(key, id, |hold| &mut hold.waiting);
    }

    /// Notes that the transaction has tried the hosts. It is attempted when they are there again, like
    /// those that wait, but does not try them again before its own schedule says so.
    pub(super) fn has_tried(&mut self, key: &SchedulingKey, id: TransactionId) {
        self.note(key, id, |hold| &mut hold.tried);
    }

    fn note(
        &mut self,
        key: &SchedulingKey,
        id: TransactionId,
        those: impl FnOnce(&mut Hold) -> &mut BTreeMap<TransactionId, SchedulingKey>,
    ) {
        let hold = self.holds.iter_mut().find(|hold| hold.keys.contains(key));
        let Some(hold) = hold else { return };
        let before = [hold.waiting.remove(&id), hold.tried.remove(&id)];
        self.waiting -= before.iter().flatten().count();
        if self.waiting + self.freed.len() < WAITING_MAX {
            those(hold).insert(id, key.clone());
            self.waiting += 1;
        }
    }

    /// Lets a transaction be attempted as soon as there is room; `false` where its destination is not
    /// held back.
    pub(super) fn let_through(&mut self, key: &SchedulingKey, id: TransactionId) -> bool {
        let hold = self.holds.iter_mut().find(|hold| hold.keys.contains(key));
        let Some(hold) = hold else { return false };
        if hold.waiting.remove(&id).is_some() {
            self.waiting -= 1;
        }
        if self.waiting + self.freed.len() < WAITING_MAX && !self.freed.contains(key, id) {
            self.freed.add(key.clone(), id);
        }
        true
    }

    /// Notes that a host has answered for this destination. Returns whether anything was released.
    pub(super) fn free(&mut self, key: &SchedulingKey, host: &HostPort, now: Instant) -> bool {
        let mut is_changed = false;
        let mut index = 0;
        while let Some(hold) = self.holds.get_mut(index) {
            if hold.hosts.contains(host) {
                let hold = self.holds.swap_remove(index);
                self.drop_hold(hold);
                is_changed = true;
                continue;
            }
            if hold.keys.remove(key) {
                // It has other hosts, too, so it need not wait for these.
                self.keys -= 1;
                self.mix(key, now);
                is_changed = true;
            }
            index += 1;
        }
        is_changed
    }

    /// Notes that an attempt has ended. Returns whether it was to try the hosts and found out
    /// nothing.
    pub(super) fn ended(&mut self, id: TransactionId, now: Instant) -> bool {
        let mut holds = self.holds.iter_mut();
        let Some(hold) = holds.find(|hold| hold.probe == Some(id)) else {
            return false;
        };
        hold.probe = None;
        hold.until = now + PAUSE;
        true
    }

    pub(super) fn put_back(&mut self, freed: Vec<(SchedulingKey, TransactionId)>) {
        for (key, id) in freed {
            self.freed.add(key, id);
        }
    }

    /// Forgets hosts that nobody asks for.
    fn forget(&mut self, now: Instant) {
        let mut index = 0;
        while let Some(hold) = self.holds.get(index) {
            if hold.is_open(now) && now >= hold.until + REMEMBERED {
                let hold = self.holds.swap_remove(index);
                self.drop_hold(hold);
            } else {
                index += 1;
            }
        }
        self.mixed.retain(|_, until| now < *until);
    }

    /// Releases what has waited for the hosts of a hold.
    fn drop_hold(&mut self, hold: Hold) {
        self.keys -= hold.keys.len();
        self.waiting -= hold.waiting.len() + hold.tried.len();
        // The last ones go first, since their schedules are far.
        for (id, key) in hold.waiting.into_iter().chain(hold.tried) {
            self.freed.add(key, id);
        }
    }

    fn mix(&mut self, key: &SchedulingKey, now: Instant) {
        if self.mixed.len() < HOLDS_MAX {
            self.mixed.insert(key.clone(), now + MIXED);
        }
    }
}
