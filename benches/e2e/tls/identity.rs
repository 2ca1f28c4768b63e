//! A certificate that is made for one run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::Failed;

/// The name in the certificate.
pub(super) const NAME: &str = "bench.example";

/// The certificate of all servers of a run (ECDSA, P-256), and its key, as files.
#[derive(Debug)]
pub(crate) struct Identity {
    directory: TempDir,
}

impl Identity {
    pub(crate) fn make() -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
        let this = Self { directory };
        fs::write(this.certificate(), made.cert.pem())?;
        fs::write(this.key(), made.signing_key.serialize_pem())?;
        Ok(this)
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder().join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder().join("key.pem")
    }

    fn folder(&self) -> &Path {
        self.directory.path()
    }
}
