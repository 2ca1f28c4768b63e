//! The sessions of a store in memory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Weak,
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    clock::SharedClock,
    storage::{
        BackendError, CLOCK_TOLERANCE, LiveSession, Recovered, Refreshed,
        record::{NewTransaction, SessionId, TransactionId},
    },
};

use super::{entry::Entry, store::Store};

/// How many transactions to be cancelled are reported to a session at a time.
const TOLD_AT_ONCE: usize = 256;

/// The live sessions.
#[derive(Default)]
pub(super) struct Roll {
    known: HashMap<SessionId, Presence>,
    /// Set where sessions die without a refresh.
    pub(super) shared: Option<Shared>,
    /// Who reads events, by the readers' names.
    readers: HashMap<Box<str>, SessionId>,
    /// Transactions to be cancelled by whoever works on them.
    to_cancel: BTreeSet<TransactionId>,
}

/// The settings of a store that several processes share.
pub(super) struct Shared {
    pub(super) term: Duration,
    pub(super) clock: SharedClock,
}

struct Presence {
    process: Weak<()>,
    /// By the clock of the store, if it has one.
    refreshed: Option<Timestamp>,
    address: Option<Box<str>>,
}

impl Roll {
    fn is_alive(&self, session: SessionId) -> bool {
        let presence = self.known.get(&session);
        presence.is_some_and(|presence| self.lives(presence))
    }

    fn lives(&self, presence: &Presence) -> bool {
        match &self.shared {
            Some(shared) => presence.refreshed.is_some_and(|refreshed| {
                let silent = shared.clock.now().duration_since(refreshed);
                Duration::try_from(silent).unwrap_or_default() < shared.term
            }),
            None => presence.process.strong_count() > 0,
        }
    }

    /// Checks that the session may take leases.
    pub(super) fn check(&self, session: SessionId) -> Result<(), BackendError> {
        let may_lease = self.shared.is_none() || self.is_alive(session);
        may_lease.then_some(()).ok_or(BackendError::SessionLost)
    }

    fn time(&self, told: Timestamp) -> Timestamp {
        let shared = self.shared.as_ref();
        shared.map_or(told, |shared| shared.clock.now())
    }

    fn forget_dead(&mut self) {
        let dead = self.known.iter();
        let dead = dead.filter(|(_, presence)| !self.lives(presence));
        let dead: Vec<_> = dead.map(|(session, _)| *session).collect();
        for session in dead {
            self.known.remove(&session);
        }
    }

    pub(super) fn publish_address(
        &mut self,
        session: SessionId,
        address: Option<&str>,
    ) -> Result<(), BackendError> {
        self.check(session)?;
        if let Some(presence) = self.known.get_mut(&session) {
            presence.address = address.map(Into::into);
        }
        Ok(())
    }

    pub(super) fn hold_reader(
        &mut self,
        name: &str,
        session: SessionId,
    ) -> Result<(), BackendError> {
        if self.shared.is_none() {
            return Ok(());
        }
        let is_free = self.reader(name).is_none_or(|holder| holder == session);
        if !is_free || !self.is_alive(session) {
            return Err(BackendError::LeaseLost);
        }
        self.readers.insert(name.into(), session);
        Ok(())
    }

    pub(super) fn reader(&self, name: &str) -> Option<SessionId> {
        let holder = *self.readers.get(name)?;
        self.is_alive(holder).then_some(holder)
    }

    pub(super) fn check_reader(&self, name: &str, session: SessionId) -> Result<(), BackendError> {
        let is_held = self.shared.is_none() || self.readers.get(name) == Some(&session);
        is_held.then_some(()).ok_or(BackendError::LeaseLost)
    }

    pub(super) fn live(&self) -> Vec<LiveSession> {
        let known = self.known.iter().filter(|_| self.shared.is_some());
        let live = known.filter(|(_, presence)| self.lives(presence));
        let live = live.map(|(session, presence)| LiveSession {
            session: *session,
            address: presence.address.clone(),
        });
        live.collect()
    }

    pub(super) fn address_of(&self, session: SessionId) -> Option<Box<str>> {
        let presence = self.known.get(&session)?;
        let address = presence.address.clone();
        address.filter(|_| self.lives(presence))
    }
}

impl Store {
    pub(super) fn open_session(
        &mut self,
        session: SessionId,
        process: Weak<()>,
        now: Timestamp,
    ) -> Recovered {
        let now = self.sessions.time(now);
        let presence = Presence {
            process,
            refreshed: self.sessions.shared.is_some().then_some(now),
            address: None,
        };
        self.sessions.known.insert(session, presence);
        let brought_forward = self.set_back_by(now);
        self.bring_forward(brought_forward);
        Recovered {
            freed: self.free_dead(now),
            brought_forward,
        }
    }

    pub(super) fn refresh_session(
        &mut self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Refreshed, BackendError> {
        if self.sessions.shared.is_none() {
            return Ok(Refreshed::default());
        }
        let now = self.sessions.time(now);
        self.sessions.check(session)?;
        if let Some(presence) = self.sessions.known.get_mut(&session) {
            presence.refreshed = Some(now);
        }
        let freed = self.free_dead(now);
        let is_open = |entry: &&Entry| entry.due().is_some();
        let transactions = &self.transactions;
        let to_cancel = &mut self.sessions.to_cancel;
        to_cancel.retain(|id| transactions.get(id).filter(is_open).is_some());
        let is_told = |id: &&TransactionId| {
            let holder = transactions.get(*id).and_then(|entry| entry.lease);
            holder.is_none_or(|holder| holder == session)
        };
        let told = to_cancel.iter().filter(is_told).take(TOLD_AT_ONCE);
        Ok(Refreshed {
            freed,
            to_cancel: told.copied().collect(),
            live: u32::try_from(self.sessions.known.len()).unwrap_or(u32::MAX),
            time: Some(now),
        })
    }

    pub(super) fn end_session(&mut self, session: SessionId) {
        if self.sessions.shared.is_none() || !self.sessions.is_alive(session) {
            return;
        }
        self.sessions.known.remove(&session);
        self.give_leases_back(|holder| holder != session, |_| {});
    }

    /// Notes that a transaction is to be cancelled by whoever works on it.
    pub(super) fn request_cancel(&mut self, id: TransactionId) {
        let is_open = self.transactions.get(&id);
        let is_open = is_open.is_some_and(|entry| entry.due().is_some());
        if is_open && self.sessions.shared.is_some() {
            self.sessions.to_cancel.insert(id);
        }
    }

    pub(super) fn holder(&self, id: TransactionId) -> Option<SessionId> {
        let holder = self.transactions.get(&id)?.lease;
        holder.filter(|holder| self.sessions.is_alive(*holder))
    }

    /// Checks that a transaction that is written under a lease is leased by a live session.
    pub(super) fn check_leaser(&self, new: &NewTransaction) -> Result<(), BackendError> {
        let leaser = new.leased_by;
        leaser.map_or(Ok(()), |session| self.sessions.check(session))
    }

    /// Frees the leases of dead sessions. Returns their number.
    fn free_dead(&mut self, now: Timestamp) -> u64 {
        self.sessions.forget_dead();
        let known: Vec<_> = self.sessions.known.keys().copied().collect();
        self.give_leases_back(|holder| known.contains(&holder), |entry| entry.recover(now))
    }

    /// Ends the leases of sessions that do not keep theirs. Returns their number.
    fn give_leases_back(
        &mut self,
        keeps: impl Fn(SessionId) -> bool,
        change: impl Fn(&mut Entry),
    ) -> u64 {
        let before = self.leased.len();
        self.leased.retain(|id| {
            let entry = self.transactions.get_mut(id);
            let entry = entry.expect("what is leased is there");
            if entry.lease.is_some_and(&keeps) {
                return true;
            }
            entry.lease = None;
            change(entry);
            self.waiting.add(entry);
            false
        });
        (before - self.leased.len()) as u64
    }

    /// By how much the wall clock was set back, compared with the latest stored time.
    fn set_back_by(&self, now: Timestamp) -> Duration {
        let newest = self.transactions.values().map(Entry::newest).max();
        let ahead = newest.map(|newest| newest.duration_since(now));
        let ahead = ahead.and_then(|ahead| Duration::try_from(ahead).ok());
        ahead
            .filter(|ahead| *ahead > CLOCK_TOLERANCE)
            .unwrap_or_default()
    }

    pub(super) fn bring_forward(&mut self, by: Duration) {
        if by.is_zero() {
            return;
        }
        self.waiting.clear();
        for entry in self.transactions.values_mut() {
            entry.bring_forward(by);
            if entry.lease.is_none() {
                self.waiting.add(entry);
            }
        }
    }
}
