//! Publishes the address for requests about this session's transactions.

use std::sync::Arc;

use crate::{
    causes::Causes,
    storage::{BackendError, Storage},
};

use super::{Address, Presence};

impl Presence {
    /// Sets the address, which is not published yet; with `None`, one is to be withdrawn.
    pub(in crate::storage) fn set_address(&self, address: Option<&str>) {
        let text = address.map(Into::into);
        self.lock().address = Some(Address { text, told: None });
    }
}

impl Storage {
    /// Publishes the address, unless it is published for this session.
    pub(in crate::storage) async fn publish(&self) -> Result<(), BackendError> {
        let (session, address) = {
            let known = self.0.presence.lock();
            let untold = known.address.as_ref();
            let untold = untold.filter(|address| address.told != Some(known.session));
            let Some(address) = untold.filter(|_| !known.has_left) else {
                return Ok(());
            };
            (known.session, address.text.clone())
        };
        let published = self.backend().publish_address(session, address.as_deref());
        published.await?;
        let mut known = self.0.presence.lock();
        if let Some(now) = known.address.as_mut() {
            // One that was set meanwhile may have been published before this one: the next refresh publishes it again.
            now.told = (now.text == address).then_some(session);
        }
        Ok(())
    }

    /// As [`Storage::publish`], in the background, while the session is refreshed.
    pub(super) fn publish_beside(&self) {
        {
            let known = self.0.presence.lock();
            let is_told = |address: &Address| address.told == Some(known.session);
            if known.address.as_ref().is_none_or(is_told) {
                return;
            }
        }
        let Ok(permit) = Arc::clone(&self.0.presence.publishing).try_acquire_owned() else {
            return;
        };
        let storage = self.clone();
        self.spawn(async move {
            // It is tried again at the next refresh.
            if let Err(error) = storage.publish().await {
                tracing::warn!(error = %Causes(&error), "could not tell other replicas this one's address");
            }
            drop(permit);
        });
    }
}
