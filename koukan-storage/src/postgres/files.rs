//! Files that connections need.

use std::{fs, io, path::PathBuf};

use sqlx::ConnectOptions as _;

use super::PostgresOptions;

/// What stands before the path of a file, where options are shown as a URL.
const FILE: &str = "file: ";
/// What stands in the URL for certificates of authorities, and for what this program shows of itself.
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
    /// Looks whether all files can be read that connections need: certificates of authorities, and the certificate and
    /// key of this program, whether the URL, the environment or [`PostgresOptions::with_authorities`] names them.
    /// What opens a database does so first: a file that is missing would be taken for a server that is.
    ///
    /// # Errors
    ///
    /// [`PostgresFileError`], of the first that cannot be read, or of authorities of whom there are none.
    pub fn check_files(&self) -> Result<(), PostgresFileError> {
        // The URL is only shown: it need not name whom it is for.
        let shown = self.connect.clone().host("localhost").username("koukan");
        for (key, value) in shown.to_url_lossy().query_pairs() {
            let is_read = key == AUTHORITIES || OWN.contains(&&*key);
            let Some(path) = value.strip_prefix(FILE).filter(|_| is_read) else {
                continue;
            };
            let path = PathBuf::from(path);
            let read = fs::read(&path).and_then(|octets| match key == AUTHORITIES {
                true => has_certificate(&octets),
                false => Ok(()),
            });
            read.map_err(|source| PostgresFileError { path, source })?;
        }
        Ok(())
    }
}

/// Whoever names authorities of whom there are none would believe others alone.
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
