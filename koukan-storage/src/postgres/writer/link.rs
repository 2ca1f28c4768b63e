//! How a connection that writes is made.

use std::time::Duration;

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::super::{PostgresOptions, error::Cause};

/// The lock of whoever has the database for itself: the octets of `koukan`.
const ALONE: i64 = 0x6b6f_756b_616e;

/// The way to the server.
#[derive(Clone)]
pub(in crate::postgres) struct Link {
    options: PgConnectOptions,
    is_alone: bool,
    /// How long an answer is waited for.
    pub(super) silence: Duration,
    /// For how long what cannot be done now is tried again.
    pub(super) patience: Duration,
}

/// There is no connection.
pub(in crate::postgres) enum LinkError {
    /// Another process has the database for itself.
    InUse,
    Failed(Cause),
}

impl Link {
    pub(in crate::postgres) fn new(options: &PostgresOptions) -> Self {
        Self {
            options: options.using(),
            is_alone: options.term.is_none(),
            silence: options.silence(),
            patience: options.patience,
        }
    }

    /// Connects. Who wants the database alone gets the lock with it: what is written without it is written by
    /// nobody.
    pub(in crate::postgres) async fn connect(&self) -> Result<PgConnection, LinkError> {
        let connecting = async {
            let mut connection = self.options.connect().await?;
            // One that is there for others must not begin while one has it alone, nor the other way round.
            let lock = match self.is_alone {
                true => "SELECT pg_advisory_lock($1)",
                false => "SELECT pg_advisory_lock_shared($1)",
            };
            let lock = sqlx::query(lock).bind(ALONE);
            lock.execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        match timeout(self.silence, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => {
                let cause = Cause::from(error);
                Err(match cause.is_conflict() {
                    true => LinkError::InUse,
                    false => LinkError::Failed(cause),
                })
            }
            Err(_) => Err(LinkError::Failed(Cause::silent(self.silence))),
        }
    }
}

impl From<LinkError> for Cause {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::InUse => sqlx::Error::Io(std::io::Error::other(
                "another process has the database for itself",
            ))
            .into(),
            LinkError::Failed(cause) => cause,
        }
    }
}
