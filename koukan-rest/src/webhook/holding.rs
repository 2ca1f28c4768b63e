//! That this process calls a webhook, of all that might.

use std::future::pending;

use koukan_core::storage::record::SessionId;
use tokio::sync::Notify;

/// The reading of events for a webhook, which this process has.
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

    /// The name under which events are read, and the session that does.
    pub(super) fn reader(&self) -> (&'a str, SessionId) {
        (self.reader, self.session)
    }

    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    /// Tells that another process has it, and does nothing more: whoever waits for that drops this.
    pub(super) async fn lose(&self) {
        self.is_lost.notify_one();
        pending::<()>().await;
    }

    /// Waits until another process was found to have it.
    pub(super) async fn lost(&self) {
        self.is_lost.notified().await;
    }
}
