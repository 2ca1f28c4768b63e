//! Notifications about messages that are not kept.

use crate::event::{Event, Message, Notified};

use super::{
    BackendError, Storage,
    record::{NewTransaction, SchedulingKey},
};

impl Storage {
    /// Queues a notification about a message that need not be kept: its client waits for the reply, and is told of
    /// success only afterwards.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; then nobody may be notified.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the notification may be in the queue.
    pub(crate) async fn queue_notification(
        &self,
        message: Message<'_>,
        notification: NewTransaction,
    ) -> Result<(), BackendError> {
        let (id, status) = (notification.id, notification.status.clone());
        let key = SchedulingKey::of(&notification.context, &notification.recipients);
        self.backend().insert(notification).await?;
        self.observers().tell(&Event::Notified(Notified {
            message,
            notification: id,
        }));
        self.due_changed_for(&status, || key);
        Ok(())
    }
}
