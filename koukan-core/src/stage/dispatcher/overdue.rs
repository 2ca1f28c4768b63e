//! Ends mail whose time is over while its destination is suspended.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::sleep;
use tower::{BoxError, Service};

use crate::storage::{BackendError, Lease};

use super::{Dispatcher, back_off};

/// The shortest and the longest time between two looks.
const OFTEN: Duration = Duration::from_secs(60);
const SELDOM: Duration = Duration::from_secs(3600);

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
                let (ids, next) = self
                    .storage
                    .overdue(&suspension.host, until, before)
                    .await?;
                for id in ids {
                    // One after the other: nobody waits for them.
                    let place = self.room.one().await;
                    if let Some(lease) = self.storage.lease_overdue(id).await? {
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
