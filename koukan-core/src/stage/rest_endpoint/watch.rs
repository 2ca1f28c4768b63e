//! Watches the transaction upstream.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::resource::{Location, Operation, Read, ResourceResponse, ResourceService, Version};

use super::{
    ask::{Current, ask},
    backoff::Backoff,
    failure::Failure,
};

/// Where reads do not hang, or fail, this long from one to the next.
const PACE: Duration = Duration::from_secs(1);

/// Waits until the transaction has another version than this one. Reads that fail are repeated, a
/// few times in a row.
pub(super) async fn watch<R: ResourceService>(
    resource: R,
    transaction: Location,
    version: Version,
    wait: Duration,
) -> Result<Current, Failure> {
    let mut backoff = Backoff::new(6);
    loop {
        let asked = Instant::now();
        let read = Read {
            transaction: transaction.clone(),
            if_none_match: Some(version.clone()),
            wait: Some(wait),
        };
        match ask(resource.clone(), Operation::Read(read)).await {
            Ok(ResourceResponse::Current {
                view,
                version: current,
            }) if current != version => {
                return Ok(Current {
                    view,
                    version: current,
                });
            }
            Ok(ResourceResponse::Current { .. } | ResourceResponse::Unchanged(_)) => {
                backoff = Backoff::new(6);
                // An upstream that answers at once is not asked as fast as it answers.
                sleep(PACE.min(wait).saturating_sub(asked.elapsed())).await;
            }
            Ok(_) => return Err(Failure::Unexpected),
            Err(failure) if failure.is_passing() && backoff.pause().await => {}
            Err(failure) => return Err(failure),
        }
    }
}
