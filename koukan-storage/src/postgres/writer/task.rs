//! The task that distributes work to the writing connections.

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::mpsc;

use crate::writer::{Batch, Lapses, Operations, Pending, Queued};

use super::hand::Hand;

/// How many operations are committed together at most.
const BATCH: usize = 256;
/// The approximate number of octets that these hold in memory; a single operation may hold more.
const BATCH_OCTETS: usize = 8 << 20;

pub(super) struct Task {
    idle: Vec<Hand>,
    busy: FuturesUnordered<BoxFuture<'static, Hand>>,
    queue: mpsc::Receiver<Queued>,
    /// The refreshes of sessions, which are done before everything else.
    first: mpsc::Receiver<Queued>,
    /// How many connections are reserved for these, even if all others are busy.
    reserved: usize,
    lapses: Lapses,
    closes: Vec<Pending<(), ()>>,
}

impl Task {
    pub(super) fn new(hands: Vec<Hand>, operations: Operations) -> Self {
        Self {
            reserved: usize::from(hands.len() > 1),
            idle: hands,
            busy: FuturesUnordered::new(),
            queue: operations.operations,
            first: operations.first,
            lapses: operations.lapses,
            closes: Vec::new(),
        }
    }

    /// Distributes work until the queue is closed and all of it is written.
    pub(super) async fn run(mut self) {
        // Only once something is to be written.
        if let Some(hand) = self.idle.pop() {
            self.busy.push(Box::pin(hand.forget_writers()));
        }
        loop {
            tokio::select! {
                biased;
                Some(hand) = self.busy.next() => self.idle.push(hand),
                Some(first) = self.first.recv(), if !self.idle.is_empty() => self.begin_first(first),
                first = self.queue.recv(), if self.idle.len() > self.reserved => match first {
                    Some(first) => self.begin(first),
                    None => break,
                },
            }
        }
        while let Some(hand) = self.busy.next().await {
            self.idle.push(hand);
        }
        for hand in self.idle {
            hand.close().await;
        }
        for mut close in self.closes {
            close.decide(Ok(()));
            close.answer();
        }
    }

    fn begin_first(&mut self, first: Queued) {
        let Some(hand) = self.idle.pop() else {
            return;
        };
        let mut batch = Batch::default();
        batch.add(first);
        while let Ok(next) = self.first.try_recv() {
            batch.add(next);
        }
        self.busy.push(Box::pin(hand.write(batch)));
    }

    fn begin(&mut self, first: Queued) {
        let Some(hand) = self.idle.pop() else {
            return;
        };
        let mut batch = Batch::default();
        batch.add(first);
        while batch.len() < BATCH
            && batch.weight() < BATCH_OCTETS
            && let Ok(next) = self.queue.try_recv()
        {
            batch.add(next);
        }
        batch.lapses = self.lapses.take();
        for close in batch.take_closes() {
            self.queue.close();
            self.closes.push(close);
        }
        self.busy.push(Box::pin(hand.write(batch)));
    }
}
