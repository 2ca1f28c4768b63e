//! Files that connections need.

use std::{io, path::PathBuf};

use koukan_core::files;
use sqlx::{ConnectOptions as _, postgres::PgSslMode};

use super::PostgresOptions;

/// What precedes the path of a file when sqlx shows options as a URL.
const FILE: &str = "file: ";
/// The parameters of the URL that name files: certificates of authorities, and this program's own certificate and key.
const AUTHORITIES: &str = "sslrootcert";
const OWN: [&str; 2] = ["sslcert", "sslkey"];

/// A file that connections to a PostgreSQL database need cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[error("cannot read {}, which connections to the database need", path.display())]
pub struct PostgresFileError {
    /// The file.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl PostgresOptions {
    /// Checks that all files that connections need can be read: that with the password; the certificates of authorities,
    /// and the certificate and key of this program, whether the URL, the environment or
    /// [`PostgresOptions::with_authorities`] names them. Without TLS (`sslmode=disable`) no certificate is needed.
    /// Opening a database checks this first, since a missing file would otherwise look like a missing server.
    ///
    /// # Errors
    ///
    /// [`PostgresFileError`] for the first file that cannot be read, or that should hold the certificates of authorities
    /// and holds none.
    pub fn check_files(&self) -> Result<(), PostgresFileError> {
        if let Some(path) = &self.password_file {
            files::read_to_string(path).map_err(|source| PostgresFileError {
                path: path.to_path_buf(),
                source,
            })?;
        }
        if matches!(self.connect.get_ssl_mode(), PgSslMode::Disable) {
            return Ok(());
        }
        // The URL is only read again below, so any host and user will do.
        let shown = self.connect.clone().host("localhost").username("koukan");
        for (key, value) in shown.to_url_lossy().query_pairs() {
            let is_read = key == AUTHORITIES || OWN.contains(&&*key);
            let Some(path) = value.strip_prefix(FILE).filter(|_| is_read) else {
                continue;
            };
            let path = PathBuf::from(path);
            let read = files::read(&path).and_then(|octets| match key == AUTHORITIES {
                true => has_certificate(&octets),
                false => Ok(()),
            });
            read.map_err(|source| PostgresFileError { path, source })?;
        }
        Ok(())
    }
}

/// Without this check, a file that names no authority would leave only those trusted by default.
fn has_certificate(pem: &[u8]) -> io::Result<()> {
    const BEGINNING: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let mut windows = pem.windows(BEGINNING.len());
    match windows.any(|window| window == BEGINNING) {
        true => Ok(()),
        false => {
            let kind = io::ErrorKind::InvalidData;
            Err(io::Error::new(kind, "it holds no certificate in PEM"))
        }
    }
}
