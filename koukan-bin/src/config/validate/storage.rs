//! Checks that there is storage for mail that is promised to be delivered.

use std::{ops::RangeInclusive, path::Path, time::Duration};

use koukan_core::causes::Causes;
use koukan_storage::PostgresOptions;

use super::Check;
use crate::{
    config::{Endpoint, Place},
    registry::AddRoute,
};

/// What to do if there is none.
const HELP: &str = "add `storage: { sqlite: FILE }`, or write `storage: memory` where mail may be \
                    lost when the agent stops";

/// The shortest time after which a silent agent may be taken for dead.
const LEAST_TERM: Duration = Duration::from_secs(1);
/// How long SMTP clients wait for the reply to a message (RFC 5321 section 4.5.3.2.6).
const MOST_PATIENCE: Duration = Duration::from_secs(10 * 60);
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
            self.wrong(
                &Place::nowhere(()),
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
        if storage.reserve.is_some() && storage.sqlite.is_none() {
            let message =
                "`storage.reserve` is what stays free beside a database, and there is none";
            self.wrong(
                &Place::nowhere(()),
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
        self.file(postgres.ca_file.as_ref(), "certificate");
        if let Some(connections) = &postgres.connections
            && connections.value < 2
        {
            let message = "a database needs two connections at least: one writes, one reads";
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
        if let Some(patience) = &postgres.patience
            && patience.value.0 > MOST_PATIENCE
        {
            let message = "no client waits that long to hear that its message is kept";
            let help = "write `20s`, or `10m` at most";
            self.wrong(patience, message.into(), Some(help.into()));
        }
        if let Some(term) = &postgres.session_term {
            if term.value.0 < LEAST_TERM {
                let message = "an agent cannot say that often that it lives";
                let help = "write `6s`, or `1s` at least";
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
