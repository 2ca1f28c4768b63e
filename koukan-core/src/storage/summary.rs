//! Summaries of transactions that were never committed, written off the reply path.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
        oneshot,
    },
    time::timeout,
};

use super::{
    Backend,
    conclude::{conclude, final_reason},
    live::Live,
    record::{NewTransaction, Status, Terms},
};
use crate::{causes::Causes, repeats::Repeats, supervision::contain};

/// How many summaries may wait to be written; more are dropped, and the log counts them.
const QUEUED: usize = 4096;
/// How many summaries are written in one commit.
const BATCH: usize = 1024;
/// How long the first summary of a batch waits for others, unless the batch is full or somebody waits for it.
const LINGER: Duration = Duration::from_millis(50);
/// How long a reply waits for its events: half of the time that clients must wait for it at least (RFC
/// 5321 section 4.5.3.2.6).
const PATIENCE: Duration = Duration::from_secs(60);

/// The interval between log lines about dropped summaries; between them they are counted.
const INTERVAL: Duration = Duration::from_secs(10);

static DROPPED: Repeats = Repeats::new(INTERVAL, |transactions, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(
        transactions,
        seconds,
        "still too many results waited to be recorded, these were not"
    );
});

pub(super) struct Summaries {
    entries: mpsc::Sender<Entry>,
    /// Told when a batch need not wait for others.
    hurry: Arc<Notify>,
}

enum Entry {
    /// Held until it is written, so that readers find the transaction meanwhile.
    Summary(Arc<Live>),
    /// The same, for a caller who waits for it.
    Awaited(Arc<Live>, oneshot::Sender<()>),
    Flush(oneshot::Sender<()>),
}

impl Summaries {
    /// Starts the task that writes summaries; it ends when the last handle is dropped.
    pub(super) fn start(backend: Arc<dyn Backend>) -> Self {
        let (entries, queue) = mpsc::channel(QUEUED);
        let hurry = Arc::new(Notify::new());
        tokio::spawn(write(backend, queue, Arc::clone(&hurry)));
        Self { entries, hurry }
    }

    pub(super) fn add(&self, live: Arc<Live>) {
        let result = self.entries.try_send(Entry::Summary(live));
        if let Err(TrySendError::Full(Entry::Summary(live))) = result
            && DROPPED.is_first()
        {
            let id = live.trace_id();
            tracing::warn!(%id, "too many results wait to be recorded, the one of this transaction was not");
        }
        if self.entries.max_capacity() - self.entries.capacity() >= BATCH {
            self.hurry.notify_one();
        }
    }

    /// Writes a summary, and waits for it for a limited time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while it waits for room in the queue, the summary may not be
    /// written; afterwards it is.
    pub(super) async fn write(&self, live: Arc<Live>) {
        let id = live.trace_id();
        let (done, is_done) = oneshot::channel();
        let written = async {
            if self.send(Entry::Awaited(live, done)).await {
                // The writing task is gone only at the end of the runtime.
                let _ = is_done.await;
            }
        };
        if timeout(PATIENCE, written).await.is_err() {
            tracing::warn!(%id, "the events of a message were not committed in time before its reply");
        }
    }

    pub(super) async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.send(Entry::Flush(done)).await {
            // The writing task is gone only at the end of the runtime.
            let _ = is_done.await;
        }
    }

    /// Queues what somebody waits for. Returns whether it will be written.
    async fn send(&self, entry: Entry) -> bool {
        let is_queued = self.entries.send(entry).await.is_ok();
        self.hurry.notify_one();
        is_queued
    }
}

async fn write(backend: Arc<dyn Backend>, mut queue: mpsc::Receiver<Entry>, hurry: Arc<Notify>) {
    while let Some(first) = queue.recv().await {
        let mut entries = vec![first];
        if matches!(entries[0], Entry::Summary(_)) && queue.len() < BATCH {
            // An earlier call may make this one shorter.
            let _ = timeout(LINGER, hurry.notified()).await;
        }
        while entries.len() < BATCH
            && let Ok(entry) = queue.try_recv()
        {
            entries.push(entry);
        }
        let mut flushed = Vec::new();
        let mut lives = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry {
                Entry::Summary(live) => lives.push(live),
                Entry::Awaited(live, done) => {
                    lives.push(live);
                    flushed.push(done);
                }
                Entry::Flush(done) => flushed.push(done),
            }
        }
        let summaries: Vec<_> = lives.iter().filter_map(|live| of(live)).collect();
        if !summaries.is_empty() {
            summarise(&*backend, summaries).await;
        }
        for done in flushed {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }
}

/// Writes a batch. A failure, even a panic, costs the batch and not the task.
async fn summarise(backend: &dyn Backend, summaries: Vec<NewTransaction>) {
    let error = match contain(backend.summarise(summaries)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => Causes(&error).to_string(),
        Err(loss) => loss.to_string(),
    };
    tracing::warn!(%error, "could not record the results of transactions");
}

/// The summary of a finished transaction that was never committed.
fn of(live: &Live) -> Option<NewTransaction> {
    let mail = live.mail()?;
    let state = live.lock();
    let mut recipients = state.recipients.clone();
    let terms = Terms::default();
    let status = match (&state.status, &state.end) {
        (Some(status @ Status::Final(_)), _) => status.clone(),
        (_, Some(end)) => conclude(&mut recipients, end, terms, &mail.reverse_path),
        (_, None) => Status::Final(final_reason(&recipients)),
    };
    Some(NewTransaction {
        id: live.id,
        created: live.created,
        context: Arc::clone(&live.context),
        signals: live.carried(),
        mail: mail.clone(),
        recipients,
        body: None,
        message_key: None,
        terms,
        attempts: state.unwritten(0, live.created).into_iter().collect(),
        status,
        leased_by: None,
        idempotency_key: None,
    })
}
