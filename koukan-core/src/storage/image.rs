//! The state here of a transaction that was read back.

use std::sync::Arc;

use crate::signals::{Signals, TraceId};

use super::{
    BackendError, Snapshot, Storage, Watch,
    live::{Durability, Live, Side, State},
    record::{Status, StoredTransaction, Work},
};

impl Storage {
    /// The current state of a transaction that was read back. If this process works on it, the live state is newer than
    /// the stored one.
    pub fn snapshot_of(&self, stored: StoredTransaction) -> Snapshot {
        let live = self.0.registry.find(stored.id);
        // One that nobody works on here may have been changed by another process.
        let is_shared = self.0.presence.is_shared();
        let live = live.filter(|live| !is_shared || !live.lock().is_idle());
        // It is kept private, since it may be out of date already.
        let live = live.unwrap_or_else(|| self.image_of(stored));
        Watch::new(live).snapshot()
    }

    /// An image of a transaction that was read back.
    pub(super) fn image_of(&self, stored: StoredTransaction) -> Arc<Live> {
        let mut state = State::new();
        state.has_all_recipients = true;
        state.body = stored.body.map(|body| self.stored_body(body));
        state.recipients = stored.recipients;
        state.terms = stored.terms;
        state.attempt_count = stored.attempt_count;
        state.last_attempt = stored.last_attempt.map(Arc::new);
        state.durability = match stored.status {
            Status::Due(due) if due.work == Work::Abandon => Durability::Draft,
            _ => Durability::Settled,
        };
        state.held = stored.held;
        state.crashes = stored.crashes;
        state.is_leased_elsewhere = stored.is_leased;
        state.settle(stored.status);
        state.restore_refusal();
        let trace_id = stored.signals.trace_id();
        let trace_id = trace_id.unwrap_or_else(|| TraceId::from(stored.id));
        let signals = stored.signals.with_trace_id(Some(trace_id));
        Live::new(
            stored.id,
            stored.created,
            (stored.context, Signals::of_carried(signals)),
            Some(stored.mail),
            state,
            Arc::clone(&self.0.registry),
        )
    }

    /// Reads a transaction again that nobody works on here: processes that share the backend may
    /// have changed it.
    pub(super) async fn read_again(&self, live: &Arc<Live>) -> Result<(), BackendError> {
        let seen = {
            let state = live.lock();
            state.is_idle().then_some(state.changes)
        };
        let Some(seen) = seen.filter(|_| self.0.presence.is_shared()) else {
            return Ok(());
        };
        let Some(stored) = self.backend().find(live.id).await? else {
            return Ok(());
        };
        let is_news = {
            let state = live.lock();
            let is_same = state.attempt_count == stored.attempt_count
                && state.status.as_ref() == Some(&stored.status)
                && state.held == stored.held
                && state.crashes == stored.crashes
                && state.is_leased_elsewhere == stored.is_leased;
            !is_same
        };
        if is_news {
            live.update(Side::Reader, |state| {
                // Whoever has changed it meanwhile has the newer state.
                if state.changes == seen && state.is_idle() {
                    state.recipients = stored.recipients;
                    state.attempt_count = stored.attempt_count;
                    state.last_attempt = stored.last_attempt.map(Arc::new);
                    state.held = stored.held;
                    state.crashes = stored.crashes;
                    state.is_leased_elsewhere = stored.is_leased;
                    state.settle(stored.status);
                }
            });
        }
        Ok(())
    }
}

impl State {
    /// Whether it is stored, not over, and nobody works on it here.
    pub(super) fn is_idle(&self) -> bool {
        self.durability == Durability::Settled && !self.is_final()
    }
}
