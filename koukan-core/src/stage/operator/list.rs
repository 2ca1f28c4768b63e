//! Listing.

use crate::{
    resource::{QueueList, QueueListed, QueueResponse, QueuedTransaction, Refusal},
    stage::rest_handler::view,
    storage::{
        Listing, QueueState, Snapshot, Storage,
        record::{Recipient, SchedulingKey},
    },
};

use super::Operator;

/// The default and the largest number of transactions in a list.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1000;

impl Operator {
    pub(super) async fn list(&self, list: QueueList) -> Result<QueueResponse, Refusal> {
        let limit = match list.limit {
            0 => LIMIT,
            limit => limit.min(LIMIT_MAX),
        };
        let wrong = |_| Refusal::malformed("not the cursor of a list before").at("cursor");
        let before = list.cursor.map(|cursor| cursor.parse().map_err(wrong));
        let listing = Listing {
            sender: list.filter.sender,
            state: list.filter.state,
            search: list.filter.search,
            before: before.transpose()?,
            limit,
        };
        self.storage.catch_up().await?;
        let page = self.storage.page(listing).await?;
        let transactions = page.transactions.into_iter();
        let transactions = transactions.map(|stored| {
            let snapshot = self.storage.snapshot_of(stored);
            queued(&self.storage, &snapshot)
        });
        Ok(QueueResponse::Listed(QueueListed {
            transactions: transactions.collect(),
            next: page.next.map(|place| place.to_string().into()),
        }))
    }
}

/// A transaction in the form for operators.
pub(super) fn queued(storage: &Storage, snapshot: &Snapshot) -> QueuedTransaction {
    let recipients = snapshot.recipients.iter().map(|rcpt| Recipient {
        rcpt: rcpt.clone(),
        settled: None,
    });
    let context = &snapshot.context;
    let key = SchedulingKey::of(context, recipients.clone().next().as_slice());
    let waits = snapshot.next_attempt.is_some() && !snapshot.is_active;
    let suspension = (waits && storage.is_suspended(key.host())).then(|| {
        // What has others as well goes to them.
        let recipients: Vec<_> = recipients.collect();
        storage.suspension(key.only_host(context, &recipients))
    });
    let suspension = suspension.flatten();
    QueuedTransaction {
        suspended: suspension.map(|suspension| suspension.since),
        state: match snapshot.final_reason {
            Some(_) => QueueState::Finished,
            None if snapshot.is_active => QueueState::Active,
            None if snapshot.held.is_some() => QueueState::Held,
            None if snapshot.is_scheduled => QueueState::Scheduled,
            None => QueueState::Waiting,
        },
        created: snapshot.created,
        held: snapshot.held,
        crashes: snapshot.crashes,
        view: Box::new(view(snapshot)),
        destination: key.host().into(),
    }
}
