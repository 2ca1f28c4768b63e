//! The connections that write, and the task that gives them work.
//!
//! While a connection is idle, everything that waits is committed over it at once. While all are busy, requests gather
//! for the next commit. One connection is reserved for refreshing sessions, which must not wait for other work. Commits
//! of one process may end in another order than they began, as those of several processes may.

mod hand;
mod link;
mod probe;
mod task;

pub(super) use self::link::{Link, LinkError};

use std::sync::{Arc, atomic::AtomicBool};

use tokio::{sync::watch, time::Instant};

use crate::writer::{BatchWriter, Outbox, Presence, Writer};

use self::{
    hand::{Hand, Mark},
    task::Task,
};
use super::{PostgresOptions, access::Session, fullness::Fullness};

/// Starts the task. `events` changes when events are committed, where they are kept.
pub(super) fn start(
    sessions: Vec<Session>,
    link: Link,
    fullness: Arc<Fullness>,
    (keeps_events, events): (bool, watch::Sender<u64>),
    options: &PostgresOptions,
) -> Writer {
    let (writer, operations) = Writer::new();
    let presence = match options.term {
        Some(term) => Presence::Shared(term),
        None => Presence::sole(),
    };
    let is_failing = Arc::new(AtomicBool::new(false));
    let hands = sessions.into_iter().map(|session| {
        let lapses = operations.lapses.clone();
        let outbox = Outbox::new(keeps_events, events.clone());
        Hand {
            batches: BatchWriter::new(session.connection.into(), lapses, outbox, presence.clone()),
            process: session.process,
            used: Instant::now(),
            link: link.clone(),
            lapses: operations.lapses.clone(),
            fullness: Arc::clone(&fullness),
            is_failing: Arc::clone(&is_failing),
            mark: Mark::new(),
        }
    });
    let task = Task::new(hands.collect(), operations);
    tokio::spawn(task.run());
    writer
}
