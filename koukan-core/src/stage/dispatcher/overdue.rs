//! Ends mail whose time is over while its destination is suspended.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;
use tower::{BoxError, Service};

use crate::storage::{BackendError, Lease, record::StoredTransaction};

use super::{Dispatcher, back_off};

/// The shortest and the longest time between two looks.
const OFTEN: Duration = Duration::from_secs(60);
const SELDOM: Duration = Duration::from_secs(3600);

/// Until when mail is tried.
pub(super) type Deadlines = Arc<dyn Fn(&StoredTransaction) -> Timestamp + Send + Sync>;

impl<O> Dispatcher<O> {
    /// Sets until when a stored transaction is tried: as
    /// [`OutputHandler::deadline`](crate::stage::output_handler::OutputHandler::deadline) says. While its destination is
    /// suspended, it is leased only after that. Default: [`Dispatcher::with_shortest_deadline`] counts for all.
    #[must_use]
    pub fn with_deadlines(
        mut self,
        deadlines: impl Fn(&StoredTransaction) -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        self.deadlines = Some(Arc::new(deadlines));
        self
    }

    fn is_over(&self, stored: &StoredTransaction, now: Timestamp) -> bool {
        let deadlines = self.deadlines.as_ref();
        deadlines.is_none_or(|deadline| deadline(stored) <= now)
    }
}

impl<O> Dispatcher<O>
where
    O: Service<Lease, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
{
    /// Looks from time to time, while a destination is suspended: what waits for it is not leased otherwise. It never
    /// ends.
    pub(super) async fn end_overdue(&self) {
        let pause = (self.shortest_deadline / 10).clamp(OFTEN, SELDOM);
        loop {
            sleep(pause).await;
            if let Err(error) = self.look_for_overdue().await {
                back_off(&error).await;
            }
        }
    }

    async fn look_for_overdue(&self) -> Result<(), BackendError> {
        let now = self.storage.clock().now();
        let until = now.checked_sub(self.shortest_deadline);
        let until = until.unwrap_or(Timestamp::MIN);
        for suspension in self.storage.suspensions() {
            let mut before = None;
            loop {
                let overdue = self.storage.overdue(&suspension.host, until, before);
                let (waiting, next) = overdue.await?;
                for stored in waiting.iter().filter(|stored| self.is_over(stored, now)) {
                    // One after the other: nobody waits for them.
                    let place = self.room.one().await;
                    if let Some(lease) = self.storage.lease_overdue(stored.id).await? {
                        let under_way = Arc::new(self.crowds.enter(None, place));
                        self.attempt(lease, under_way).await;
                    }
                }
                match next {
                    Some(next) => before = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }
}
