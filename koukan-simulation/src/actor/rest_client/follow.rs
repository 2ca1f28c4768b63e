//! Follows and cancels a transaction.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{
        Created, ListTransactions, Operation, Read, ResourceResponse, ResourceService, View,
        WaitFor,
    },
    storage::Search,
};
use tokio::time::sleep;

use super::{PAUSE, RestClient, SENDER};

/// How often a client asks about its message at most.
const QUESTIONS: usize = 40;

/// How many transactions are listed at most; there are always fewer.
const LIMIT: usize = 50;

impl<H: ResourceService> RestClient<H> {
    /// Asks repeatedly, each time for something newer.
    pub(crate) async fn watch(&self, created: &Created, wait: Duration) {
        let mut known = created.version.clone();
        for _ in 0..QUESTIONS {
            let read = Operation::Read(Read {
                transaction: created.location.clone(),
                if_none_match: Some(known.clone()),
                wait: Some(wait),
                wait_for: WaitFor::default(),
            });
            match self.ask(Some(wait), read).await {
                Some(ResourceResponse::Current { view, version }) => {
                    if version == known {
                        self.violation("asks for what is new, and hears what it knows");
                    }
                    self.saw(&view);
                    if view.is_final() {
                        return;
                    }
                    known = version;
                }
                Some(ResourceResponse::Unchanged(version)) if version != known => {
                    self.violation("hears that another version is unchanged");
                }
                Some(_) => {}
                None => return,
            }
            sleep(if wait.is_zero() { PAUSE } else { PAUSE / 60 }).await;
        }
    }

    /// Checks that the reported state is true.
    fn saw(&self, view: &View) {
        if !view.is_final() {
            return;
        }
        let number = self.plan.letter.number;
        let now = self.world.elapsed();
        let mut ledger = self.world.ledger();
        let mut keys = self.plan.letter.to.iter().map(|to| (number, *to));
        let is_delivered = view.data_response.as_ref().is_some_and(Reply::is_positive);
        let nobody_has_it = keys
            .clone()
            .all(|key| ledger.deliveries_of(&key).is_empty());
        if is_delivered && nobody_has_it && !keys.any(|key| ledger.confused.contains(&key)) {
            ledger.violation(format!(
                "message {number} is said to be delivered, and nobody got it"
            ));
        }
        if let Some(account) = ledger.letters.get_mut(&number) {
            account.over = Some(now);
        }
    }

    /// Checks that its own transaction is in the list.
    pub(crate) async fn list(&self, created: &Created) {
        for _ in 0..3 {
            let list = || {
                Operation::List(ListTransactions {
                    sender: SENDER.into(),
                    state: None,
                    search: Search::default(),
                    limit: LIMIT,
                    cursor: None,
                })
            };
            if let Some(ResourceResponse::Listed(listed)) = self.ask_again(None, list).await {
                let mut listed = listed.transactions.iter();
                if !listed.any(|one| one.location == created.location) {
                    self.violation("lists its transactions, and one is missing");
                }
            }
            sleep(5 * PAUSE).await;
        }
    }

    pub(crate) async fn cancel(&self, created: &Created) {
        // Nothing is owed to the client any more.
        self.world.account(&self.plan.letter, |account| {
            account.is_withdrawn = true;
            account.promised.clear();
        });
        let cancel = || Operation::Cancel(created.location.clone());
        let Some(ResourceResponse::Current { view, .. }) = self.ask_again(None, cancel).await
        else {
            return;
        };
        if !view.cancelled {
            return;
        }
        let now = self.world.elapsed();
        let number = self.plan.letter.number;
        let mut ledger = self.world.ledger();
        let mut keys = self.plan.letter.to.iter().map(|to| (number, *to));
        let is_delivered = keys.any(|key| !ledger.deliveries_of(&key).is_empty());
        if let Some(account) = ledger.letters.get_mut(&number) {
            account.cancelled = Some(now).filter(|_| !is_delivered);
        }
    }
}
