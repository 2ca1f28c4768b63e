//! Watches the transaction upstream.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::resource::{
    Location, Operation, Read, ResourceResponse, ResourceService, Version, View, WaitFor,
};

use super::{Current, ask, backoff::Backoff, failure::Failure};

/// Where reads do not hang, or fail, this long from one to the next.
const PACE: Duration = Duration::from_secs(1);

/// The replies that are known.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Known {
    mail: bool,
    rcpts: usize,
    last: bool,
    end: bool,
}

impl Known {
    pub(in super::super) fn of(view: &View) -> Self {
        Self {
            mail: view.mail_response.is_some(),
            rcpts: view.rcpt_response.len(),
            last: view.data_response.is_some(),
            end: view.is_final(),
        }
    }

    /// Whether a view shows replies that are not known.
    fn is_less_than(self, view: &View) -> bool {
        let now = Self::of(view);
        now.mail && !self.mail
            || now.rcpts > self.rcpts
            || now.last && !self.last
            || now.end && !self.end
    }
}

/// Waits until the transaction has another version than this one, or shows more replies: there are
/// applications that give another entity tag only for some changes. Reads that fail are repeated, a
/// few times in a row.
pub(in super::super) async fn watch<R: ResourceService>(
    resource: R,
    transaction: Location,
    version: Version,
    known: Known,
    wait: Duration,
) -> Result<Current, Failure> {
    let mut backoff = Backoff::new(6);
    loop {
        let asked = Instant::now();
        let read = Read {
            transaction: transaction.clone(),
            if_none_match: Some(version.clone()),
            wait: Some(wait),
            wait_for: WaitFor::End,
        };
        match ask(resource.clone(), Operation::Read(read)).await {
            Ok(ResourceResponse::Current {
                view,
                version: current,
            }) if current != version || known.is_less_than(&view) => {
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
