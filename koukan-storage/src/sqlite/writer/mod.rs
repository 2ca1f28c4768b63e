//! The one task that writes.
//!
//! Where a file of the database is no longer the one that was opened, nothing is written; where
//! that shows after the commit, nobody is acknowledged.
//!
//! Where the commit itself fails, a sync above all, nobody of the batch is acknowledged. What it
//! has put into the log may still be found there after a crash, as a whole, but nothing builds on
//! it: the next commit writes over the same place.

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
use super::{ballast::Ballast, files::Files, lock::ProcessLock, room::Room};

/// Starts the task; `events` is told of the events that are committed, where some are kept.
pub(super) fn start(
    connection: Connection,
    options: SqliteConnectOptions,
    shared: (Arc<Files>, Arc<Room>, Option<Ballast>),
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
