//! How a writing connection is made.

use std::{sync::Arc, time::Duration};

use sqlx::Row as _;
use tokio::time::{Instant, timeout};

use super::super::{
    PostgresOptions,
    access::{Access, Process, Session},
    error::Cause,
    outage::Outage,
    pulse::Pulse,
};

/// The lock that excludes other processes: the octets of `koukan`.
const ALONE: i64 = 0x6b6f_756b_616e;

/// How to reach the server.
#[derive(Clone)]
pub(in crate::postgres) struct Link {
    access: Access,
    is_alone: bool,
    /// How long to wait for an answer.
    pub(super) silence: Duration,
    /// For how long the answer to a commit that was lost is looked for.
    pub(super) patience: Duration,
    /// Until when failed operations are repeated.
    pub(in crate::postgres) outage: Arc<Outage>,
    /// Whether the server answers at all.
    pub(in crate::postgres) pulse: Pulse,
}

/// Why there is no connection.
pub(in crate::postgres) enum LinkError {
    /// Another process uses the database exclusively.
    InUse,
    Failed(Cause),
}

impl Link {
    pub(in crate::postgres) fn new(options: &PostgresOptions) -> Self {
        let outage = Arc::new(Outage::new(options.patience));
        Self {
            access: options.using(),
            is_alone: options.term.is_none(),
            silence: options.silence(),
            patience: options.patience,
            pulse: Pulse::new(options.using(), Arc::clone(&outage)),
            outage,
        }
    }

    /// Whether a connection that was last used at this time may be dead. In exclusive use it is trusted, since it holds the
    /// lock.
    pub(super) fn doubts(&self, used: Instant) -> bool {
        !self.is_alone && self.pulse.is_doubtful(used)
    }

    /// Connects. In exclusive use the connection also takes the lock; nothing is written without it.
    pub(in crate::postgres) async fn connect(&self) -> Result<Session, LinkError> {
        let connecting = async {
            let mut connection = self.access.connect().await?;
            // A shared process must not start while another has exclusive use, nor the other way round.
            let lock = match self.is_alone {
                true => "SELECT pg_backend_pid(), pg_advisory_lock($1)",
                false => "SELECT pg_backend_pid(), pg_advisory_lock_shared($1)",
            };
            let lock = sqlx::query(lock).bind(ALONE);
            let locked = lock.fetch_one(&mut connection).await?;
            Ok::<_, sqlx::Error>(Session {
                process: Process(locked.try_get(0)?),
                connection,
            })
        };
        match timeout(self.silence, connecting).await {
            Ok(Ok(session)) => Ok(session),
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
