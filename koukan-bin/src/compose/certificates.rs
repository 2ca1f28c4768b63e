//! Certificates of listeners, and how they follow their files.

use std::{collections::HashMap, fs, path::PathBuf, sync::Arc, time::Duration, time::SystemTime};

use jiff::Timestamp;
use koukan_core::{
    causes::Causes,
    tls::{Certificate, Certificates, InvalidCertificate, ServerTls},
};
use tokio::time::Instant;

use crate::config::{ListenerTls, is_soon};

use super::StartError;

/// How often it is told that a certificate ends soon.
const TELL: Duration = Duration::from_secs(24 * 3600);

/// The certificates of all listeners. Clones follow the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateFiles(Vec<Followed>);

/// The certificates of one listener.
#[derive(Debug, Clone)]
struct Followed {
    files: Arc<[Files]>,
    certificates: Certificates,
    /// When the files were changed that the certificates are from.
    changed: Vec<Option<SystemTime>>,
}

/// The files of one certificate.
#[derive(Debug)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// Reads certificates, and follows their files from now on.
    pub(super) fn add(&mut self, config: &ListenerTls) -> Result<ServerTls, StartError> {
        let files = config.certificate.iter().map(|files| Files {
            chain: files.file.value.clone(),
            key: files.key().value.clone(),
        });
        let files: Arc<[Files]> = files.collect();
        let changed = changed(&files);
        let read = read(&files);
        let read = read.map_err(|error| StartError::Config(Causes(&error).to_string()))?;
        let certificates = Certificates::new(read);
        self.0.push(Followed {
            files,
            certificates: certificates.clone(),
            changed,
        });
        Ok(ServerTls::new(certificates))
    }

    /// Reads certificates anew whose files have changed, and tells of those that end soon, unless it
    /// was `told` not long ago.
    pub(super) fn look(&mut self, now: Timestamp, told: &mut HashMap<PathBuf, Instant>) {
        for followed in &mut self.0 {
            followed.look();
            followed.tell(now, told);
        }
    }
}

impl Followed {
    /// Reads the files anew where one of them has changed. While they do not fit each other, as amid a
    /// renewal, the certificates stay.
    fn look(&mut self) {
        let now = changed(&self.files);
        if now == self.changed {
            return;
        }
        let file = self
            .files
            .first()
            .map(|files| files.chain.display().to_string());
        match read(&self.files) {
            Ok(read) => {
                self.certificates.replace(read);
                tracing::info!(file, "certificates were read anew");
            }
            Err(error) => {
                let error = Causes(&error);
                tracing::warn!(file, %error, "cannot read certificates anew, the old ones stay");
            }
        }
        // What could not be read is read when it changes once more.
        self.changed = now;
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

fn changed(files: &[Files]) -> Vec<Option<SystemTime>> {
    let all = files.iter().flat_map(|files| [&files.chain, &files.key]);
    let changed = all.map(|file| fs::metadata(file).and_then(|found| found.modified()).ok());
    changed.collect()
}
