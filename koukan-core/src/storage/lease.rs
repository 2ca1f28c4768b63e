//! The output side's handle of a transaction: the right to make one attempt.

use std::{
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    blob::Payer,
    body::MessageToken,
    context::Context,
    rate::Promise,
    reply::Reply,
    signals::{Departure, Gone, Signals, TraceId},
    transaction::{Mail, Rcpt},
};

use super::{
    Drain, Storage, UpstreamReply,
    destinations::LATE,
    drain::Halt,
    kept_parts::KeptParts,
    lease_body::LeaseBody,
    live::{Durability, Live, OnDrop, Side, State},
    live_body::LiveBody,
    record::{
        Attempt, Due, Leased, MessageKey, Recipient, Status, Terms, TransactionId, Work, begins,
    },
};

/// A transaction to be attempted, which nobody else works on.
///
/// While the transaction arrives, recipients and body come one by one. If it was read back from the
/// backend, everything is there.
///
/// A lease ends in one of four ways: it is settled ([`Lease::finish`]); it is lost; it is given back
/// since the agent stops, and does not count; or it is dropped before it is finished, which is a
/// failure: it counts as an attempt, and the next one follows after an increasing delay. The end is
/// written, if necessary in the background, and repeated while the backend fails.
pub struct Lease {
    pub(super) storage: Storage,
    pub(super) live: Arc<Live>,
    work: Work,
    /// When it was due, if it was read back.
    due: Option<Timestamp>,
    /// Whether it may have crashed the process, so that it must be attempted alone.
    pub(super) is_suspect: bool,
    pub(super) attempt_count: u32,
    pub(super) last_attempt: Option<Arc<Attempt>>,
    next_recipient: usize,
    pub(super) token: Option<MessageToken>,
    /// What it has in common with others that carry the same message.
    pub(super) message_key: Option<MessageKey>,
    /// Whether another attempt at the message is made beside it, which also counts for this one if no
    /// host is reached.
    pub(super) is_companion: bool,
    /// The turn that is kept for the attempt, where a rate limit applies.
    promise: Option<Promise>,
    /// For notifications: others with the same message in the same notification.
    pub(super) others: Vec<Self>,
    /// Parts of the attempt that are committed with its end.
    pub(super) parts: Vec<KeptParts>,
    /// Whether it was read back, so that nobody sends its octets now.
    is_stored: bool,
    /// Whether it was leased only to be ended if its time is over.
    pub(super) is_overdue: bool,
    pub(super) is_finished: bool,
}

impl Lease {
    pub(super) fn of_new(storage: Storage, live: Arc<Live>) -> Self {
        Self {
            storage,
            live,
            work: Work::Attempt,
            due: None,
            is_suspect: false,
            attempt_count: 0,
            last_attempt: None,
            next_recipient: 0,
            token: None,
            message_key: None,
            is_companion: false,
            promise: None,
            others: Vec::new(),
            parts: Vec::new(),
            is_stored: false,
            is_overdue: false,
            is_finished: false,
        }
    }

    pub(super) fn of_stored(storage: Storage, leased: Leased) -> Self {
        let Leased { transaction, fence } = leased;
        let (work, due) = match transaction.status {
            Status::Due(Due { at, work }) => (work, Some(at)),
            Status::Final(_) => (Work::Attempt, None),
        };
        let attempt_count = transaction.attempt_count;
        let last_attempt = transaction.last_attempt.clone().map(Arc::new);
        let terms = transaction.terms;
        let recipients = transaction.recipients.clone();
        let (held, message_key) = (transaction.held, transaction.message_key);
        let crashes = transaction.crashes;
        // Only this session can have changed it since it was read.
        let registry = &storage.0.registry;
        let live = registry.find_or_add(transaction.id, || storage.image_of(transaction));
        live.update(Side::Output, |state| {
            state.durability = Durability::Leased { fence, terms };
            state.recipients = recipients;
            state.held = held;
            state.crashes = crashes;
            state.is_leased_elsewhere = false;
            state.message_key = message_key;
            state.last_attempt.clone_from(&last_attempt);
            state.is_abandoned = false;
            state.is_lost = false;
            state.on_drop = OnDrop::Fails;
        });
        Self {
            storage,
            live,
            work,
            due,
            is_suspect: false,
            attempt_count,
            last_attempt,
            next_recipient: 0,
            token: None,
            message_key,
            is_companion: false,
            promise: None,
            others: Vec::new(),
            parts: Vec::new(),
            is_stored: true,
            is_overdue: false,
            is_finished: false,
        }
    }

    /// In how many crashes of the process it was being worked on, since an attempt at it has ended.
    pub(crate) fn crashes(&self) -> u32 {
        self.live.lock().crashes
    }

    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        self.live.id
    }

    /// When the transaction was started.
    pub fn created(&self) -> Timestamp {
        self.live.created
    }

    /// The start of its time: when it was created, or its time of sending.
    pub fn begins(&self) -> Timestamp {
        begins(self.live.created, self.live.send_at())
    }

    /// Whether its time of sending is still to come: nothing is attempted before.
    pub(crate) fn is_scheduled(&self) -> bool {
        let at = self.live.send_at();
        at.is_some_and(|at| at > self.storage.clock().now())
    }

    /// The facts of the session it came by.
    pub fn context(&self) -> &Arc<Context> {
        &self.live.context
    }

    /// The signals of the transaction; those of an attempt are a
    /// [`branch`](crate::signals::Signals::branch) of them.
    pub fn signals(&self) -> &Signals {
        &self.live.signals
    }

    /// When the message of an attempt leaves, which ends as it is told. The first attempt may be a part of the one that
    /// has made the transaction.
    pub(crate) fn departure(&self) -> Arc<Departure> {
        let live = Arc::downgrade(&self.live);
        let whole = self.signals().departure().filter(|_| !self.is_stored);
        Arc::new(Departure::under(live).with_whole(whole.cloned()))
    }

    /// Whether the agent stops.
    pub(crate) fn is_stopping(&self) -> bool {
        self.live.lock().drain != Drain::No
    }

    /// The signals of an attempt. Promised mail is attempted at the agent's own cost, so no client
    /// can obstruct it.
    pub(crate) fn branch_signals(&self, departure: Arc<Departure>) -> Signals {
        let pool = self.storage.pool();
        let account = self.is_stored.then(|| pool.account(Payer::Agent));
        let signals = self.signals().branch_for(departure, account);
        if let Some(promise) = &self.promise {
            // Nobody else has written into those that are new.
            let _ = signals.set(promise.clone());
        }
        signals
    }

    /// Gives the attempt the turn that is kept for it, if there is one.
    pub(crate) fn set_promise(&mut self, promise: Option<Promise>) {
        self.promise = promise;
    }

    /// Whether it was read back from the queue, so that no client waits for its replies.
    pub(crate) fn is_stored(&self) -> bool {
        self.is_stored
    }

    /// The trace id, which identifies the message in logs.
    pub fn trace_id(&self) -> TraceId {
        self.live.trace_id()
    }

    /// The MAIL command; no attempt is made before it is known.
    ///
    /// # Panics
    ///
    /// If it is not known yet; a lease is never handed out before the originator has sent MAIL.
    pub fn mail(&self) -> &Mail {
        self.live
            .mail()
            .expect("a transaction is attempted after its MAIL command is known")
    }

    /// The work to do.
    pub fn work(&self) -> Work {
        self.work
    }

    /// How many attempts were made before this one.
    pub fn attempt_count(&self) -> u32 {
        self.attempt_count
    }

    /// The most recent attempt before this one, if there was one.
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.last_attempt.as_deref()
    }

    /// The storage that the lease belongs to.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Notes that an attempt begins: replies of the previous one no longer count.
    pub(crate) fn begin_attempt(&self) {
        self.live.update(Side::Output, |state| {
            state.attempt_count = self.attempt_count.saturating_add(1);
            state.answers.clear();
            state.end = None;
        });
    }

    /// The recipients so far, with their states.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.live.lock().recipients.clone()
    }

    /// The next recipient that is not settled, with its position; `None` when there are no more.
    pub fn poll_recipient(&mut self, cx: &task::Context<'_>) -> Poll<Option<(usize, Rcpt)>> {
        let mut position = self.next_recipient;
        let next = self.live.poll(cx, Side::Output, |state| {
            while let Some(recipient) = state.recipients.get(position) {
                position += 1;
                if recipient.settled.is_none() {
                    return Some(Some((position - 1, recipient.rcpt.clone())));
                }
            }
            state.has_all_recipients.then_some(None)
        });
        self.next_recipient = position;
        next
    }

    /// The message, if its transfer has begun.
    pub fn body(&self) -> Option<LeaseBody> {
        self.live.lock().body.as_ref().map(LeaseBody::of)
    }

    /// The message, once its transfer has begun.
    pub fn poll_body(&self, cx: &task::Context<'_>) -> Poll<LeaseBody> {
        self.live.poll(cx, Side::Output, |state| {
            state.body.as_ref().map(LeaseBody::of)
        })
    }

    /// Ready when the attempt must end, with the reason: the transaction was cancelled, or given up
    /// because its message did not come; the agent stops; or others may have the transaction soon.
    pub(crate) fn poll_halt(&self, cx: &task::Context<'_>, gone: Gone) -> Poll<Halt> {
        // Read while the state is locked: whoever changes it looks for those that wait afterwards.
        let halt = |state: &State| state.halt(gone, self.storage.0.presence.loss());
        self.live.poll(cx, Side::Output, halt)
    }

    /// How often octets of the message could not be read back from storage.
    pub(crate) fn read_failures(&self) -> u32 {
        let state = self.live.lock();
        state.body.as_ref().map_or(0, LiveBody::read_failures)
    }

    /// Passes on the reply to MAIL or RCPT.
    pub fn answer(&self, answer: UpstreamReply) {
        self.live.answer(answer);
    }

    /// Whether it is queued, and may wait longer if its destination is not reached.
    pub(crate) fn may_be_held_back(&self) -> bool {
        // A suspect that waits would be looked at again at once.
        self.terms().is_some() && !self.is_suspect
    }

    /// Whether it is attempted together with another one, which tries the hosts for both.
    pub(crate) fn is_companion(&self) -> bool {
        self.is_companion
    }

    /// When it was due, if it was read back.
    pub(crate) fn was_due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Whether it was cancelled, which takes effect when the lease has ended.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.live.lock().is_cancelled
    }

    /// Whether it was due so long ago that it must not be held back any longer.
    pub(crate) fn is_late(&self) -> bool {
        let age = self
            .due
            .map(|due| self.storage.clock().now().duration_since(due));
        age.and_then(|age| Duration::try_from(age).ok())
            .is_some_and(|age| age >= LATE)
    }

    /// Passes on another reply to RCPT, replacing the previous one.
    pub(crate) fn answer_again(&self, recipient: usize, reply: Reply) {
        self.live.update(Side::Output, |state| {
            let mut answers = state.answers.iter_mut();
            let is_it =
                |answer: &&mut UpstreamReply| matches!(answer, UpstreamReply::Rcpt(index, _) if *index == recipient);
            if let Some(answer) = answers.find(is_it) {
                *answer = UpstreamReply::Rcpt(recipient, reply);
            }
        });
    }

    /// Whether the transaction is kept, so that nobody needs the replies to decide about it.
    pub(crate) fn is_kept(&self) -> bool {
        self.live.lock().durability != Durability::Volatile
    }

    /// What was promised to the originator, if the transaction is in custody.
    pub fn terms(&self) -> Option<Terms> {
        match self.live.lock().durability {
            Durability::Leased { terms, .. } => Some(terms),
            _ => None,
        }
    }
}
