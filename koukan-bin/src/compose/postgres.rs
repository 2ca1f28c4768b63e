//! A PostgreSQL database, from its configuration.

use koukan_storage::{PostgresOptions, PostgresTls};

use crate::config::{self, Config, Postgres};

use super::StartError;

/// The options of the database.
///
/// # Errors
///
/// [`StartError::Config`] for errors that the check of the configuration would have found.
pub(crate) fn options(config: &Config, postgres: &Postgres) -> Result<PostgresOptions, StartError> {
    let options = PostgresOptions::new(&postgres.url.value);
    let options = options.map_err(|error| StartError::Config(error.to_string()))?;
    let mut options = options.with_events(config.storage.events.is_some());
    if let Some(file) = &postgres.password_file {
        options = options.with_password_file(&file.value);
    }
    if let Some(tls) = postgres.tls {
        options = options.with_tls(match tls {
            config::PostgresTls::Off => PostgresTls::Off,
            config::PostgresTls::Prefer => PostgresTls::Prefer,
            config::PostgresTls::Require => PostgresTls::Require,
            config::PostgresTls::VerifyCa => PostgresTls::VerifyCa,
            config::PostgresTls::VerifyFull => PostgresTls::VerifyFull,
        });
    }
    if let Some(file) = &postgres.ca_file {
        options = options.with_authorities(&file.value);
    }
    if let Some(connections) = &postgres.connections {
        options = options.with_connections(connections.value);
    }
    if let Some(limit) = &postgres.statement_timeout {
        options = options.with_statement_timeout(limit.value.0);
    }
    if let Some(limit) = &postgres.lock_timeout {
        options = options.with_lock_timeout(limit.value.0);
    }
    if let Some(patience) = &postgres.patience {
        options = options.with_patience(patience.value.0);
    }
    if let Some(term) = &postgres.session_term {
        options = options.with_session_term(term.value.0);
    }
    Ok(match postgres.alone {
        true => options.alone(),
        false => options,
    })
}
