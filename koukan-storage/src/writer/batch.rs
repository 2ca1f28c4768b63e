//! Operations that are committed together.

use std::{mem, time::Duration};

use koukan_core::storage::{
    BackendError, Recovered, Refreshed, Removed,
    record::{Change, Judged, SessionId, SuppressionChange, SuspensionChange},
};
use tokio::sync::OwnedSemaphorePermit;

use crate::row::{LeaseRow, SettlementRow, TransactionRow};

use super::{
    lapse::Claimed,
    operation::{
        Append, Claim, Collect, Finish, KeepCursor, OpenSession, Operation, Pending, Queued, Take,
    },
    presence::Publish,
    together::Together,
};

/// Hands all kinds of operations to a macro.
macro_rules! kinds {
    ($with:ident) => {
        $with!(
            appends,
            finishes,
            settlements,
            inserts,
            completions,
            groups,
            summaries,
            releases,
            sessions,
            refreshes,
            ends,
            publications,
            cancels,
            takes,
            claims,
            collections,
            set_backs,
            changes,
            suspensions,
            suppressions,
            cursors,
        )
    };
}

/// Operations of each kind.
///
/// All of them were queued before any was answered, so they may be done in any order: kind by kind,
/// which takes the fewest statements.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) appends: Vec<Pending<Append, ()>>,
    pub(crate) finishes: Vec<Pending<Finish, ()>>,
    pub(crate) settlements: Vec<Pending<Box<SettlementRow>, ()>>,
    pub(crate) inserts: Vec<Pending<Box<TransactionRow>, ()>>,
    pub(crate) completions: Vec<Pending<Box<TransactionRow>, ()>>,
    pub(crate) groups: Vec<Pending<Together, ()>>,
    pub(crate) summaries: Vec<Pending<Vec<TransactionRow>, ()>>,
    pub(crate) releases: Vec<Pending<LeaseRow, ()>>,
    pub(crate) lapses: Vec<LeaseRow>,
    pub(crate) sessions: Vec<Pending<OpenSession, Recovered>>,
    pub(crate) refreshes: Vec<Pending<OpenSession, Refreshed>>,
    pub(crate) ends: Vec<Pending<SessionId, ()>>,
    pub(crate) publications: Vec<Pending<Publish, ()>>,
    pub(crate) cancels: Vec<Pending<String, ()>>,
    pub(crate) takes: Vec<Pending<Take, Claimed>>,
    pub(crate) claims: Vec<Pending<Claim, Claimed>>,
    pub(crate) collections: Vec<Pending<Collect, Removed>>,
    pub(crate) set_backs: Vec<Pending<Duration, ()>>,
    pub(crate) changes: Vec<Pending<Change, Vec<Judged>>>,
    pub(crate) suspensions: Vec<Pending<SuspensionChange, ()>>,
    pub(crate) suppressions: Vec<Pending<SuppressionChange, ()>>,
    pub(crate) cursors: Vec<Pending<KeepCursor, ()>>,
    probes: Vec<Pending<(), ()>>,
    closes: Vec<Pending<(), ()>>,
    room: Option<OwnedSemaphorePermit>,
    len: usize,
}

impl Batch {
    /// Adds an operation, unless its caller has gone.
    pub(crate) fn add(&mut self, queued: Queued) {
        match queued.operation {
            Operation::Append(pending) => push(&mut self.appends, pending),
            Operation::Finish(pending) => push(&mut self.finishes, pending),
            Operation::Settle(pending) => push(&mut self.settlements, pending),
            Operation::Insert(pending) => push(&mut self.inserts, pending),
            Operation::Complete(pending) => push(&mut self.completions, pending),
            Operation::Together(pending) => push(&mut self.groups, pending),
            Operation::Summarise(pending) => push(&mut self.summaries, pending),
            Operation::Release(pending) => push(&mut self.releases, pending),
            Operation::OpenSession(pending) => push(&mut self.sessions, pending),
            Operation::Refresh(pending) => push(&mut self.refreshes, pending),
            Operation::EndSession(pending) => push(&mut self.ends, pending),
            Operation::Publish(pending) => push(&mut self.publications, pending),
            Operation::RequestCancel(pending) => push(&mut self.cancels, pending),
            Operation::Take(pending) => push(&mut self.takes, pending),
            Operation::Claim(pending) => push(&mut self.claims, pending),
            Operation::Collect(pending) => push(&mut self.collections, pending),
            Operation::BringForward(pending) => push(&mut self.set_backs, pending),
            Operation::Change(pending) => push(&mut self.changes, pending),
            Operation::ChangeSuspension(pending) => push(&mut self.suspensions, pending),
            Operation::ChangeSuppression(pending) => push(&mut self.suppressions, pending),
            Operation::Cursor(pending) => push(&mut self.cursors, pending),
            Operation::Probe(pending) => push(&mut self.probes, pending),
            Operation::Lapse => {}
            Operation::Close(pending) => self.closes.push(pending),
        }
        self.len += 1;
        match (&mut self.room, queued.room) {
            (Some(sum), Some(room)) => sum.merge(room),
            (sum @ None, room) => *sum = room,
            (Some(_), None) => {}
        }
    }

    /// The number of operations.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Octets that the operations hold in memory.
    pub(crate) fn weight(&self) -> usize {
        let room = self.room.as_ref();
        room.map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Takes out the requests to close.
    pub(crate) fn take_closes(&mut self) -> Vec<Pending<(), ()>> {
        mem::take(&mut self.closes)
    }

    /// Takes out the probes.
    pub(crate) fn take_probes(&mut self) -> Vec<Pending<(), ()>> {
        mem::take(&mut self.probes)
    }

    /// Whether there is nothing to commit.
    pub(crate) fn is_empty(&self) -> bool {
        self.lapses.is_empty()
            && self.appends.is_empty()
            && self.finishes.is_empty()
            && self.settlements.is_empty()
            && self.inserts.is_empty()
            && self.completions.is_empty()
            && self.groups.is_empty()
            && self.summaries.is_empty()
            && self.releases.is_empty()
            && self.sessions.is_empty()
            && self.refreshes.is_empty()
            && self.ends.is_empty()
            && self.publications.is_empty()
            && self.cancels.is_empty()
            && self.takes.is_empty()
            && self.claims.is_empty()
            && self.collections.is_empty()
            && self.set_backs.is_empty()
            && self.changes.is_empty()
            && self.suspensions.is_empty()
            && self.suppressions.is_empty()
            && self.cursors.is_empty()
    }

    /// Whether it contains messages, whole or in part.
    pub(crate) fn has_messages(&self) -> bool {
        let mut groups = self.groups.iter();
        !(self.appends.is_empty()
            && self.inserts.is_empty()
            && self.completions.is_empty()
            && !groups.any(|group| group.request.has_messages()))
    }

    /// Sends everybody the answer that was decided.
    pub(crate) fn answer(mut self) {
        self.commit_leases();
        answer(self.appends);
        answer(self.finishes);
        answer(self.settlements);
        answer(self.inserts);
        answer(self.completions);
        answer(self.groups);
        answer(self.summaries);
        answer(self.releases);
        answer(self.sessions);
        answer(self.refreshes);
        answer(self.ends);
        answer(self.publications);
        answer(self.cancels);
        answer(self.takes);
        answer(self.claims);
        answer(self.collections);
        answer(self.set_backs);
        answer(self.changes);
        answer(self.suspensions);
        answer(self.suppressions);
        answer(self.cursors);
    }

    /// As [`Batch::fail`], for a commit into files that are no longer in place. Leases that it took
    /// are to be given back too, in case the files come back.
    pub(crate) fn lose(mut self, cause: &dyn Fn() -> BackendError) -> Vec<LeaseRow> {
        self.commit_leases();
        self.fail(cause)
    }

    /// From now on leases must arrive, or be given back.
    fn commit_leases(&mut self) {
        let taken = self.takes.iter_mut().filter_map(Pending::decided);
        let claimed = self.claims.iter_mut().filter_map(Pending::decided);
        taken.chain(claimed).for_each(Claimed::commit);
    }

    /// Tells everybody that nothing was written. Returns the leases that are still to be given
    /// back.
    pub(crate) fn fail(self, cause: &dyn Fn() -> BackendError) -> Vec<LeaseRow> {
        fail(self.appends, cause);
        fail(self.finishes, cause);
        fail(self.settlements, cause);
        fail(self.inserts, cause);
        fail(self.completions, cause);
        fail(self.groups, cause);
        fail(self.summaries, cause);
        fail(self.releases, cause);
        fail(self.sessions, cause);
        fail(self.refreshes, cause);
        fail(self.ends, cause);
        fail(self.publications, cause);
        fail(self.cancels, cause);
        fail(self.takes, cause);
        fail(self.claims, cause);
        fail(self.collections, cause);
        fail(self.set_backs, cause);
        fail(self.changes, cause);
        fail(self.suspensions, cause);
        fail(self.suppressions, cause);
        fail(self.cursors, cause);
        self.lapses
    }

    /// Splits it into batches of one operation each, all undecided.
    pub(crate) fn into_singles(self) -> Vec<Self> {
        let mut singles = Vec::with_capacity(self.len);
        macro_rules! split {
            ($($kind:ident,)*) => {$(
                for mut pending in self.$kind {
                    pending.reset();
                    singles.push(Self { $kind: vec![pending], ..Self::default() });
                }
            )*};
        }
        kinds!(split);
        singles.push(Self {
            lapses: self.lapses,
            ..Self::default()
        });
        singles.retain(|single| !single.is_empty());
        singles
    }

    /// Leaves out what was said in attempts, to need less space.
    pub(crate) fn leave_out_conversations(&mut self) {
        for settlement in &mut self.settlements {
            settlement.request.leave_out_conversation();
        }
        for group in &mut self.groups {
            group.request.leave_out_conversations();
        }
    }

    /// Makes all operations undecided again, since the writes were rolled back.
    pub(crate) fn reset(&mut self) {
        macro_rules! reset {
            ($($kind:ident,)*) => {$(
                self.$kind.iter_mut().for_each(Pending::reset);
            )*};
        }
        kinds!(reset);
    }
}

fn push<Q, T>(kind: &mut Vec<Pending<Q, T>>, pending: Pending<Q, T>) {
    if !pending.is_abandoned() {
        kind.push(pending);
    }
}

fn answer<Q, T>(kind: Vec<Pending<Q, T>>) {
    kind.into_iter().for_each(Pending::answer);
}

fn fail<Q, T>(kind: Vec<Pending<Q, T>>, cause: &dyn Fn() -> BackendError) {
    for pending in kind {
        pending.fail(cause());
    }
}
