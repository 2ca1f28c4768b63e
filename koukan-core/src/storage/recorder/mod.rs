//! The input side's handle of a live transaction.

mod draft;

use std::{
    fmt,
    future::{Future, poll_fn},
    sync::Arc,
    task::{self, Poll},
};

use bytes::Bytes;

use crate::{
    blob::{Account, Blob, Payer},
    reply::Reply,
    signals::TraceId,
    transaction::Rcpt,
};

use super::{
    Custody, Storage, UpstreamReply,
    live::{Live, Side, State},
    live_body::LiveBody,
    record::TransactionId,
};

/// Writes a transaction as it arrives, and reads the replies that come back.
///
/// If it is dropped, together with every [`Custody`] of it that was not taken, the transaction is
/// cancelled.
pub struct Recorder {
    pub(super) storage: Storage,
    pub(super) live: Arc<Live>,
    custody: Custody,
    answers_seen: usize,
}

impl Recorder {
    pub(super) fn new(storage: Storage, live: Arc<Live>) -> Self {
        let custody = Custody::new(storage.clone(), Arc::clone(&live));
        Self {
            storage,
            live,
            custody,
            answers_seen: 0,
        }
    }

    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        self.live.id
    }

    /// The trace id, which identifies the message in logs.
    pub fn trace_id(&self) -> TraceId {
        self.live.trace_id()
    }

    /// The account for a body that is not a blob yet.
    pub fn account(&self) -> &Account {
        self.storage.account(&self.live.context, &self.live.signals)
    }

    /// Sets who pays for its octets, unless that is set.
    pub(crate) fn pay(&self, payer: Payer) {
        let account = || self.storage.pool().account(payer);
        self.live.signals.account_or(account);
    }

    /// Adds a recipient; returns its position.
    pub fn rcpt(&self, rcpt: Rcpt) -> usize {
        self.live
            .update(Side::Input, |state| state.push_recipient(rcpt))
    }

    /// Notes that there are no more recipients.
    pub fn finish_recipients(&self) {
        self.live
            .update(Side::Input, |state| state.has_all_recipients = true);
    }

    /// Sets the message: complete header lines before the blob, and the blob, which may still grow.
    /// Only the first call has an effect.
    pub fn body(&self, prefix: Vec<Bytes>, blob: Blob) {
        self.live.update(Side::Input, |state| {
            state.has_all_recipients = true;
            state
                .body
                .get_or_insert_with(|| LiveBody::message(prefix, blob));
        });
    }

    /// The next reply from upstream, in the order in which they came. The final one is the last.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn answer(&mut self) -> UpstreamReply {
        poll_fn(|cx| self.poll_answer(cx)).await
    }

    /// As [`Recorder::answer`], to be polled.
    pub fn poll_answer(&mut self, cx: &task::Context<'_>) -> Poll<UpstreamReply> {
        let seen = self.answers_seen;
        let look = |state: &State| {
            let answer = state.answers.get(seen).cloned();
            // If the lease has ended without a final reply, there will be none.
            let is_over = state.is_abandoned;
            answer.or_else(|| is_over.then(|| UpstreamReply::Final(Reply::local_error())))
        };
        let answer = self.live.poll(cx, Side::Input, look);
        if answer.is_ready() {
            self.answers_seen += 1;
        }
        answer
    }

    /// Nobody is woken by an answer until the next [`Recorder::poll_answer`]: for a task that looks for
    /// answers before it sleeps.
    pub(crate) fn unregister(&self) {
        self.live.unregister(Side::Input);
    }

    /// An attempt that is polled by this task is not woken by the next writes: for a task that polls it right
    /// afterwards.
    pub(crate) fn unregister_attempt(&self, own: &task::Waker) {
        self.live.unregister_task(Side::Output, own);
    }

    /// The right to take the transaction into custody.
    pub fn custody(&self) -> &Custody {
        &self.custody
    }

    /// Notes that upstream has accepted the message, so that nothing is left to do. The summary is
    /// written later, off the reply path.
    pub fn delivered(self) {
        self.note_delivered();
    }

    /// As [`Recorder::delivered`]; drop the recorder afterwards.
    pub(crate) fn note_delivered(&self) {
        self.custody.forgo();
        // The summary waits to be written; the message need not wait with it.
        let body = self.live.update(Side::Input, |state| state.body.take());
        drop(body);
        self.storage.summarise(Arc::clone(&self.live));
    }

    /// As [`Recorder::delivered`], and waits until its events are committed, for a limited time: a
    /// client whose message was accepted must be told so. Drop the recorder afterwards.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, they are written all the same.
    pub(crate) fn note_delivered_first(&self) -> impl Future<Output = ()> + Send + use<> {
        self.custody.forgo();
        let body = self.live.update(Side::Input, |state| state.body.take());
        drop(body);
        let (storage, live) = (self.storage.clone(), Arc::clone(&self.live));
        async move { storage.summarise_first(live).await }
    }

    /// Whether events are committed before a client is told that upstream has accepted its message.
    pub(crate) fn commits_events_first(&self) -> bool {
        self.storage.commits_events_first()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Taking custody waits for the message.
        if self.custody.is_shared() {
            self.live
                .update(Side::Input, |state| state.is_input_gone = true);
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({})", self.id())
    }
}
