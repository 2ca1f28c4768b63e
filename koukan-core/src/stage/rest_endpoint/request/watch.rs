//! Watches the transaction upstream.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::resource::{
    Location, Operation, Read, ResourceResponse, ResourceService, Version, View, WaitFor,
};

use super::{Current, Failure, ask_repeatedly, current};

/// The interval between reads that do not hang, or fail.
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

    /// Whether a view contains replies that are not known yet.
    fn is_less_than(self, view: &View) -> bool {
        let now = Self::of(view);
        now.mail && !self.mail
            || now.rcpts > self.rcpts
            || now.last && !self.last
            || now.end && !self.end
    }
}

/// Waits until the transaction has another version than this one, or shows more replies: some
/// applications change the entity tag only on some changes. Failed reads are repeated a few times
/// in a row.
pub(in super::super) async fn watch<R: ResourceService>(
    resource: R,
    transaction: Location,
    version: Version,
    known: Known,
    wait: Duration,
) -> Result<Current, Failure> {
    let read = || {
        Operation::Read(Read {
            transaction: transaction.clone(),
            if_none_match: Some(version.clone()),
            wait: Some(wait),
            wait_for: WaitFor::End,
        })
    };
    loop {
        let asked = Instant::now();
        match ask_repeatedly(&resource, 6, read).await? {
            ResourceResponse::Unchanged(_) => {}
            response => {
                let now = current(response)?;
                if now.version != version || known.is_less_than(&now.view) {
                    return Ok(now);
                }
            }
        }
        // If upstream answers at once, it is not asked again at that rate.
        sleep(PACE.min(wait).saturating_sub(asked.elapsed())).await;
    }
}
