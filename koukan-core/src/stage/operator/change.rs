//! Changes.

use std::collections::HashSet;

use crate::{
    causes::Causes,
    event::{Event, Operated},
    resource::{Caller, QueueChange, QueueChanged, QueueResponse, Refusal, RefusalKind},
    storage::{
        BackendError, ListCursor, Listing, QueueState,
        record::{QueueAction, Skipped, TransactionId},
    },
};

use super::Operator;

/// How many transactions are selected at a time.
const SELECTED: usize = 10_000;
/// How many transactions are changed in one commit, so that other commits come between.
const CHANGED: usize = 1000;

impl Operator {
    /// Changes one. Returns its new state.
    pub(super) async fn change_one(
        &self,
        caller: &Caller,
        id: &str,
        action: QueueAction,
    ) -> Result<QueueResponse, Refusal> {
        // An unknown transaction differs from one that is over.
        let (known, watch) = self.find(id).await?;
        let judged = match action {
            QueueAction::Retry => vec![(known, self.storage.retry_now(&watch).await?)],
            _ => self.storage.change(vec![known], action, false).await?,
        };
        let mut changed = QueueChanged::default();
        changed.count(&judged);
        self.report(caller, action.as_str(), id, &changed);
        match judged.into_iter().find_map(|(_, verdict)| verdict.err()) {
            None => self.show(id).await,
            Some(skipped) => Err(Refusal::new(RefusalKind::Conflict, why(skipped))),
        }
    }

    /// Changes many.
    pub(super) async fn change(
        self,
        caller: Caller,
        change: QueueChange,
    ) -> Result<QueueResponse, Refusal> {
        self.detached(async move |this: Self| {
            let mut changed = QueueChanged::default();
            let end = this.change_each(&change, None, &mut changed).await;
            if !change.is_dry {
                let filter = change.filter.to_string();
                this.report(&caller, change.action.as_str(), &filter, &changed);
            }
            end?;
            Ok(QueueResponse::Changed(changed))
        })
        .await
    }

    /// Makes a change in a task of its own, which continues if the caller goes away.
    pub(super) async fn detached<F, Fut>(self, change: F) -> Result<QueueResponse, Refusal>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<QueueResponse, Refusal>> + Send + 'static,
    {
        match tokio::spawn(change(self)).await {
            Ok(changed) => changed,
            Err(error) => {
                tracing::error!(error = %Causes(&error), "a change of the queue was lost");
                Err(Refusal::internal())
            }
        }
    }

    /// Changes many, some at a time. Those in the state `but` are unchanged.
    pub(super) async fn change_each(
        &self,
        change: &QueueChange,
        but: Option<QueueState>,
        changed: &mut QueueChanged,
    ) -> Result<(), BackendError> {
        let mut before = None;
        loop {
            let (ids, next) = self.select(change, but, before, SELECTED).await?;
            for some in ids.chunks(CHANGED) {
                let (storage, ids) = (&self.storage, some.to_vec());
                let change = storage.change(ids, change.action, change.is_dry);
                changed.count(&change.await?);
            }
            match next {
                Some(_) => before = next,
                None => return Ok(()),
            }
        }
    }

    /// Makes one transaction due now that tries its hosts even if they are known not to answer: the newest one that the
    /// change, a retry, is about and applies to. Those in the state `but` are left out.
    pub(super) async fn retry_one(
        &self,
        change: &QueueChange,
        but: Option<QueueState>,
    ) -> Result<(), BackendError> {
        let storage = &self.storage;
        let mut before = None;
        loop {
            let (ids, next) = self.select(change, but, before, CHANGED).await?;
            // A look at all of them costs less than a try with each.
            let judged = storage.change(ids, change.action, true).await?;
            for (id, verdict) in judged {
                if verdict.is_err() {
                    continue;
                }
                match storage.watch(id).await {
                    Ok(Some(watch)) if storage.retry_now(&watch).await?.is_ok() => return Ok(()),
                    // It has changed meanwhile, or cannot be read.
                    Ok(_) | Err(BackendError::Malformed(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            match next {
                Some(_) => before = next,
                None => return Ok(()),
            }
        }
    }

    /// The next at most `limit` transactions that a change is about, without those in the state `but`. Also returns where
    /// to go on.
    async fn select(
        &self,
        change: &QueueChange,
        but: Option<QueueState>,
        before: Option<ListCursor>,
        limit: usize,
    ) -> Result<(Vec<TransactionId>, Option<ListCursor>), BackendError> {
        let listing = Listing {
            sender: change.filter.sender.clone(),
            state: change.filter.state,
            search: change.filter.search.clone(),
            before,
            limit,
        };
        let backend = self.storage.backend();
        let places = backend.select(listing.clone()).await?;
        let kept: HashSet<_> = match but {
            None => HashSet::new(),
            state => {
                let listing = Listing { state, ..listing };
                let kept = backend.select(listing).await?.into_iter();
                kept.map(|place| place.id).collect()
            }
        };
        let ids = places.iter().map(|place| place.id);
        let ids = ids.filter(|id| !kept.contains(id)).collect();
        let next = places.last().filter(|_| places.len() == limit);
        Ok((ids, next.copied()))
    }

    pub(super) fn report(
        &self,
        caller: &Caller,
        action: &str,
        target: &str,
        changed: &QueueChanged,
    ) {
        self.storage.observers().tell(&Event::Operated(Operated {
            by: caller.client(),
            action,
            target,
            matched: changed.matched,
            changed: changed.changed,
        }));
    }
}

/// Why a transaction cannot be changed in this way, and what to do.
fn why(skipped: Skipped) -> &'static str {
    match skipped {
        Skipped::Finished => "the transaction is over",
        Skipped::Active => "an attempt is under way: wait for its end, or cancel it",
        Skipped::Held => "the transaction is held: release it",
        Skipped::NotHeld => "the transaction is not held",
        Skipped::Draft => "the message is still to come",
        Skipped::Notifying => "all is over but the notification of the sender",
        Skipped::Suspended => "its destination is suspended: resume that",
    }
}
