//! The only task that writes.
//!
//! If a file of the database is no longer the one that was opened, or the database is damaged, nothing
//! is written. If that is noticed after the commit, nobody gets an acknowledgement.
//!
//! If the commit itself fails, usually in the sync, nobody in the batch gets an acknowledgement.
//! The batch may still be in the log after a crash, as a whole, but nothing depends on it: the next
//! commit overwrites it.

mod checkpoint;
mod shrink;
mod task;
mod trial;

pub(super) use self::shrink::count_pages;

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::watch;

use crate::database::Connection;
use crate::writer::{BatchWriter, Outbox, Presence, Writer};

use self::task::Task;
use super::{ballast::Ballast, files::Files, lock::ProcessLock, room::Room, stall::Stall};

/// What the task shares with those who read and ask, and the reserve.
pub(super) struct Shared {
    pub(super) files: Arc<Files>,
    pub(super) room: Arc<Room>,
    pub(super) ballast: Option<Ballast>,
    pub(super) stall: Arc<Stall>,
}

/// Starts the task. `events` changes when events are committed, where they are kept.
pub(super) fn start(
    connection: Connection,
    options: SqliteConnectOptions,
    shared: Shared,
    (keeps_events, events): (bool, watch::Sender<u64>),
    lock: ProcessLock,
) -> Writer {
    let (writer, operations) = Writer::new();
    let outbox = Outbox::new(keeps_events, events);
    let lapses = operations.lapses.clone();
    let batches = BatchWriter::new(connection, lapses, outbox, Presence::sole());
    let task = Task::new(batches, options, shared, operations);
    tokio::spawn(task.run(lock));
    writer
}
