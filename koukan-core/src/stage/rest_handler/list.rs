//! Lists transactions.

use crate::{
    resource::{
        Caller, ListState, ListTransactions, ListedTransaction, Location, Refusal, RefusalKind,
        ResourceResponse, TransactionsListed,
    },
    storage::{self, Listing},
};

use super::{service::Shared, view::view};

/// The maximum number of transactions in one list.
const LIMIT_MAX: usize = 1000;

impl Shared {
    pub(super) async fn list(
        &self,
        caller: &Caller,
        list: ListTransactions,
    ) -> Result<ResourceResponse, Refusal> {
        if !caller.may_act_for(&list.sender) {
            let detail = "the sender is another's";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        if !self.senders.has(&list.sender) {
            return Err(Refusal::not_found("there is no such sender"));
        }
        let limit = list.limit.clamp(1, LIMIT_MAX);
        let wrong = || Refusal::malformed("not the cursor of a list before").at("cursor");
        let before = list
            .cursor
            .as_deref()
            .map(|cursor| cursor.parse().map_err(|_| wrong()));
        let listing = Listing {
            sender: Some(list.sender),
            state: list.state.map(|state| match state {
                ListState::Waiting => storage::QueueState::Waiting,
                ListState::Scheduled => storage::QueueState::Scheduled,
                ListState::Active => storage::QueueState::Active,
                ListState::Finished => storage::QueueState::Finished,
            }),
            search: list.search,
            before: before.transpose()?,
            limit,
        };
        let page = self.storage.page(listing).await?;
        let transactions = page.transactions.into_iter().map(|stored| {
            let created = stored.created;
            let snapshot = self.storage.snapshot_of(stored);
            ListedTransaction {
                location: Location::of_transaction(snapshot.id),
                created,
                view: Box::new(view(&snapshot)),
            }
        });
        Ok(ResourceResponse::Listed(TransactionsListed {
            transactions: transactions.collect(),
            next: page.next.map(|place| place.to_string().into()),
        }))
    }
}
