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
    /// The database, as in `postgres://user@host/database`. The directory of a Unix socket may stand for the host,
    /// percent-encoded.
    #[schemars(with = "String")]
    pub url: Place<String>,
    /// A file with the password, in place of one in the URL.
    #[schemars(with = "Option<String>")]
    pub password_file: Option<Place<PathBuf>>,
    /// How connections are encrypted. Default `prefer`.
    pub tls: Option<PostgresTls>,
    /// A file with authorities, in PEM, whose certificates are believed of the server, beside those that are known
    /// anyway.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<Place<PathBuf>>,
    /// How many connections are used, at most; a third of them write, and one says that this agent lives. Default
    /// 12, 2 at least.
    #[schemars(with = "Option<u32>")]
    pub connections: Option<Place<u32>>,
    /// How long a statement may take. Default `30s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub statement_timeout: Option<Place<HumanDuration>>,
    /// How long a statement waits for a lock. Default `10s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub lock_timeout: Option<Place<HumanDuration>>,
    /// How long is tried again what cannot be done now, as while the server is started again; `10m` at most. Default
    /// `20s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub patience: Option<Place<HumanDuration>>,
    /// How long an agent may be silent before others take over what it works on; `1s` at least. Default `6s`.
    #[schemars(with = "Option<HumanDuration>")]
    pub session_term: Option<Place<HumanDuration>>,
    /// Whether this agent has the database for itself: others are kept from it, and what it worked on when it
    /// died is taken up at once when it is started again. Default `false`.
    #[serde(default)]
    pub alone: bool,
}

/// How connections to a database are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostgresTls {
    /// Not at all.
    Off,
    /// Where the server offers it, with any certificate.
    Prefer,
    /// Always, with any certificate.
    Require,
    /// Always, with a certificate of an authority that is believed, for whatever host: anybody has one.
    VerifyCa,
    /// Always, with a certificate of an authority that is believed, for the host of the URL.
    VerifyFull,
}

/// The URL, in which the password may stand, is not shown.
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
