//! A transaction resource that keeps the contract: versions, fields written once, hanging reads.

mod fault;
mod script;
mod service;
mod transaction;
mod upload;

pub(crate) use self::{
    fault::{Fault, Kind},
    script::Script,
    transaction::Transaction,
};

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use koukan_core::resource::{Create, View};
use tokio::{sync::watch, time::timeout};

/// The resource; clones share it.
#[derive(Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    script: Script,
    transactions: Vec<Transaction>,
    /// Every create as it was requested, including failed ones.
    creates: Vec<Create>,
    /// Every request, as one line.
    log: Vec<String>,
    faults: Vec<(Kind, Fault)>,
    is_hasty: bool,
}

impl Fake {
    pub(crate) fn new(script: Script) -> Self {
        let state = State {
            script,
            ..State::default()
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            changes: watch::Sender::new(0),
        }
    }

    /// The next request of that kind has this fault; several are used in that order.
    pub(crate) fn fault(&self, kind: Kind, fault: Fault) {
        self.lock().faults.push((kind, fault));
    }

    /// From now on, reads are answered at once, whatever wait they request.
    pub(crate) fn let_no_read_hang(&self) {
        self.lock().is_hasty = true;
    }

    /// Changes what a reader sees of a transaction.
    pub(crate) fn change(&self, transaction: usize, f: impl FnOnce(&mut View)) {
        let transaction = &mut self.lock().transactions[transaction];
        f(&mut transaction.view);
        transaction.version += 1;
        self.changed();
    }

    /// Waits, in paused time, until the transaction is cancelled.
    pub(crate) async fn cancelled(&self, transaction: usize) {
        let mut changes = self.changes.subscribe();
        let wait = async {
            while !self.transaction(transaction).view.cancelled {
                changes.changed().await.unwrap();
            }
        };
        let hour = Duration::from_secs(3600);
        timeout(hour, wait).await.expect("nobody cancels it");
    }

    pub(crate) fn transaction(&self, transaction: usize) -> Transaction {
        self.lock().transactions[transaction].clone()
    }

    pub(crate) fn transactions(&self) -> usize {
        self.lock().transactions.len()
    }

    pub(crate) fn creates(&self) -> Vec<Create> {
        self.lock().creates.clone()
    }

    /// Every request except reads, in order.
    pub(crate) fn log(&self) -> Vec<String> {
        let log = self.lock().log.clone();
        log.into_iter().filter(|line| line != "read").collect()
    }

    pub(crate) fn reads(&self) -> usize {
        let state = self.lock();
        state.log.iter().filter(|line| *line == "read").count()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
