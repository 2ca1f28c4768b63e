//! The database of the agent.

use std::path::{Path, PathBuf};

use crate::postgres::server::{Durability, Server};

/// The kind of the database.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Sqlite,
    /// A PostgreSQL server that waits until its writes are on the disk.
    Postgres,
}

pub(super) enum Database {
    Sqlite(PathBuf),
    Postgres {
        url: String,
        /// The server runs as long as this exists.
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

    /// The lines in the configuration.
    pub(super) fn configured(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("{{ sqlite: \"{}\" }}", path.display()),
            Self::Postgres { url, .. } => {
                format!("{{ postgres: {{ url: \"{url}\", session_term: 4s }} }}")
            }
        }
    }
}
