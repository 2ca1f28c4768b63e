//! What to do about a database that cannot be opened.

use super::{PostgresError, error::Cause};

impl PostgresError {
    /// What an operator can do about it: part of a sentence without a full stop. `None` where nothing is known, or the
    /// error's own text says it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Unfit { help, .. } | Self::FewConnections { help, .. } => Some(help),
            Self::Unreachable { source, .. } | Self::Failed { source, .. } => {
                source.downcast_ref::<Cause>()?.help()
            }
            Self::TooOld { .. } => Some("use a server of PostgreSQL 13 or later"),
            Self::UnknownSchema { .. } => {
                Some("use the version of this program that made it, or a later one")
            }
            _ => None,
        }
    }
}

impl Cause {
    fn help(&self) -> Option<&'static str> {
        Some(match self.code()?.as_str() {
            "28P01" => "correct the password, and the name of the user",
            "28000" => {
                "correct the name of the user, or let the server's `pg_hba.conf` admit it from here"
            }
            "3D000" => "create the database, or correct its name",
            "42501" => {
                "give the user the rights that it lacks, as by `GRANT CREATE ON SCHEMA … TO …`"
            }
            "53300" => {
                "write fewer `connections`, or raise the limit of the user, the database or the server"
            }
            "25006" => "name the primary server, or make the database writable",
            _ => return None,
        })
    }
}
