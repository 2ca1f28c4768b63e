//! How a lease ends: settled, postponed, or given back.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{causes::Causes, path::ReversePath};

use super::{
    AttemptEnd, BackendError, Storage,
    conclude::conclude,
    live::{Durability, Live, Side},
    record::{Settlement, Status, Terms, TransactionId},
};

/// How long a failed write is waited for, at first and at most.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];

impl Storage {
    /// Writes what an attempt under lease brought, and goes on trying while the backend fails: the
    /// lease stays with this session, so nobody else can say what became of it.
    pub(super) async fn settle(
        &self,
        live: &Arc<Live>,
        end: AttemptEnd,
    ) -> Result<(), BackendError> {
        let Durability::Leased { fence, terms } = live.lock().durability else {
            return Ok(());
        };
        let reply = end.attempt.given_final_reply().cloned();
        let before = (!self.observers().is_empty()).then(|| live.lock().recipients.clone());
        let mut settlement = self.settlement(live, end, fence, terms);
        let status = settlement.status.clone();
        self.write_settlement(&mut settlement).await?;
        if let Some(before) = before {
            let after = &settlement.recipients;
            self.report_settled(live, &before, after, &status, reply.as_ref());
        }
        live.update(Side::Reader, |state| {
            state.recipients = settlement.recipients;
        });
        live.settled(fence, status.clone());
        self.due_changed(&status);
        self.cancel_late(live).await
    }

    /// As `settle`, in a task of its own.
    pub(super) fn settle_in_background(&self, live: Arc<Live>, end: AttemptEnd) {
        let storage = self.clone();
        self.spawn(async move {
            if let Err(error) = storage.settle(&live, end).await {
                tracing::error!(id = %live.trace_id(), transaction = %live.id, error = %Causes(&error), "could not settle a transaction");
            }
        });
    }

    /// Gives a lease back that ended without an outcome.
    pub(super) fn release_in_background(&self, live: Arc<Live>, fence: u64) {
        let storage = self.clone();
        self.spawn(async move { storage.release(&live, fence).await });
    }

    /// Ends a lease without an attempt; it goes on as `status` says.
    pub(super) async fn postpone(
        &self,
        live: &Arc<Live>,
        fence: u64,
        status: Status,
    ) -> Result<(), BackendError> {
        let mut settlement = Settlement {
            id: live.id,
            session: self.session(),
            fence,
            attempt: None,
            recipients: live.lock().recipients.clone(),
            status: status.clone(),
            notification: None,
        };
        self.write_settlement(&mut settlement).await?;
        if live.settled(fence, status.clone()) {
            self.report_over(live, &status);
        }
        self.due_changed(&status);
        self.cancel_late(live).await
    }

    /// As `postpone`, in a task of its own.
    pub(super) fn postpone_in_background(&self, live: Arc<Live>, fence: u64, status: Status) {
        let storage = self.clone();
        self.spawn(async move {
            if let Err(error) = storage.postpone(&live, fence, status).await {
                tracing::error!(id = %live.trace_id(), transaction = %live.id, error = %Causes(&error), "could not give a lease back");
            }
        });
    }

    /// Gives a lease back, and goes on trying while the backend fails, since nobody else can have it
    /// as long as this session lives; the transaction is due as it was.
    pub(super) async fn release(&self, live: &Arc<Live>, fence: u64) {
        let id = live.id;
        let release = || self.backend().release(id, self.session(), fence);
        let (has_failed, released) = keep_trying(id, "give a lease back", release).await;
        match released {
            // What failed may have been written, and only its answer lost.
            Err(BackendError::LeaseLost) if has_failed => {}
            Err(error) => {
                tracing::warn!(%id, error = %Causes(&error), "could not give a lease back");
            }
            Ok(()) => {}
        }
        // Unless it is under another lease by now, which has another token.
        live.released(fence);
        self.due_changed(&self.due_now());
        if let Err(error) = self.cancel_late(live).await {
            tracing::warn!(%id, error = %Causes(&error), "could not cancel a transaction");
        }
    }

    fn settlement(&self, live: &Live, end: AttemptEnd, fence: u64, terms: Terms) -> Settlement {
        let mut recipients = live.lock().recipients.clone();
        let null = ReversePath::Null;
        let reverse_path = live.mail().map_or(&null, |mail| &mail.reverse_path);
        let status = conclude(&mut recipients, &end, terms, reverse_path);
        Settlement {
            id: live.id,
            session: self.session(),
            fence,
            attempt: Some(end.attempt),
            recipients,
            status,
            notification: None,
        }
    }

    pub(super) async fn write_settlement(
        &self,
        settlement: &mut Settlement,
    ) -> Result<(), BackendError> {
        let settle = || self.backend().settle(settlement.clone());
        let (has_failed, settled) = keep_trying(settlement.id, "settle", settle).await;
        match settled {
            // What failed may have been written, and only its answer lost: the lease is gone then.
            Err(BackendError::LeaseLost) if has_failed && self.is_written(settlement).await => {
                Ok(())
            }
            Err(error) => {
                // Whatever became of it, the transaction may be due.
                self.due_changed(&self.due_now());
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Whether a transaction stands as a settlement left it.
    async fn is_written(&self, settlement: &Settlement) -> bool {
        let stored = self.backend().find(settlement.id).await;
        let Ok(Some(stored)) = stored else {
            return false;
        };
        match &settlement.attempt {
            // Nobody else made one at that time.
            Some(attempt) => stored
                .last_attempt
                .is_some_and(|last| same_moment(last.started, attempt.started)),
            None => match (&stored.status, &settlement.status) {
                (Status::Due(stored), Status::Due(settled)) => {
                    stored.work == settled.work && same_moment(stored.at, settled.at)
                }
                (stored, settled) => stored == settled,
            },
        }
    }
}

/// Calls the backend until it has room and does not fail; whether it failed before, and what it said
/// last.
pub(super) async fn keep_trying<T, F>(
    id: TransactionId,
    what: &'static str,
    call: impl Fn() -> F,
) -> (bool, Result<T, BackendError>)
where
    F: Future<Output = Result<T, BackendError>>,
{
    let [mut back_off, longest] = BACK_OFF;
    let mut has_failed = false;
    loop {
        match call().await {
            Err(error @ (BackendError::Full(_) | BackendError::Failed(_))) => {
                tracing::error!(%id, error = %Causes(&error), "could not {what}, will try again");
                has_failed = true;
                tokio::time::sleep(back_off).await;
                back_off = longest.min(back_off * 2);
            }
            answered => return (has_failed, answered),
        }
    }
}

/// Whether two times are the same, as exactly as every backend keeps them.
fn same_moment(a: Timestamp, b: Timestamp) -> bool {
    a.as_millisecond() == b.as_millisecond()
}
