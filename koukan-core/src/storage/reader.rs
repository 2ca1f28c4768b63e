//! The right to read events, which one of several processes has.

use super::{BackendError, Storage, record::SessionId};

impl Storage {
    /// Waits until this process has the right to read events under this name, among all that share the
    /// backend. Returns the session that has it. At once where the store belongs to this process.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the right may be held all the same.
    pub async fn hold_reader(&self, name: &str) -> SessionId {
        let presence = &self.0.presence;
        loop {
            let refreshed = presence.refreshed().notified();
            if !presence.is_shared() {
                return self.session();
            }
            if let Ok(session) = presence.leasing()
                && self.may_hold(name, session).await
                && self.backend().hold_reader(name, session).await.is_ok()
                && presence.holds(session)
            {
                return session;
            }
            // Whether the other reader has gone is checked at every refresh of this session.
            refreshed.await;
        }
    }

    /// Whether no other live session has it. A process that only waits writes nothing.
    async fn may_hold(&self, name: &str, session: SessionId) -> bool {
        let holder = self.backend().reader(name).await;
        holder.is_ok_and(|holder| holder.is_none_or(|holder| holder == session))
    }

    /// Whether a session that took the right certainly still has it. It reads only the clock. A process that stood
    /// still calls this before it does anything that others would see.
    pub fn holds_reader(&self, session: SessionId) -> bool {
        self.0.presence.holds(session)
    }

    /// Waits until the right of a session may be another's: the session cannot be refreshed, or is dead.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub async fn reader_lost(&self, session: SessionId) {
        let presence = &self.0.presence;
        let mut sound = self.is_sound();
        loop {
            let refreshed = presence.refreshed().notified();
            if !presence.holds(session) {
                return;
            }
            tokio::select! {
                biased;
                _ = sound.changed() => {}
                () = refreshed => {}
            }
        }
    }

    /// The address for requests about the reader with this name, if another process has it.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn reader_elsewhere(&self, name: &str) -> Result<Option<Box<str>>, BackendError> {
        if !self.0.presence.is_shared() {
            return Ok(None);
        }
        let holder = self.backend().reader(name).await?;
        match holder.filter(|holder| *holder != self.session()) {
            Some(holder) => self.backend().address_of(holder).await,
            None => Ok(None),
        }
    }
}
