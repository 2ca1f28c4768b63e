//! Notifications about messages that nobody keeps.

use super::{
    BackendError, Storage,
    lease::Lease,
    record::{NewTransaction, SchedulingKey},
};

impl Lease {
    /// Queues a notification about a transaction that is not in custody: its client waits for the reply,
    /// and is told of success only then.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; nobody may be told.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the notification may be in the queue.
    pub(crate) async fn queue(&self, notification: NewTransaction) -> Result<(), BackendError> {
        let storage: &Storage = self.storage();
        let (id, status) = (notification.id, notification.status.clone());
        let key = SchedulingKey::of(&notification.context, &notification.recipients);
        storage.backend().insert(notification).await?;
        storage.report_notified(&self.live, id);
        storage.due_changed_for(&status, || key);
        Ok(())
    }
}
