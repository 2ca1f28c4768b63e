//! Tells a server that has fallen silent, or a connection that is dead, from a server that takes its time.
//!
//! A statement may take as long as the server allows. Nobody should wait that long for a server that does not answer at
//! all, or over a connection that nothing passes any more, as where a firewall has forgotten it. So whoever waits for an
//! answer asks over another connection from time to time:
//!
//! | the new connection | means |
//! |---|---|
//! | is made: the server works on the statement; or the server refuses the connection | the statement takes its time, and is waited for |
//! | is made: the server has no session for the old connection; or that session waits for a statement, as it did when the server was asked before | the old connection is dead: neither the statement nor its answer arrives |
//! | gets no answer, or cannot be made | the server is silent |
//!
//! In the last two cases the statement fails as if its connection were lost. So a call fails, or goes on over another
//! connection, in the time for which operations are repeated, and not only after the server's own limit, once for each
//! connection. Whatever killed one connection has probably killed those that were not used since: they are not trusted any
//! more.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use sqlx::{PgConnection, Row as _};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use super::{
    access::{Access, Process},
    error::Cause,
    outage::Outage,
};

/// The shortest and the longest time after which the server is asked, and which it has for the answer.
const STEP: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// The sessions, and since when each waits for a statement, by the server's clock in microseconds; `None` where it does
/// not, or nobody knows. They are not chosen by their user: one may have logged in by another name than that by whose
/// rights it asks now.
const SESSIONS: &str = "SELECT pid, CASE WHEN state LIKE 'idle%' \
    THEN CAST(extract(epoch FROM state_change) * 1000000 AS bigint) END \
    FROM pg_stat_activity";

/// Asks whether the server answers at all, and whether it works on a statement.
#[derive(Clone)]
pub(super) struct Pulse {
    access: Access,
    pub(super) outage: Arc<Outage>,
    /// One question is asked at a time.
    felt: Arc<Mutex<Felt>>,
    /// A connection that was last used before may be dead.
    dead: Arc<std::sync::Mutex<Option<Instant>>>,
}

/// What the server has said last.
#[derive(Default)]
struct Felt {
    /// When it was asked.
    asked: Option<Instant>,
    /// `None` where it did not say.
    sessions: Option<Sessions>,
}

type Sessions = HashMap<Process, Option<i64>>;

/// What is known of a statement that was sent to a session.
enum Known {
    /// The server does not answer.
    Silent,
    /// The session works on it, as far as is known.
    Working,
    /// The session waits for a statement since then.
    Waiting(i64),
    /// There is no such session.
    Gone,
}

impl Pulse {
    /// Asks by connections of this kind.
    pub(super) fn new(access: Access, outage: Arc<Outage>) -> Self {
        Self {
            access,
            outage,
            felt: Arc::default(),
            dead: Arc::default(),
        }
    }

    /// Waits for an answer of that process of the server for at most `limit`. If the server falls silent, or the connection
    /// is dead, it is not waited for until then: with [`Outage::reading_until`] or [`Outage::writing_until`], half of the
    /// time that is left until then remains for other tries.
    ///
    /// # Cancel safety
    ///
    /// As that of `asking`.
    pub(super) async fn answer<T>(
        &self,
        process: Process,
        (limit, until): (Duration, Instant),
        asking: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Cause> {
        let limit = Instant::now() + limit;
        tokio::select! {
            biased;
            answer = asking => answer.map_err(Cause::from),
            cause = self.end_of_patience(process, limit, until) => Err(cause),
        }
    }

    /// Whether a connection that was last used at this time may be dead, as another one was.
    pub(super) fn is_doubtful(&self, used: Instant) -> bool {
        let dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        dead.is_some_and(|dead| used < dead)
    }

    /// Waits until `limit`, or until the server is silent or the connection known to be dead.
    async fn end_of_patience(&self, process: Process, limit: Instant, until: Instant) -> Cause {
        let begun = Instant::now();
        let step = (until.saturating_duration_since(begun) / 4).clamp(STEP[0], STEP[1]);
        let mut waiting = None;
        loop {
            let next = Instant::now() + step;
            sleep_until(limit.min(next)).await;
            if limit <= next {
                return Cause::silent(begun.elapsed());
            }
            match self.ask_about(process, step).await {
                Known::Working => waiting = None,
                // A long statement, or a long answer, may still be on its way.
                Known::Waiting(since) if waiting != Some(since) => waiting = Some(since),
                Known::Waiting(_) | Known::Gone => {
                    let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
                    *dead = Some(begun).max(*dead);
                    return Cause::dead(begun.elapsed());
                }
                Known::Silent => {
                    self.outage.is_away_since(begun);
                    return Cause::silent(begun.elapsed());
                }
            }
        }
    }

    /// What the server says now.
    async fn ask_about(&self, process: Process, limit: Duration) -> Known {
        let begun = Instant::now();
        let asking = async {
            let mut felt = self.felt.lock().await;
            // Somebody else may have asked while this waited.
            if felt.asked.is_none_or(|asked| asked < begun) {
                let asked = Some(Instant::now());
                let Some(sessions) = self.ask().await else {
                    return Known::Silent;
                };
                *felt = Felt { asked, sessions };
            }
            let Some(sessions) = &felt.sessions else {
                return Known::Working;
            };
            match sessions.get(&process) {
                None => Known::Gone,
                Some(None) => Known::Working,
                Some(Some(since)) => Known::Waiting(*since),
            }
        };
        timeout(limit, asking).await.unwrap_or(Known::Silent)
    }

    /// The sessions, if the server says so; `None` if it does not answer.
    async fn ask(&self) -> Option<Option<Sessions>> {
        match self.access.connect().await {
            Ok(mut closed_when_dropped) => {
                self.outage.is_there();
                Some(sessions(&mut closed_when_dropped).await.ok())
            }
            Err(sqlx::Error::Io(_)) => None,
            Err(_) => Some(None),
        }
    }
}

async fn sessions(connection: &mut PgConnection) -> Result<Sessions, sqlx::Error> {
    let rows = sqlx::query(SESSIONS).fetch_all(connection).await?;
    let sessions = rows
        .iter()
        .map(|row| Ok((Process(row.try_get(0)?), row.try_get(1)?)));
    sessions.collect()
}
