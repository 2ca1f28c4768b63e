//! The right of this process to call a webhook, which one of several processes has.

use std::future::pending;

use koukan_core::storage::record::SessionId;
use tokio::sync::Notify;

/// The right to read events for a webhook, while this process has it.
pub(super) struct Holding<'a> {
    reader: &'a str,
    session: SessionId,
    is_lost: Notify,
}

impl<'a> Holding<'a> {
    pub(super) fn new(reader: &'a str, session: SessionId) -> Self {
        let is_lost = Notify::new();
        Self {
            reader,
            session,
            is_lost,
        }
    }

    /// The name under which events are read, and the session that reads them.
    pub(super) fn reader(&self) -> (&'a str, SessionId) {
        (self.reader, self.session)
    }

    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    /// Reports that another process has the right, and then waits for ever: [`Holding::lost`] makes
    /// the caller drop this future.
    pub(super) async fn lose(&self) {
        self.is_lost.notify_one();
        pending::<()>().await;
    }

    /// Waits until another process is found to have the right.
    pub(super) async fn lost(&self) {
        self.is_lost.notified().await;
    }
}
