//! What a scripted service received.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use crate::{
    context::Context,
    path::ReversePath,
    reply::Reply,
    signals::Signals,
    transaction::{Mail, Rcpt, Transaction},
};

/// One transaction, as a [`Script`](super::Script) received it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The facts of the session.
    pub context: Arc<Context>,
    /// The results of filters; shared with the transaction.
    pub signals: Signals,
    /// The MAIL command.
    pub mail: Mail,
    /// The recipients that were not refused.
    pub recipients: Vec<Rcpt>,
    /// The octets of the message that arrived.
    pub body: Bytes,
    /// How the transaction ended.
    pub end: End,
}

/// How a transaction ended for a scripted service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this final reply; the message ended cleanly if it is positive.
    Replied(Reply),
    /// The body or the recipients ended with an error that has this text.
    Failed(String),
    /// The call was dropped.
    Dropped,
}

impl Received {
    /// The reverse-path.
    pub fn reverse_path(&self) -> &ReversePath {
        &self.mail.reverse_path
    }

    /// The forward-paths as texts, in order.
    pub fn recipient_texts(&self) -> Vec<&str> {
        self.recipients
            .iter()
            .map(|rcpt| rcpt.forward_path.as_str())
            .collect()
    }

    /// The message as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the message is UTF-8")
    }
}

/// All transactions of a script, in the order in which they ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    ended: Arc<Mutex<Vec<Received>>>,
    progress: watch::Sender<Progress>,
}

/// How far a script has come, in all its transactions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    pub(super) ended: usize,
    /// Octets of messages, those under way included.
    pub(super) octets: usize,
}

impl Log {
    /// Waits until the script has come that far.
    pub(super) async fn until(&self, is_reached: impl FnMut(&Progress) -> bool) {
        // The sender is in `self`.
        let _ = self.progress.subscribe().wait_for(is_reached).await;
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.lock().clone()
    }

    pub(super) fn push(&self, received: Received) {
        self.lock().push(received);
        self.progress.send_modify(|progress| progress.ended += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Received>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One transaction while it is under way; it is logged when this is dropped.
pub(super) struct Entry {
    log: Log,
    received: Option<Received>,
    body: BytesMut,
}

impl Entry {
    pub(super) fn new(log: Log, transaction: &Transaction) -> Self {
        let received = Received {
            context: Arc::clone(&transaction.context),
            signals: transaction.signals.clone(),
            mail: transaction.mail.request().clone(),
            recipients: Vec::new(),
            body: Bytes::new(),
            end: End::Dropped,
        };
        Self {
            log,
            received: Some(received),
            body: BytesMut::new(),
        }
    }

    pub(super) fn recipient(&mut self, rcpt: Rcpt) {
        if let Some(received) = &mut self.received {
            received.recipients.push(rcpt);
        }
    }

    pub(super) fn chunk(&mut self, chunk: &[u8]) {
        self.body.extend_from_slice(chunk);
        let progress = &self.log.progress;
        progress.send_modify(|progress| progress.octets += chunk.len());
    }

    pub(super) fn end(mut self, end: End) {
        if let Some(received) = &mut self.received {
            received.end = end;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(mut received) = self.received.take() {
            received.body = mem::take(&mut self.body).freeze();
            self.log.push(received);
        }
    }
}
