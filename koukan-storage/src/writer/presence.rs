//! Which sessions are alive.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use koukan_core::storage::{
    BackendError, Refreshed,
    record::{SessionId, TransactionId},
};

use crate::{
    query::{
        CLOCK, END_SESSION, FORGET_DEAD, GIVE_BACK, KEEP_SESSION, LIVE_SESSIONS, PUBLISH_ADDRESS,
        REFRESH_SESSION, REQUEST_CANCEL, TO_CANCEL, Values,
    },
    row::{TransactionRow, from_micros},
};

use super::{BatchWriter, Pending, operation::OpenSession};

/// How a session is known to be alive.
#[derive(Debug, Clone)]
pub(crate) enum Presence {
    /// This process owns the database: every session that it has not begun itself is dead. The caller gives
    /// the time.
    Sole(Arc<Mutex<HashSet<SessionId>>>),
    /// Several processes share the database. A session that is not refreshed for this long, by the
    /// database's clock, is dead.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "SQLite is not shared")
    )]
    Shared(Duration),
}

/// The address for requests about a session's transactions.
pub(crate) struct Publish {
    pub(crate) session: SessionId,
    pub(crate) address: Option<Box<str>>,
}

/// The live sessions.
pub(super) struct Living(HashSet<String>);

impl Presence {
    pub(crate) fn sole() -> Self {
        Self::Sole(Arc::default())
    }
}

impl Living {
    pub(super) fn contains(&self, session: &str) -> bool {
        self.0.contains(session)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl BatchWriter {
    /// Begins a session. Returns its time, and the live sessions.
    pub(super) async fn begin_session(
        &mut self,
        begun: &OpenSession,
    ) -> Result<(Timestamp, Living), sqlx::Error> {
        match &self.presence {
            Presence::Sole(own) => {
                let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
                own.insert(begun.session);
                let own = own.iter().map(SessionId::to_string).collect();
                Ok((begun.now, Living(own)))
            }
            Presence::Shared(term) => {
                let mut values = Values::default();
                values.add(begun.session.to_string()).add(micros_of(*term));
                KEEP_SESSION.execute(&mut self.connection, values).await?;
                Ok((self.clock().await?, self.forget_dead().await?))
            }
        }
    }

    pub(super) async fn refresh_sessions(
        &mut self,
        refreshes: &mut [Pending<OpenSession, Refreshed>],
    ) -> Result<(), sqlx::Error> {
        for refresh in refreshes {
            let refreshed = self.refresh_session(refresh.request.session).await?;
            refresh.decide(refreshed);
        }
        Ok(())
    }

    async fn refresh_session(
        &mut self,
        session: SessionId,
    ) -> Result<Result<Refreshed, BackendError>, sqlx::Error> {
        let Presence::Shared(term) = self.presence else {
            return Ok(Ok(Refreshed::default()));
        };
        let mut values = Values::default();
        values.add(session.to_string()).add(micros_of(term));
        let refreshed = REFRESH_SESSION.execute(&mut self.connection, values);
        if refreshed.await?.affected == 0 {
            return Ok(Err(BackendError::SessionLost));
        }
        let living = self.forget_dead().await?;
        let now = self.clock().await?;
        let freed = self.free_leases(now, &living).await?;
        self.look_for_events().await?;
        let mut values = Values::default();
        values.add(session.to_string());
        let to_cancel = TO_CANCEL.execute(&mut self.connection, values).await?;
        let mut told = Vec::with_capacity(to_cancel.rows.len());
        for row in &to_cancel.rows {
            // A value that cannot be read is left to a later lease.
            let id: &str = row.try_get(0)?;
            told.extend(id.parse::<TransactionId>().ok());
        }
        Ok(Ok(Refreshed {
            freed,
            to_cancel: told,
            live: u32::try_from(living.len()).unwrap_or(u32::MAX),
            time: Some(now),
        }))
    }

    /// Gives back the leases of sessions, unchanged, and removes the sessions.
    pub(super) async fn end_sessions(
        &mut self,
        ends: &mut [Pending<SessionId, ()>],
    ) -> Result<(), sqlx::Error> {
        let forget = matches!(self.presence, Presence::Shared(_));
        for end in ends {
            if forget {
                for statement in [&GIVE_BACK, &END_SESSION] {
                    let mut values = Values::default();
                    values.add(end.request.to_string());
                    statement.execute(&mut self.connection, values).await?;
                }
            }
            end.decide(Ok(()));
        }
        Ok(())
    }

    pub(super) async fn publish_addresses(
        &mut self,
        publications: &mut [Pending<Publish, ()>],
    ) -> Result<(), sqlx::Error> {
        for publication in publications {
            let Publish { session, address } = &publication.request;
            let mut values = Values::default();
            values.add(session.to_string()).add(address.as_deref());
            let published = PUBLISH_ADDRESS.execute(&mut self.connection, values);
            publication.decide(match published.await?.affected {
                0 => Err(BackendError::SessionLost),
                _ => Ok(()),
            });
        }
        Ok(())
    }

    pub(super) async fn request_cancels(
        &mut self,
        requests: &mut [Pending<String, ()>],
    ) -> Result<(), sqlx::Error> {
        for request in requests {
            let mut values = Values::default();
            values.add(request.request.as_str());
            REQUEST_CANCEL.execute(&mut self.connection, values).await?;
            request.decide(Ok(()));
        }
        Ok(())
    }

    /// Fails requests that would be written under leases of dead sessions.
    pub(super) async fn check_leasers(
        &mut self,
        inserts: &mut [Pending<Box<TransactionRow>, ()>],
        completions: &mut [Pending<Box<TransactionRow>, ()>],
    ) -> Result<(), sqlx::Error> {
        let rows = inserts.iter_mut().chain(completions);
        let mut leased: Vec<_> = rows
            .filter(|row| row.is_open() && row.request.lease_session.is_some())
            .collect();
        let living = self.living(!leased.is_empty()).await?;
        for row in &mut leased {
            let leaser = row.request.lease_session.as_deref().unwrap_or_default();
            if living
                .as_ref()
                .is_some_and(|living| !living.contains(leaser))
            {
                row.decide(Err(BackendError::SessionLost));
            }
        }
        Ok(())
    }

    /// The live sessions, if leases depend on them and some are asked for.
    pub(super) async fn living(&mut self, is_asked: bool) -> Result<Option<Living>, sqlx::Error> {
        match self.presence {
            Presence::Shared(_) if is_asked => Ok(Some(self.read_living().await?)),
            _ => Ok(None),
        }
    }

    async fn forget_dead(&mut self) -> Result<Living, sqlx::Error> {
        FORGET_DEAD
            .execute(&mut self.connection, Values::default())
            .await?;
        self.read_living().await
    }

    async fn read_living(&mut self) -> Result<Living, sqlx::Error> {
        let found = LIVE_SESSIONS.execute(&mut self.connection, Values::default());
        let found = found.await?;
        let living = found.rows.iter().map(|row| row.try_get::<String, _>(0));
        Ok(Living(living.collect::<Result<_, _>>()?))
    }

    async fn clock(&mut self) -> Result<Timestamp, sqlx::Error> {
        let read = CLOCK
            .execute(&mut self.connection, Values::default())
            .await?;
        let row = read.rows.first().ok_or(sqlx::Error::RowNotFound)?;
        Ok(from_micros(row.try_get(0)?))
    }
}

fn micros_of(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
