//! How a database is reached and used.

use std::{fmt, path::PathBuf, time::Duration};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::BoxError;

/// Statements that a connection keeps prepared.
const PREPARED: usize = 512;

/// How a PostgreSQL database is reached and used.
#[derive(Clone)]
pub struct PostgresOptions {
    connect: PgConnectOptions,
    pub(super) connections: u32,
    statement_timeout: Duration,
    lock_timeout: Duration,
    pub(super) patience: Duration,
    pub(super) term: Option<Duration>,
    pub(super) keeps_events: bool,
    /// What a process calls itself, where others hear of what it does.
    pub(super) process: String,
}

/// Without the password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("name", &self.name())
            .field("connections", &self.connections)
            .field("term", &self.term)
            .finish_non_exhaustive()
    }
}

/// How connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PostgresTls {
    /// Not at all: for a server on this machine, or in a network that only those who may read mail can read.
    Off,
    /// Where the server offers it; whose the certificate is does not matter.
    #[default]
    Prefer,
    /// Always; whose the certificate is does not matter.
    Require,
    /// Always, with a certificate of an authority that is known, for whatever host: anybody has one.
    VerifyCa,
    /// Always, with a certificate of an authority that is known, for the host of the URL.
    VerifyFull,
}

/// A URL is none of a PostgreSQL database.
#[derive(Debug, thiserror::Error)]
#[error("not the URL of a PostgreSQL database, as in postgres://user@host/database")]
pub struct PostgresUrlError(#[source] BoxError);

impl PostgresOptions {
    /// A database by its URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; the directory of a Unix socket,
    /// percent-encoded, may stand for the host.
    ///
    /// What the URL does not say, the environment may: `PGHOST`, `PGPASSWORD` and the others that PostgreSQL's
    /// own programs read.
    ///
    /// # Errors
    ///
    /// [`PostgresUrlError`].
    pub fn new(url: &str) -> Result<Self, PostgresUrlError> {
        let is_ours = ["postgres://", "postgresql://"];
        if !is_ours.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(PostgresUrlError("another scheme".into()));
        }
        let connect = url.parse::<PgConnectOptions>();
        let connect = connect.map_err(|error| PostgresUrlError(error.into()))?;
        Ok(Self {
            connect: connect
                .application_name("koukan")
                .statement_cache_capacity(PREPARED)
                .disable_statement_logging(),
            connections: 12,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(20),
            term: Some(Duration::from_secs(6)),
            keeps_events: false,
            process: String::new(),
        })
    }

    /// Sets the password, in place of that in the URL.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.connect = self.connect.password(password);
        self
    }

    /// Sets how connections are encrypted, in place of what the URL says.
    #[must_use]
    pub fn with_tls(mut self, tls: PostgresTls) -> Self {
        self.connect = self.connect.ssl_mode(match tls {
            PostgresTls::Off => PgSslMode::Disable,
            PostgresTls::Prefer => PgSslMode::Prefer,
            PostgresTls::Require => PgSslMode::Require,
            PostgresTls::VerifyCa => PgSslMode::VerifyCa,
            PostgresTls::VerifyFull => PgSslMode::VerifyFull,
        });
        self
    }

    /// Adds the certificates of authorities in a file, in PEM, to those that are known anyway.
    #[must_use]
    pub fn with_authorities(mut self, file: impl Into<PathBuf>) -> Self {
        self.connect = self.connect.ssl_root_cert(file.into());
        self
    }

    /// Sets how many connections are used, at most; a third of them write, another one is left for saying that this
    /// process lives, and where events are kept one hears of those of other processes, if there are four. 12 by
    /// default, 2 at least.
    #[must_use]
    pub fn with_connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(2);
        self
    }

    /// Sets how long a statement may take, by the server's measure; 30 s by default.
    #[must_use]
    pub fn with_statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = limit;
        self
    }

    /// Sets how long a statement waits for a lock, by the server's measure; 10 s by default.
    #[must_use]
    pub fn with_lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = limit;
        self
    }

    /// Sets for how long what cannot be done now is tried again, while the server cannot be reached, as also when the
    /// database is opened; 20 s by default.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long a session lives that is not refreshed; 6 s by default. The shorter, the sooner others have
    /// what a process that has died worked on.
    #[must_use]
    pub fn with_session_term(mut self, term: Duration) -> Self {
        self.term = Some(term);
        self
    }

    /// Keeps other processes from the database: what one that has died worked on is then free at once when
    /// another is started. A single connection writes.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.term = None;
        self
    }

    /// Keeps events, each in the commit of what it tells of, or does not; by default it does not.
    #[must_use]
    pub fn with_events(mut self, keeps_events: bool) -> Self {
        self.keeps_events = keeps_events;
        self
    }

    /// What the database is called in messages.
    pub(super) fn name(&self) -> String {
        let database = self.connect.get_database().unwrap_or_default();
        match self.connect.get_socket() {
            Some(socket) => format!("{database} at {}", socket.display()),
            None => {
                let (host, port) = (self.connect.get_host(), self.connect.get_port());
                format!("{database} at {host}:{port}")
            }
        }
    }

    /// Connections that write, and those that read; one of them listens instead where events are kept and others may
    /// write some.
    pub(super) fn shares(&self) -> (usize, u32) {
        let writers = match self.term {
            Some(_) if self.connections > 2 => (self.connections / 3).max(1) + 1,
            Some(_) => 1,
            // It holds the lock.
            None => 1,
        };
        let readers = self.connections - writers - u32::from(self.listens());
        (writers as usize, readers)
    }

    /// Whether it is heard of what other processes do.
    pub(super) fn listens(&self) -> bool {
        self.keeps_events && self.term.is_some() && self.connections > 3
    }

    /// How long an answer is waited for: longer than the server takes to give up.
    pub(super) fn silence(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(5)
    }

    /// How long the server waits within a commit for who has begun it. What a process has locked that stands
    /// still, others wait for, and meanwhile cannot say that they live: so it is much less than a term.
    fn standstill(&self) -> Duration {
        match self.term {
            Some(term) => self.statement_timeout.min(term / 4),
            None => self.statement_timeout,
        }
    }

    pub(super) fn using(&self) -> PgConnectOptions {
        let millis = |time: Duration| time.as_millis().max(1).to_string();
        self.connect.clone().options([
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_timeout)),
            (
                "idle_in_transaction_session_timeout",
                millis(self.standstill()),
            ),
            // Of a host that has died the server learns by these, and not in hours.
            ("tcp_keepalives_idle", "10".into()),
            ("tcp_keepalives_interval", "5".into()),
            ("tcp_keepalives_count", "4".into()),
            ("default_transaction_isolation", "read committed".into()),
            ("koukan.process", self.process.clone()),
        ])
    }

    /// Connections that read: by a plan for what is asked for, since of one sender there may be little, and of another
    /// nearly all.
    pub(super) fn reading(&self) -> PgConnectOptions {
        let custom = [("plan_cache_mode", "force_custom_plan")];
        self.using().options(custom)
    }

    /// Connections that bring the schema up to date, which takes as long as it takes.
    pub(super) fn migrating(&self) -> PgConnectOptions {
        self.connect.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let options = PostgresOptions::new("postgres://koukan:secret@localhost/koukan").unwrap();
        for options in [options.clone(), options.with_password("secret")] {
            let shown = format!("{options:?}");
            assert!(shown.contains("koukan at localhost:5432"), "{shown}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn who_stands_still_keeps_nobody_from_living() {
        let options = PostgresOptions::new("postgres://koukan@localhost/koukan").unwrap();
        let limit = |options: &PostgresOptions| {
            let connect = options.using();
            let settings = connect.get_options().unwrap().to_owned();
            let (_, limit) = settings
                .split_once("idle_in_transaction_session_timeout=")
                .unwrap();
            let digits = limit.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            Duration::from_millis(digits.parse().unwrap())
        };
        let term = Duration::from_secs(6);
        assert!(limit(&options.clone().with_session_term(term)) * 4 <= term);
        let brief = Duration::from_secs(1);
        let brief = options.clone().with_statement_timeout(brief);
        assert!(limit(&brief) <= Duration::from_secs(1));
        // There are no others.
        let alone = options.alone();
        assert_eq!(limit(&alone), alone.statement_timeout);
    }
}
