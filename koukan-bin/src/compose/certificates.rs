//! The certificates of listeners and endpoints; follows their files.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use koukan_core::{
    blocking::BlockingPool,
    causes::Causes,
    tls::{Certificate, Certificates, InvalidCertificate, ServerTls},
};
use tokio::time::Instant;

use crate::{
    config::{self, ListenerTls, is_soon},
    registry::FollowedFiles,
    stamps::Stamps,
};

use super::{StartError, authorities};

/// How often to warn that a certificate expires soon.
const TELL: Duration = Duration::from_secs(24 * 3600);

/// The certificates of all listeners and endpoints. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateFiles {
    all: Arc<Mutex<Vec<Followed>>>,
    authorities: FollowedFiles,
}

/// The certificates of one listener or endpoint.
#[derive(Debug)]
struct Followed {
    files: Arc<[Files]>,
    stamps: Stamps,
    certificates: Certificates,
}

/// The files of one certificate.
#[derive(Debug)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// Reads a listener's certificates, and follows their files from now on.
    pub(super) fn add(&self, config: &ListenerTls) -> Result<ServerTls, StartError> {
        let tls = ServerTls::new(self.read(&config.certificate)?);
        let Some(file) = &config.client_ca else {
            return Ok(tls);
        };
        let authorities = authorities::read(&file.value, &self.authorities)?;
        Ok(tls.with_authorities(authorities, config.is_client_certificate_required()))
    }

    /// Reads certificates, and follows their files from now on.
    pub(super) fn read(
        &self,
        config: &[config::CertificateFiles],
    ) -> Result<Certificates, StartError> {
        let files = config.iter().map(|files| Files {
            chain: files.file.value.clone(),
            key: files.key().value.clone(),
        });
        let files: Arc<[Files]> = files.collect();
        let both = |files: &Files| [files.chain.clone(), files.key.clone()];
        let stamps = Stamps::new(files.iter().flat_map(both));
        let read = read(&files);
        let read = read.map_err(|error| StartError::Config(Causes(&error).to_string()))?;
        let certificates = Certificates::new(read);
        self.lock().push(Followed {
            files,
            stamps,
            certificates: certificates.clone(),
        });
        Ok(certificates)
    }

    /// The file of each certificate, and for how many seconds it is still valid; negative if it has expired.
    pub(super) fn left(&self, now: Timestamp) -> Vec<(PathBuf, i64)> {
        let mut all = Vec::new();
        for followed in &*self.lock() {
            let certificates = followed.certificates.all();
            let ends = certificates.iter().map(Certificate::not_after);
            let left = followed.files.iter().zip(ends).filter_map(|(files, end)| {
                let left = end?.as_second() - now.as_second();
                Some((files.chain.clone(), left))
            });
            all.extend(left);
        }
        all
    }

    /// Reads certificates again whose files have changed, and warns of those that expire soon,
    /// unless a warning was given recently (`told`).
    pub(super) fn look(
        &self,
        now: Timestamp,
        told: &mut HashMap<PathBuf, Instant>,
        pool: &BlockingPool,
    ) {
        for followed in &mut *self.lock() {
            followed.look();
            followed.tell(now, told);
        }
        self.authorities.look(pool);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Followed>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    /// Reads the files again if one of them has changed. If they do not match each other, for
    /// example in the middle of a renewal, the certificates stay as they are, and the files are
    /// read when one of them changes again.
    fn look(&mut self) {
        let Some(file) = self.stamps.changed() else {
            return;
        };
        let file = file.display();
        match read(&self.files) {
            Ok(read) => {
                self.certificates.replace(read);
                tracing::info!(%file, "certificates were read anew");
            }
            Err(error) => {
                let error = Causes(&error);
                tracing::warn!(%file, %error, "cannot read certificates anew, the old ones stay");
            }
        }
    }

    fn tell(&self, now: Timestamp, told: &mut HashMap<PathBuf, Instant>) {
        for (files, certificate) in self.files.iter().zip(&*self.certificates.all()) {
            let Some(end) = certificate.not_after().filter(|end| is_soon(*end, now)) else {
                continue;
            };
            let last = told.get(&files.chain);
            if last.is_some_and(|last| last.elapsed() < TELL) {
                continue;
            }
            told.insert(files.chain.clone(), Instant::now());
            let file = files.chain.display();
            if end <= now {
                tracing::error!(%file, %end, "a certificate is no longer valid");
            } else {
                tracing::warn!(%file, %end, "a certificate ends soon");
            }
        }
    }
}

fn read(files: &[Files]) -> Result<Vec<Certificate>, InvalidCertificate> {
    let read = |files: &Files| Certificate::from_files(&files.chain, &files.key);
    files.iter().map(read).collect()
}
