//! Writes the end of a lease, until it is written or the lease is known to be lost.

use std::{mem, sync::Arc};

use jiff::Timestamp;

use crate::{causes::Causes, supervision::contain};

use super::{
    BackendError, Storage,
    kept_parts::KeptParts,
    live::Live,
    patience::{Patience, keep_trying},
    record::{EventSource, NewEvent, SchedulingKey, Settlement, Status, TransactionId},
};

/// The end of a lease that is to be written.
///
/// Nobody else can have the transaction while this session is alive and holds the lease. So the
/// write continues in the background if its caller is dropped, and it is repeated whatever error
/// the backend returns.
pub(super) struct Ending(Option<Writing>);

struct Writing {
    storage: Storage,
    live: Arc<Live>,
    fence: u64,
    end: End,
    /// The transactions whose leases end with it, in the order of the settlement.
    others: Vec<Arc<Live>>,
    /// Parts of the attempt that are written in the same commit.
    parts: Vec<KeptParts>,
    /// Whether it may be written, with only the answer lost.
    may_be_written: bool,
    patience: Patience,
}

/// How a lease ends.
pub(super) enum End {
    /// With a settlement. Observers are told the news.
    Settled(Box<Settlement>, News),
    /// Given back, with the due time unchanged.
    GivenBack,
}

/// What observers are told about a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The results of attempts for the recipients.
    Attempted,
    /// That nothing more is tried, if that is so.
    Over,
}

impl Ending {
    pub(super) fn new(storage: Storage, live: Arc<Live>, fence: u64, end: End) -> Self {
        Self::beside(storage, live, fence, end, Vec::new())
    }

    /// The end of a lease and of those that are settled together with it.
    pub(super) fn of_several(
        storage: Storage,
        live: Arc<Live>,
        (settlement, news): (Settlement, News),
        others: Vec<Arc<Live>>,
    ) -> Self {
        let fence = settlement.fence;
        let end = End::Settled(Box::new(settlement), news);
        Self::beside(storage, live, fence, end, others)
    }

    fn beside(
        storage: Storage,
        live: Arc<Live>,
        fence: u64,
        mut end: End,
        others: Vec<Arc<Live>>,
    ) -> Self {
        if let End::Settled(settlement, _) = &mut end
            && storage.backend().keeps_events()
        {
            let told = settlement.notification.as_ref().map(|it| it.id);
            settlement.events = events(&storage, &live, settlement, told);
            for (live, settlement) in others.iter().zip(&mut settlement.together) {
                settlement.events = events(&storage, live, settlement, told);
            }
        }
        Self(Some(Writing {
            storage,
            live,
            fence,
            end,
            others,
            parts: Vec::new(),
            may_be_written: false,
            patience: Patience::default(),
        }))
    }

    /// The same, with parts of the attempt that are written in the same commit. They are cancelled if it is not written.
    pub(super) fn with_parts(mut self, mut parts: Vec<KeptParts>) -> Self {
        if let Some(writing) = &mut self.0
            && let End::Settled(settlement, _) = &mut writing.end
        {
            let new = parts.iter_mut().flat_map(KeptParts::take_new);
            settlement.kept.extend(new);
            writing.parts = parts;
        }
        self
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// [`BackendError::LeaseLost`]: another session has, or had, the transaction.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the write continues in a task of its own.
    pub(super) async fn write(mut self) -> Result<(), BackendError> {
        let Some(writing) = &mut self.0 else {
            return Ok(());
        };
        let written = writing.write().await;
        if let Some(writing) = self.0.take() {
            writing.go_on(written.is_ok());
        }
        written
    }

    /// As [`Ending::write`], in a task of its own.
    pub(super) fn write_in_background(self) {
        drop(self);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(mut writing) = self.0.take() else {
            return;
        };
        let storage = writing.storage.clone();
        storage.spawn(async move {
            let written = writing.write().await;
            let (storage, live) = (writing.storage.clone(), Arc::clone(&writing.live));
            writing.go_on(written.is_ok());
            storage.tell_of_loss(&live, written);
        });
    }
}

impl Writing {
    async fn write(&mut self) -> Result<(), BackendError> {
        loop {
            let has_failed = std::mem::replace(&mut self.may_be_written, true);
            let (what, written) = match &self.end {
                End::Settled(settlement, _) => {
                    let settle = async {
                        let backend = self.storage.backend();
                        backend.settle((**settlement).clone()).await
                    };
                    ("settle", contain(settle).await)
                }
                End::GivenBack => {
                    let release = async {
                        let (backend, session) = (self.storage.backend(), self.storage.session());
                        backend.release(self.live.id, session, self.fence).await
                    };
                    ("give a lease back", contain(release).await)
                }
            };
            let written = written.unwrap_or_else(|loss| Err(BackendError::of_loss(&loss)));
            match written {
                Ok(()) => return Ok(()),
                // A failed write may have been made, with only its answer lost: then the lease is
                // gone.
                Err(BackendError::LeaseLost | BackendError::SessionLost)
                    if has_failed && self.is_written().await =>
                {
                    return Ok(());
                }
                Err(BackendError::LeaseLost | BackendError::SessionLost) => {
                    return Err(BackendError::LeaseLost);
                }
                Err(BackendError::NoSuchBlob) if !self.parts.is_empty() => self.give_parts_up(),
                Err(error) => {
                    let presence = &self.storage.0.presence;
                    tokio::select! {
                        biased;
                        // Repeating it makes sense now.
                        () = presence.heard_again(), if presence.is_shared() => {}
                        () = self.patience.failed(self.live.id, what, &error) => {}
                    }
                }
            }
        }
    }

    /// A message of a part is gone, as may happen if the backend has failed for longer than it keeps what nothing refers
    /// to. The attempt is made again.
    fn give_parts_up(&mut self) {
        let (id, transaction) = (self.live.trace_id(), self.live.id);
        tracing::error!(%id, %transaction, "what an attempt has kept is gone; the attempt is made again");
        self.parts.clear();
        if let End::Settled(settlement, _) = mem::replace(&mut self.end, End::GivenBack) {
            let others = mem::take(&mut self.others);
            for (other, end) in others.into_iter().zip(settlement.together) {
                let released = self.storage.releasing(&other, end.fence);
                released.write_in_background();
            }
        }
    }

    /// Continues after it was written, or the lease was lost.
    fn go_on(self, is_written: bool) {
        let Self {
            storage,
            live,
            fence,
            end,
            others,
            parts,
            ..
        } = self;
        match is_written {
            true => parts.into_iter().for_each(KeptParts::written),
            // Before others may have the whole.
            false => drop(parts),
        }
        match end {
            End::Settled(mut settlement, news) if is_written => {
                let together = mem::take(&mut settlement.together);
                storage.go_on_from(&live, *settlement, news);
                for (live, settlement) in others.into_iter().zip(together) {
                    storage.go_on_from(&live, settlement, news);
                    storage.cancel_late_in_background(live);
                }
            }
            End::Settled(settlement, _) if !others.is_empty() => {
                // One of the leases is lost, and nobody knows which.
                let fences = settlement.together.iter().map(|other| other.fence);
                storage.releasing(&live, fence).write_in_background();
                for (other, fence) in others.iter().zip(fences) {
                    storage.releasing(other, fence).write_in_background();
                }
                return;
            }
            _ => {
                // Unless it has another lease by now, with another token.
                live.released(fence);
                // In any case, the transaction may be due.
                let due = storage.due_now();
                match live.is_to_be_attempted() {
                    true => storage.due_changed(&live, &due),
                    false => storage.look_for_due(),
                }
            }
        }
        storage.cancel_late_in_background(live);
    }

    /// Whether the transaction stands as this has left it.
    async fn is_written(&self) -> bool {
        let End::Settled(settlement, _) = &self.end else {
            return true;
        };
        let id = settlement.id;
        for parts in &self.parts {
            if let Some(are_written) = parts.are_written(id).await {
                return are_written;
            }
        }
        let find = || self.storage.backend().find(id);
        let Ok(Some(stored)) = keep_trying(id, "look for what was written", find).await else {
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

impl Storage {
    /// Reports what a settlement has written, and updates the live transaction.
    fn go_on_from(&self, live: &Live, settlement: Settlement, news: News) {
        let Settlement {
            fence,
            attempt,
            recipients,
            status,
            notification,
            ..
        } = settlement;
        if news == News::Attempted && !self.observers().is_empty() {
            let before = live.lock().recipients.clone();
            let reply = attempt.as_ref().and_then(|it| it.given_final_reply());
            self.report_settled(live, &before, &recipients, &status, reply);
        }
        let is_news = live.settled(fence, recipients, status.clone());
        if is_news && news == News::Over {
            self.report_over(live, &status);
        }
        if let Some(notification) = notification {
            self.report_notified(live, notification.id);
            self.due_changed_for(&notification.status, || {
                SchedulingKey::of(&notification.context, &notification.recipients)
            });
        }
        self.due_changed(live, &status);
    }

    /// Reports that a lease was lost, if it was.
    pub(super) fn tell_of_loss(&self, live: &Live, written: Result<(), BackendError>) {
        if let Err(error) = written {
            tracing::error!(id = %live.trace_id(), transaction = %live.id, error = %Causes(&error), "could not end a lease");
        }
    }
}

/// The events of a settlement that is not written yet, whose sender is `told` by this notification.
fn events(
    storage: &Storage,
    live: &Live,
    settlement: &Settlement,
    told: Option<TransactionId>,
) -> Vec<NewEvent> {
    let ended = settlement.attempt.as_ref().map(|attempt| attempt.ended);
    let (before, attempts) = {
        let state = live.lock();
        (state.recipients.clone(), state.attempt_count)
    };
    let source = EventSource {
        transaction: live.id,
        message: live.trace_id(),
        sender: live.context.sender.clone(),
        at: ended.unwrap_or_else(|| storage.clock().now()),
        attempts,
    };
    source.of_settlement(&before, settlement, told)
}

/// Whether two times are equal, in the precision of every backend.
fn same_moment(a: Timestamp, b: Timestamp) -> bool {
    a.as_millisecond() == b.as_millisecond()
}
