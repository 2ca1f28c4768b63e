//! Options for a PostgreSQL database.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::BoxError;

use super::access::Access;

/// How many statements a connection keeps prepared.
const PREPARED: usize = 512;

/// The default for how long a statement may wait for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Options for a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) connect: PgConnectOptions,
    pub(super) password_file: Option<Arc<Path>>,
    pub(super) connections: u32,
    statement_timeout: Duration,
    lock_timeout: Option<Duration>,
    pub(super) patience: Duration,
    pub(super) term: Option<Duration>,
    pub(super) keeps_events: bool,
    /// The name of this process in its notifications to others.
    pub(super) process: String,
}

/// Shows everything but the password.
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
    /// Not encrypted: for a server on this machine, or in a network where everybody may read mail.
    Off,
    /// Encrypted if the server offers it. Certificates are not checked.
    #[default]
    Prefer,
    /// Always encrypted. Certificates are not checked.
    Require,
    /// Always encrypted, with a certificate of a trusted authority, for any host. Anybody can get
    /// one.
    VerifyCa,
    /// Always encrypted, with a certificate of a trusted authority for the host in the URL.
    VerifyFull,
}

/// The text is not the URL of a PostgreSQL database.
#[derive(Debug, thiserror::Error)]
#[error("not the URL of a PostgreSQL database, as in postgres://user@host/database")]
pub struct PostgresUrlError(#[source] BoxError);

impl PostgresOptions {
    /// A database by its URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. The host may be the directory of
    /// a Unix socket, percent-encoded.
    ///
    /// What the URL leaves out is taken from the environment: `PGHOST`, `PGPASSWORD` and the other variables
    /// of PostgreSQL's own programs.
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
                // Poolers do not know this, and numbers are not sent as text.
                .extra_float_digits(None)
                .statement_cache_capacity(PREPARED)
                .disable_statement_logging(),
            password_file: None,
            connections: 12,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: None,
            patience: Duration::from_secs(20),
            term: Some(Duration::from_secs(6)),
            keeps_events: false,
            process: String::new(),
        })
    }

    /// Sets the password, instead of the one in the URL.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.connect = self.connect.password(password);
        self
    }

    /// Reads the password from this file, instead of taking the one in the URL. The file is read for each new connection,
    /// so that the password can be changed while the process runs. White space around the password is ignored.
    #[must_use]
    pub fn with_password_file(mut self, file: impl Into<PathBuf>) -> Self {
        let file: PathBuf = file.into();
        self.password_file = Some(file.into());
        self
    }

    /// Sets how connections are encrypted, instead of what the URL says.
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

    /// Trusts the authorities whose certificates are in this file (PEM), in addition to the
    /// system's.
    #[must_use]
    pub fn with_authorities(mut self, file: impl Into<PathBuf>) -> Self {
        self.connect = self.connect.ssl_root_cert(file.into());
        self
    }

    /// Sets the largest number of connections; 12 by default, at least 2. A third of them write, and another one
    /// only refreshes this process's sessions. If there are at least four, one listens for what other processes change.
    #[must_use]
    pub fn with_connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(2);
        self
    }

    /// Sets how long a statement may take, measured by the server; 30 s by default.
    #[must_use]
    pub fn with_statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = limit;
        self
    }

    /// Sets how long a statement may wait for a lock, measured by the server; 10 s by default, or half of a shorter
    /// statement timeout.
    #[must_use]
    pub fn with_lock_timeout(mut self, limit: Duration) -> Self {
        self.lock_timeout = Some(limit);
        self
    }

    /// Sets for how long an operation is retried while the server cannot be reached, also while the database is
    /// opened; 20 s by default.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how long a session lives without a refresh; 6 s by default. The shorter it is, the sooner others
    /// take over the work of a process that has died.
    #[must_use]
    pub fn with_session_term(mut self, term: Duration) -> Self {
        self.term = Some(term);
        self
    }

    /// Excludes other processes from the database. The leases of a process that has died are then free as
    /// soon as the next one starts. Only one connection writes.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.term = None;
        self
    }

    /// Sets whether events are kept, each in the commit that causes it; by default they are not.
    #[must_use]
    pub fn with_events(mut self, keeps_events: bool) -> Self {
        self.keeps_events = keeps_events;
        self
    }

    /// The name of the database in messages.
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

    /// How many connections write, and how many read. Where other processes may write too, one of the readers listens
    /// instead.
    pub(super) fn shares(&self) -> (usize, u32) {
        let writers = match self.term {
            Some(_) if self.connections > 2 => (self.connections / 3).max(1) + 1,
            Some(_) => 1,
            // That connection holds the lock.
            None => 1,
        };
        let readers = self.connections - writers - u32::from(self.listens());
        (writers as usize, readers)
    }

    /// Whether to listen for what other processes change.
    pub(super) fn listens(&self) -> bool {
        self.term.is_some() && self.connections > 3
    }

    /// How long to wait for an answer: longer than the server's own limit.
    pub(super) fn silence(&self) -> Duration {
        self.statement_timeout + Duration::from_secs(5)
    }

    /// How long the server lets a transaction stay idle. Others wait for the locks of a process that stands
    /// still, and cannot refresh their sessions meanwhile, so this is much less than a session's term.
    fn standstill(&self) -> Duration {
        match self.term {
            Some(term) => self.statement_timeout.min(term / 4),
            None => self.statement_timeout,
        }
    }

    /// How long a statement may wait for a lock. If it waits longer than it may take, its failure is no conflict, and it
    /// is not repeated.
    fn lock_limit(&self) -> Duration {
        let default = LOCK_TIMEOUT.min(self.statement_timeout / 2);
        self.lock_timeout.unwrap_or(default)
    }

    pub(super) fn using(&self) -> Access {
        let millis = |time: Duration| time.as_millis().max(1).to_string();
        self.migrating().with([
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_limit())),
            (
                "idle_in_transaction_session_timeout",
                millis(self.standstill()),
            ),
            // With these, the server notices a dead host within seconds, not hours.
            ("tcp_keepalives_idle", "10".into()),
            ("tcp_keepalives_interval", "5".into()),
            ("tcp_keepalives_count", "4".into()),
            ("default_transaction_isolation", "read committed".into()),
            ("koukan.process", self.process.clone()),
        ])
    }

    /// Options for connections that read. Statements are planned anew with their values, since one sender may have
    /// very few transactions and another nearly all of them.
    pub(super) fn reading(&self) -> Access {
        let custom = [("plan_cache_mode", "force_custom_plan".into())];
        self.using().with(custom)
    }

    /// Options for connections that are to change nothing.
    pub(super) fn looking(&self) -> Access {
        self.reading()
            .with([("default_transaction_read_only", "on".into())])
    }

    /// Options for connections that migrate the schema, without limits of time.
    pub(super) fn migrating(&self) -> Access {
        Access {
            options: self.connect.clone(),
            password_file: self.password_file.clone(),
            settings: Vec::new(),
        }
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
            let settings = options.using().settings;
            let mut limits = settings
                .iter()
                .filter(|(name, _)| name.starts_with("idle_in"));
            let (_, limit) = limits.next().unwrap();
            Duration::from_millis(limit.parse().unwrap())
        };
        let term = Duration::from_secs(6);
        assert!(limit(&options.clone().with_session_term(term)) * 4 <= term);
        let brief = Duration::from_secs(1);
        let brief = options.clone().with_statement_timeout(brief);
        assert!(limit(&brief) <= Duration::from_secs(1));
        // There are no other processes.
        let alone = options.alone();
        assert_eq!(limit(&alone), alone.statement_timeout);
    }
}
