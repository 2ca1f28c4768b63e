//! Reading a transaction, and waiting for it to change.

use std::{
    convert::Infallible,
    future::{pending, poll_fn},
    sync::Arc,
    task::{self, Poll},
};

use bytes::Bytes;

use crate::blob::Blob;

use super::{
    BackendError, Snapshot, Storage,
    live::{Live, Side},
    live_body::LiveBody,
    record::{BodyKind, TransactionId},
};

/// A reader's hold on a transaction, wherever that is. While it is held, it shows every change that
/// this process makes.
#[derive(Debug)]
pub struct Watch {
    live: Arc<Live>,
    seen: u64,
}

/// The finished body of a transaction, to be shared with another one.
#[derive(Debug, Clone)]
pub struct SharedBody(pub(super) LiveBody);

impl Storage {
    /// Finds a transaction, in memory or in the durable tier.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn watch(&self, id: TransactionId) -> Result<Option<Watch>, BackendError> {
        let registry = &self.0.registry;
        loop {
            if let Some(live) = registry.find(id) {
                self.read_again(&live).await?;
                return Ok(Some(Watch::new(live)));
            }
            let reading = registry.begin_read(id);
            let Some(stored) = self.backend().find(id).await? else {
                return Ok(None);
            };
            if let Some(live) = reading.find_or_add(|| self.image_of(stored)) {
                return Ok(Some(Watch::new(live)));
            }
        }
    }

    /// Follows what other processes do with transactions that nobody works on here: reads them again after each
    /// refresh of the session, so that changes show in these watches. It never ends. Where the store belongs to
    /// this process, there is nothing to read.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub(crate) async fn follow(&self, watches: &[Watch]) -> Infallible {
        let presence = &self.0.presence;
        if !presence.is_shared() {
            return pending().await;
        }
        loop {
            presence.refreshed().notified().await;
            // After the next refresh, it is tried again.
            let _ = self.read_all_again(watches).await;
        }
    }

    /// Reads transactions again that nobody works on here, so that what other processes have done with them until
    /// now shows in these watches.
    ///
    /// # Errors
    ///
    /// [`BackendError`]; some may have been read.
    pub(crate) async fn read_all_again(&self, watches: &[Watch]) -> Result<(), BackendError> {
        for watch in watches.iter().filter(|watch| !watch.live.lock().is_final()) {
            // However many wait, only few ask the backend at a time.
            let Ok(_turn) = self.0.presence.looking().acquire().await else {
                return Ok(());
            };
            self.read_again(&watch.live).await?;
        }
        Ok(())
    }
}

impl Watch {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live, seen: 0 }
    }

    pub(super) fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The transaction's identity.
    pub fn id(&self) -> TransactionId {
        self.live.id
    }

    /// The current state of the transaction. [`Watch::changed`] waits for changes after this one.
    pub fn snapshot(&mut self) -> Snapshot {
        let state = self.live.lock();
        self.seen = state.changes;
        Snapshot::of(&self.live, &state)
    }

    /// Waits until the transaction has changed since the last [`Watch::snapshot`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped before it ends.
    pub async fn changed(&self) {
        poll_fn(|cx| self.poll_changed(cx)).await;
    }

    /// As [`Watch::changed`], to be polled.
    pub fn poll_changed(&self, cx: &task::Context<'_>) -> Poll<()> {
        self.live.poll(cx, Side::Reader, |state| {
            (state.changes != self.seen).then_some(())
        })
    }

    /// The body, if it is complete; for a described message, including each part that the description
    /// names.
    ///
    /// # Errors
    ///
    /// [`BackendError`] where the description cannot be read, or is invalid.
    pub async fn body(&self) -> Result<Option<SharedBody>, BackendError> {
        let body = {
            let state = self.live.lock();
            let body = state.body.as_ref().filter(|body| body.is_complete());
            body.cloned()
        };
        let Some(body) = body else { return Ok(None) };
        let is_whole = body.has_all_parts().await;
        let is_whole = is_whole.map_err(|error| BackendError::Failed(error.into()))?;
        Ok(is_whole.then_some(SharedBody(body)))
    }

    /// The size of the body in octets, if it is complete; `None` for a described one.
    pub(crate) fn len(&self) -> Option<u64> {
        let state = self.live.lock();
        let body = state.body.as_ref().filter(|body| body.parts.is_none())?;
        let prefix: usize = body.prefix.iter().map(Bytes::len).sum();
        Some(prefix as u64 + body.blob.len()?)
    }

    /// The size of a part in octets, if it is complete.
    pub(crate) fn part_len(&self, name: &str) -> Option<u64> {
        self.part(name)?.len()
    }

    /// A part of the body by its name, if it is complete.
    pub fn part(&self, name: &str) -> Option<Blob> {
        let state = self.live.lock();
        let mut parts = state.body.as_ref()?.parts().iter();
        let part = parts.find(|part| &*part.name == name)?;
        part.blob.len().is_some().then(|| part.blob.clone())
    }
}

impl SharedBody {
    /// The meaning of the octets in its blob.
    pub fn kind(&self) -> BodyKind {
        match self.0.parts {
            Some(_) => BodyKind::Composition,
            None => BodyKind::Message,
        }
    }
}
