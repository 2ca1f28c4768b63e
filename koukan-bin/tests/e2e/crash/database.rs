//! Where the agent keeps mail.

use std::path::{Path, PathBuf};

use crate::postgres::server::{Durability, Server};

/// What kind of database the agent has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Sqlite,
    /// A server that writes to the medium.
    Postgres,
}

pub(super) enum Database {
    Sqlite(PathBuf),
    Postgres {
        url: String,
        /// Runs as long as it is there.
        _server: Server,
    },
}

impl Database {
    pub(super) fn make(kind: Kind, directory: &Path) -> Self {
        match kind {
            Kind::Sqlite => Self::Sqlite(directory.join("koukan.sqlite")),
            Kind::Postgres => {
                let server = Server::start(Durability::Full);
                Self::Postgres {
                    url: server.database(),
                    _server: server,
                }
            }
        }
    }

    /// As the configuration names it.
    pub(super) fn configured(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("{{ sqlite: \"{}\" }}", path.display()),
            Self::Postgres { url, .. } => {
                format!("{{ postgres: {{ url: \"{url}\", session_term: 4s }} }}")
            }
        }
    }
}
