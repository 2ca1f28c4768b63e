//! The PostgreSQL database of storage.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, Place};

/// A PostgreSQL database, which several agents may share.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Postgres {
    /// The database, as in `postgres://user@host/database`. In place of the host, the directory of a Unix socket may
    /// be given, percent-encoded.
    #[schemars(with = "String")]
    pub url: Place<String>,
    /// A file with the password, instead of a password in the URL.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// How connections are encrypted. Default `prefer`.
    pub tls: Option<PostgresTls>,
    /// A file with authorities whose certificates are trusted for the server, in PEM, in addition to those that are
    /// trusted anyway.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// The most connections; a third of them write, and one shows that this agent is alive. Default 12; at least 2.
    #[schemars(with = "Option<u32>")]
    pub connections: Option<Place<u32>>,
    /// How long a statement may take. Default `30s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub statement_timeout: Option<Place<HumanDuration>>,
    /// How long a statement waits for a lock. Default `10s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub lock_timeout: Option<Place<HumanDuration>>,
    /// How long an operation is repeated that fails for a time, for example while the server restarts; at most `10m`.
    /// Default `20s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub patience: Option<Place<HumanDuration>>,
    /// How long an agent may be silent before others take over its work; at least `1s`. Default `6s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub session_term: Option<Place<HumanDuration>>,
    /// Whether only this agent uses the database: others are kept out, and when this agent restarts after a crash, it
    /// takes up its work at once. Default `false`.
    #[serde(default)]
    pub alone: bool,
}

/// How connections to a database are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostgresTls {
    /// Connections are not encrypted.
    Off,
    /// If the server offers TLS, with any certificate.
    Prefer,
    /// Always, with any certificate.
    Require,
    /// Always; the certificate must be of a trusted authority, but may be for any host. Anybody can get such a certificate.
    VerifyCa,
    /// Always; the certificate must be of a trusted authority and for the host of the URL.
    VerifyFull,
}

/// Does not show the URL, which may hold the password.
impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("password_file", &self.password_file)
            .field("tls", &self.tls)
            .field("connections", &self.connections)
            .field("session_term", &self.session_term)
            .field("alone", &self.alone)
            .finish_non_exhaustive()
    }
}
