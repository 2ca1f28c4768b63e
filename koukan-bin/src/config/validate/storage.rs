//! Checks that there is storage for mail that is promised to be delivered.

use std::{ops::RangeInclusive, path::Path, time::Duration};

use koukan_core::causes::Causes;
use koukan_storage::PostgresOptions;

use super::Check;
use crate::{
    config::{Endpoint, Place, problem::without_passwords},
    registry::AddRoute,
};

/// What to do if there is none.
const HELP: &str = "add `storage: { sqlite: FILE }`, or write `storage: memory` where mail may be \
                    lost when the agent stops";

/// The fewest and the most connections: one writes and one reads, and no server has so many for each of its clients.
const CONNECTIONS: RangeInclusive<u32> = 2..=1000;
/// The times after which a silent agent may be taken for dead. Its mail waits for so long.
const TERMS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(10 * 60);
/// The shortest time in which every statement can be made.
const LEAST_STATEMENT: Duration = Duration::from_secs(1);
/// How long SMTP clients wait for the reply to a message (RFC 5321 section 4.5.3.2.6).
const MOST_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// The default for how long a statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// The limits of time that the server knows for statements.
const LIMITS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 24 * 60 * 60);

impl Check<'_> {
    /// Checks that storage exists: a client that is told that its message was accepted relies on it.
    pub(super) fn storage(&mut self) {
        let config = self.config;
        let storage = &config.storage;
        let kinds = [
            storage.memory,
            storage.sqlite.is_some(),
            storage.postgres.is_some(),
        ];
        if kinds.into_iter().filter(|is_there| *is_there).count() > 1 {
            let message = "storage is either `sqlite`, `postgres` or `memory`";
            let of_sqlite = storage.sqlite.as_ref().map(Place::place);
            let of_postgres = storage.postgres.as_ref().map(|it| it.url.place());
            let places = of_sqlite.into_iter().chain(of_postgres);
            // The second one is the one too many.
            let place = places.max_by_key(|place| (place.line, place.column));
            self.wrong(
                &place.unwrap_or(Place::nowhere(())),
                message.into(),
                Some("leave all but one out".into()),
            );
        }
        if let Some(file) = &storage.sqlite
            && is_no_file(&file.value)
        {
            let message = format!("`{}` is not a file", file.value.display());
            let help = "name one as in `data/koukan.sqlite`, or write `storage: memory`";
            self.wrong(file, message, Some(help.into()));
        }
        self.postgres();
        if let Some(reserve) = &storage.reserve
            && storage.sqlite.is_none()
        {
            let message = "`storage.reserve` is what stays free beside the file of a database, and there is none";
            self.wrong(
                reserve,
                message.into(),
                Some("leave it out, or name the database by `storage.sqlite`".into()),
            );
        }
        if storage.keeps() {
            return;
        }
        for (place, promise) in self.promises() {
            let message = format!("{promise}, and no storage keeps the mail");
            self.wrong(&place, message, Some(HELP.into()));
        }
    }

    /// Each part of the configuration that promises to deliver mail: its place, and what it promises.
    pub(super) fn promises(&self) -> Vec<(Place<()>, String)> {
        let config = self.config;
        let mut promises = Vec::new();
        for chain in &config.chain {
            let name = &chain.name.value;
            for filter in &chain.filter {
                if AddRoute::of(&filter.value).is_some_and(|route| route.is_stored()) {
                    promises.push((filter.place(), format!("chain `{name}` stores copies")));
                }
            }
            if let Endpoint::Exploder(_) = chain.endpoint {
                let promise = format!("chain `{name}` promises to deliver");
                promises.push((chain.name.place(), promise));
            }
        }
        for sender in &config.sender {
            // A gateway is told what the destination says, and nothing before.
            if sender.rest.is_some_and(|rest| !rest.gateway) {
                let name = &sender.name.value;
                let promise = format!("sender `{name}` is promised delivery by REST");
                promises.push((sender.name.place(), promise));
            }
        }
        promises
    }
}

impl Check<'_> {
    /// Checks the settings of a PostgreSQL database, without connecting to it.
    fn postgres(&mut self) {
        let config = self.config;
        let Some(postgres) = &config.storage.postgres else {
            return;
        };
        match PostgresOptions::new(&postgres.url.value) {
            Ok(options) => {
                if let Err(error) = options.check_files() {
                    let message = Causes(&error).to_string();
                    let help = "name a file in the URL that this user may read";
                    self.wrong(&postgres.url, message, Some(help.into()));
                }
            }
            Err(error) => {
                // The URL may hold a password, so it is not shown.
                let help = "write it as in `postgres://user@host/database`";
                self.wrong(&postgres.url, error.to_string(), Some(help.into()));
            }
        }
        self.file(postgres.password_file.as_ref(), "password");
        if let Some(file) = &postgres.password_file
            && has_password(&postgres.url.value)
        {
            let message = "the URL holds a password, too";
            let help = "leave one of them out: the one in the file would count";
            self.wrong(file, message.into(), Some(help.into()));
        }
        self.file(postgres.ca_file.as_ref(), "certificate");
        if let Some(connections) = &postgres.connections
            && !CONNECTIONS.contains(&connections.value)
        {
            let message = match connections.value {
                0 | 1 => "a database needs two connections at least: one writes, one reads",
                _ => "no server has so many connections for one agent",
            };
            self.wrong(connections, message.into(), Some("write 12".into()));
        }
        let limits = [&postgres.statement_timeout, &postgres.lock_timeout];
        for limit in limits.into_iter().flatten() {
            // The server treats less than a millisecond as no limit, and cannot take more
            // milliseconds than fit into an i32.
            if !LIMITS.contains(&limit.value.0) {
                let message = "the server knows no such limit of time";
                let help = "write `30s`; from `1ms` to `24d`";
                self.wrong(limit, message.into(), Some(help.into()));
            }
        }
        if let Some(limit) = &postgres.statement_timeout
            && limit.value.0 > Duration::ZERO
            && limit.value.0 < LEAST_STATEMENT
        {
            let message = "some statements take longer on a busy server, and fail then";
            let help = "write `30s`, or `1s` at least";
            self.wrong(limit, message.into(), Some(help.into()));
        }
        let statement = postgres.statement_timeout.map(|limit| limit.value.0);
        if let Some(limit) = &postgres.lock_timeout
            && limit.value.0 >= statement.unwrap_or(STATEMENT_TIMEOUT)
        {
            let message =
                "a statement that waits that long for a lock has exceeded `statement_timeout`";
            let help = "write less than `statement_timeout`, which is `30s` unless it is there";
            self.wrong(limit, message.into(), Some(help.into()));
        }
        if let Some(patience) = &postgres.patience
            && patience.value.0 > MOST_PATIENCE
        {
            let message = "no client waits that long to hear that its message is kept";
            let help = "write `20s`, or `10m` at most";
            self.wrong(patience, message.into(), Some(help.into()));
        }
        if let Some(term) = &postgres.session_term {
            if !TERMS.contains(&term.value.0) {
                let (message, help) = match term.value.0 < *TERMS.start() {
                    true => (
                        "an agent cannot say that often that it lives",
                        "write `6s`, or `1s` at least",
                    ),
                    false => (
                        "the mail of an agent that has died would wait that long for another one",
                        "write `6s`, or `10m` at most",
                    ),
                };
                self.wrong(term, message.into(), Some(help.into()));
            }
            if postgres.alone {
                let message =
                    "`session_term` says when others take over, and `alone` that there are none";
                self.wrong(term, message.into(), Some("leave one out".into()));
            }
        }
    }
}

/// Whether a URL holds a password.
fn has_password(url: &str) -> bool {
    without_passwords(url) != url
}

/// Whether a path is empty, or has a meaning other than a file to SQLite: a database in memory, or a URL.
fn is_no_file(path: &Path) -> bool {
    let Some(text) = path.to_str() else {
        return false;
    };
    let schemes = ["file:", "sqlite:"];
    text.trim().is_empty()
        || text == ":memory:"
        || text.ends_with('/')
        || schemes.iter().any(|scheme| text.starts_with(scheme))
}
