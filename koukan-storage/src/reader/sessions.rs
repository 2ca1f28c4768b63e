//! Reads of sessions.

use koukan_core::storage::{BackendError, record::SessionId};

use crate::query::{ADDRESS_OF, HOLDER, Values};

use super::{Reader, failed};

impl Reader {
    /// Where requests for what a session works on are taken.
    pub(crate) async fn address_of(
        &self,
        session: SessionId,
    ) -> Result<Option<Box<str>>, BackendError> {
        let mut values = Values::default();
        values.add(session.to_string());
        let row = self.row(&ADDRESS_OF, values).await?;
        let address = row.map(|row| row.try_get::<Option<String>, _>(0));
        let address = address.transpose().map_err(failed)?.flatten();
        Ok(address.map(Into::into))
    }

    /// The session that has a transaction under lease, if it lives.
    pub(crate) async fn holder(&self, id: &str) -> Result<Option<SessionId>, BackendError> {
        let mut values = Values::default();
        values.add(id);
        let Some(row) = self.row(&HOLDER, values).await? else {
            return Ok(None);
        };
        let holder: &str = row.try_get(0).map_err(failed)?;
        let holder = holder.parse::<SessionId>();
        let holder = holder.map_err(|error| BackendError::Malformed(error.into()))?;
        Ok(Some(holder))
    }
}
