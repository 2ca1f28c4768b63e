//! Reading events where several processes might, and one is to.

use super::{BackendError, Storage, record::SessionId};

impl Storage {
    /// Waits until this process has the reading of events under that name, of all that share the backend; the
    /// session that has it. At once where the store is this process's alone.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it may be held all the same.
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
            // Whether another has gone is looked at as often as this one says that it lives.
            refreshed.await;
        }
    }

    /// Whether no other has it that lives. Who only waits writes nothing.
    async fn may_hold(&self, name: &str, session: SessionId) -> bool {
        let holder = self.backend().reader(name).await;
        holder.is_ok_and(|holder| holder.is_none_or(|holder| holder == session))
    }

    /// Whether a session that took the reading of events surely has it yet. It asks the clock and nobody else: who
    /// stood still asks before it does what others would see.
    pub fn holds_reader(&self, session: SessionId) -> bool {
        self.0.presence.holds(session)
    }

    /// Waits until what a session holds may be another's: it cannot say that it lives, or is dead.
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

    /// Where another process takes requests about the reader of events of that name, if that has it.
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
