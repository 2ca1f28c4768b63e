//! Reads about sessions.

use koukan_core::storage::{BackendError, LiveSession, record::SessionId};

use crate::database::Row;
use crate::query::{ADDRESS_OF, HOLDER, LIVE_SESSIONS, READER, Statement, Values};

use super::{Reader, failed};

impl Reader {
    /// The address for requests about a session's transactions.
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

    /// The live sessions.
    pub(crate) async fn live_sessions(&self) -> Result<Vec<LiveSession>, BackendError> {
        let rows = self.rows(&LIVE_SESSIONS, Values::default()).await?;
        let read = |row: &Row| {
            let session: &str = row.try_get(0).map_err(failed)?;
            let session = session.parse::<SessionId>();
            let session = session.map_err(|error| BackendError::Malformed(error.into()))?;
            let address: Option<String> = row.try_get(1).map_err(failed)?;
            let address = address.map(Into::into);
            Ok(LiveSession { session, address })
        };
        rows.iter().map(read).collect()
    }

    /// The session that holds the lease of a transaction, if it is alive.
    pub(crate) async fn holder(&self, id: &str) -> Result<Option<SessionId>, BackendError> {
        self.session_in(&HOLDER, id).await
    }

    /// The session that has a reader of events, if it is alive.
    pub(crate) async fn reader(&self, name: &str) -> Result<Option<SessionId>, BackendError> {
        self.session_in(&READER, name).await
    }

    async fn session_in(
        &self,
        statement: &'static Statement,
        of: &str,
    ) -> Result<Option<SessionId>, BackendError> {
        let mut values = Values::default();
        values.add(of);
        let Some(row) = self.row(statement, values).await? else {
            return Ok(None);
        };
        let holder: &str = row.try_get(0).map_err(failed)?;
        let holder = holder.parse::<SessionId>();
        let holder = holder.map_err(|error| BackendError::Malformed(error.into()))?;
        Ok(Some(holder))
    }
}
