//! Tells senders that their mail is delayed: once, and of all recipients that are delayed together.
//!
//! Each recipient of a message may be a transaction of its own, with attempts of its own. The first attempt at the
//! message that ends when the sender is to be told waits two seconds for others. Then it ends all of these leases in
//! one commit, in which one notification is queued:
//!
//! | transaction of the message | |
//! |---|---|
//! | its attempt ends within these seconds | hands its lease and its result to the first one, and waits for that commit |
//! | it waits for the same hosts, which the first one has not reached | is leased at last; that attempt counts for it, too |
//! | its attempt ends later | is the first one of others |
//!
//! Whether the sender was told is known by the time of the last attempt, which is part of the commit. So nobody is told
//! twice, whenever the process ends, and nobody is forgotten.
//!
//! Whoever waits holds its lease and its place among the attempts, but no connection. The first one waits only for the
//! time, unless its lease must end, and then for the commit; the others wait for the first one. A cancel of one of the
//! others takes effect after the commit, and its sender is not told. An attempt that has delivered to somebody waits for
//! nobody.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::poll_fn,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Semaphore, SemaphorePermit, oneshot},
    time::timeout,
};

use crate::{
    causes::Causes,
    reply::Reply,
    signals::Gone,
    storage::{
        AttemptEnd, BackendError, Lease, Stopper, TOLD_MAX,
        record::{Attempt, MessageKey, RecipientOutcome},
    },
    transaction::Rcpt,
};

use super::{OutputHandler, meeting, report};

/// How long an attempt waits for others at the same message.
const TOGETHER: Duration = Duration::from_secs(2);
/// For how many transactions that are leased at last there is always room, for each notification.
const BESIDE_EACH: usize = 100;
/// For how many further ones there is room, for all notifications together; this limits their memory.
const FURTHER_MAX: usize = 4000;

/// What the attempts at delayed messages share.
pub(super) struct Delays {
    /// The attempts that wait for the first one at the same message.
    waiting: Mutex<HashMap<MessageKey, Vec<Waiting>>>,
    room: Semaphore,
}

/// An attempt that is over, and of whose delay the sender is to be told.
#[derive(Debug)]
pub(super) struct Delayed {
    pub(super) lease: Lease,
    pub(super) end: AttemptEnd,
    /// When delivery is given up.
    pub(super) until: Timestamp,
}

/// Such an attempt, and whoever waits for the end of its lease.
struct Waiting {
    /// Dropped before the lease, which is given back then; where nobody else takes care of that.
    stopper: Option<Stopper>,
    delayed: Delayed,
    ended: Option<oneshot::Sender<Result<(), BackendError>>>,
}

enum Joined<'a> {
    First(Box<Waiting>, Gathering<'a>),
    Another(oneshot::Receiver<Result<(), BackendError>>),
}

/// The first one's right to the others. If it is dropped before it has taken them, their leases are given back.
struct Gathering<'a> {
    delays: &'a Delays,
    key: MessageKey,
    is_taken: bool,
}

impl<C> OutputHandler<C> {
    /// Whether an attempt that ends now notifies of a delay.
    pub(super) fn is_delay_due(&self, lease: &Lease, now: Timestamp) -> bool {
        let Some(after) = self.delay else {
            return false;
        };
        let time = lease.begins().checked_add(after).unwrap_or(Timestamp::MAX);
        let is_told = lease.last_attempt().is_some_and(|last| last.ended >= time);
        now >= time && !is_told && lease.terms().is_some_and(|terms| terms.notify)
    }

    /// Ends a lease with the result of its attempt, and notifies the sender of the delay.
    ///
    /// # Errors
    ///
    /// As [`Lease::finish`].
    pub(super) async fn finish_delayed(&self, delayed: Delayed) -> Result<(), BackendError> {
        if delayed.recipients().is_empty() {
            return delayed.lease.finish(delayed.end).await;
        }
        let is_in_part = delayed.end.attempt.is_any_delivered();
        let key = delayed.lease.told_by().filter(|_| !is_in_part);
        let Some(key) = key else {
            return self.tell_of_delay(vec![delayed.into()]).await;
        };
        match self.delays.join(key, delayed) {
            Joined::First(first, gathering) => self.gather(*first, gathering).await,
            Joined::Another(ended) => ended.await.unwrap_or(Ok(())),
        }
    }

    async fn gather(&self, first: Waiting, others: Gathering<'_>) -> Result<(), BackendError> {
        let lease = &first.delayed.lease;
        let halt = poll_fn(|cx| lease.poll_halt(cx, Gone::No));
        // In either case it is time.
        let is_halted = timeout(TOGETHER, halt).await.is_ok();
        let mut all = vec![first];
        all.extend(others.take());
        let mut room = None;
        if !is_halted {
            let beside;
            (beside, room) = self.beside(&all).await;
            all.extend(beside);
        }
        let told = self.tell_of_delay(all).await;
        drop(room);
        told
    }

    /// Transactions of the message that wait for the same hosts as the first of these, if it has reached none; and the
    /// room for them, which is never waited for.
    async fn beside(&self, all: &[Waiting]) -> (Vec<Waiting>, Option<SemaphorePermit<'_>>) {
        let (mut beside, mut others, mut room) = (Vec::new(), Vec::new(), None);
        let first = all.first().map(|first| &first.delayed);
        let Some(first) = first.filter(|it| meeting::is_unreached(&it.end.attempt)) else {
            return (beside, room);
        };
        let (lease, now) = (&first.lease, first.lease.storage().clock().now());
        let mut wanted = TOLD_MAX.saturating_sub(all.len());
        let mut limit = wanted.min(BESIDE_EACH);
        while limit > 0 {
            let leases = match lease.storage().lease_beside(lease, limit).await {
                Ok(leases) => leases,
                Err(error) => {
                    let (id, transaction) = (lease.trace_id(), lease.id());
                    tracing::warn!(%id, %transaction, error = %Causes(&error), "other recipients that are delayed may be told of apart");
                    break;
                }
            };
            let is_all = leases.len() < limit || room.is_some();
            for waiting in leases.into_iter().map(Waiting::beside(first, now)) {
                let is_due = self.is_delay_due(&waiting.delayed.lease, now);
                match is_due && !waiting.delayed.recipients().is_empty() {
                    true => beside.push(waiting),
                    // Given back at the end only: it is not to be found again.
                    false => others.push(waiting),
                }
            }
            if is_all {
                break;
            }
            wanted -= limit;
            room = self.delays.room_for(wanted);
            limit = room.as_ref().map_or(0, SemaphorePermit::num_permits);
        }
        for Waiting { delayed, .. } in &beside {
            report::attempted(&delayed.lease, &delayed.end.attempt);
        }
        (beside, room)
    }

    /// Ends these leases. Returns the result for the first of them.
    async fn tell_of_delay(&self, all: Vec<Waiting>) -> Result<(), BackendError> {
        let mut first = None;
        for together in apart(all) {
            let told = together.iter().map(|waiting| &waiting.delayed);
            let told: Vec<_> = told.collect();
            let notification = self.notifier.of_delay(&told).await;
            let mut ended = Vec::with_capacity(together.len());
            let mut ends = Vec::with_capacity(together.len());
            for Waiting {
                stopper,
                delayed,
                ended: waits,
            } in together
            {
                stopper.into_iter().for_each(Stopper::disarm);
                ends.push((delayed.lease, delayed.end));
                ended.extend(waits);
            }
            let written = Lease::finish_together(ends, notification).await;
            for ended in ended {
                // Ending a lease has no other error.
                let written = written.as_ref().map_err(|_| BackendError::LeaseLost);
                // Whoever waited for it may be gone.
                let _ = ended.send(written.copied());
            }
            first.get_or_insert(written);
        }
        first.unwrap_or(Ok(()))
    }
}

/// Separates those that need notifications of their own: a filter may have changed the reverse-path.
fn apart(all: Vec<Waiting>) -> Vec<Vec<Waiting>> {
    let mut apart: Vec<Vec<Waiting>> = Vec::with_capacity(1);
    for one in all {
        let with = |group: &&mut Vec<Waiting>| {
            let first = group.first();
            let is_same = |first: &Waiting| first.delayed.lease.is_told_with(&one.delayed.lease);
            group.len() < TOLD_MAX && first.is_some_and(is_same)
        };
        match apart.iter_mut().find(with) {
            Some(group) => group.push(one),
            None => apart.push(vec![one]),
        }
    }
    apart
}

impl Delayed {
    /// The recipients of whose delay the sender is told, with the replies to them. None if it was cancelled, or the lease
    /// is lost.
    pub(super) fn recipients(&self) -> Vec<(Rcpt, Reply)> {
        let is_over = self.lease.is_cancelled() || self.lease.terms().is_none();
        if is_over || self.lease.mail().reverse_path.is_null() {
            return Vec::new();
        }
        let all = self.lease.recipients().into_iter().enumerate();
        let open = all.filter(|(_, it)| it.settled.is_none() && it.rcpt.notify().delay);
        let delayed = open.filter_map(|(index, it)| match self.end.attempt.outcome(index) {
            RecipientOutcome::Transient(reply) => Some((it.rcpt, reply)),
            RecipientOutcome::Delivered(_) | RecipientOutcome::Permanent(_) => None,
        });
        delayed.collect()
    }
}

// === impl Waiting ===

impl Waiting {
    /// If it is dropped, its lease is given back.
    fn or_given_back(mut self) -> Self {
        self.stopper = Some(self.delayed.lease.stopper());
        self
    }

    /// What an attempt that has reached no host was for the other transactions that wait for these hosts.
    fn beside(first: &Delayed, now: Timestamp) -> impl Fn(Lease) -> Self {
        let Delayed { end, until, .. } = first;
        move |lease| {
            let reply = &end.attempt.final_reply;
            let recipients = lease.recipients().into_iter();
            let replies = recipients.map(|it| it.settled.is_none().then(|| reply.clone()));
            let attempt = Attempt {
                started: end.attempt.started,
                final_reply: reply.clone(),
                ..Attempt::broken_off(now, None, replies.collect())
            };
            // As it was.
            let retry_at = Some(lease.was_due().unwrap_or(now));
            let attempt = Box::new(attempt);
            let end = AttemptEnd { attempt, retry_at };
            let until = *until;
            Self::from(Delayed { lease, end, until }).or_given_back()
        }
    }
}

impl From<Delayed> for Waiting {
    fn from(delayed: Delayed) -> Self {
        Self {
            stopper: None,
            delayed,
            ended: None,
        }
    }
}

// === impl Delays ===

impl Default for Delays {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            room: Semaphore::new(FURTHER_MAX),
        }
    }
}

impl Delays {
    /// Room for so many further transactions, or for fewer.
    fn room_for(&self, wanted: usize) -> Option<SemaphorePermit<'_>> {
        let room = wanted.min(self.room.available_permits());
        let room = u32::try_from(room).ok().filter(|room| *room > 0)?;
        self.room.try_acquire_many(room).ok()
    }

    fn join(&self, key: MessageKey, delayed: Delayed) -> Joined<'_> {
        match self.lock().entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Vec::new());
                let gathering = Gathering {
                    delays: self,
                    key,
                    is_taken: false,
                };
                Joined::First(Box::new(delayed.into()), gathering)
            }
            Entry::Occupied(mut others) => {
                let (tell, ended) = oneshot::channel();
                let mut waiting = Waiting::from(delayed).or_given_back();
                waiting.ended = Some(tell);
                others.get_mut().push(waiting);
                Joined::Another(ended)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageKey, Vec<Waiting>>> {
        let waiting = self.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Gathering ===

impl Gathering<'_> {
    /// Takes the others. Those that come later wait for another one.
    fn take(mut self) -> Vec<Waiting> {
        self.is_taken = true;
        self.remove()
    }

    fn remove(&self) -> Vec<Waiting> {
        self.delays.lock().remove(&self.key).unwrap_or_default()
    }
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        // Afterwards there may be another first one.
        if !self.is_taken {
            drop(self.remove());
        }
    }
}
