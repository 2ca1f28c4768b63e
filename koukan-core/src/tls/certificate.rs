//! A certificate and its key.

use std::{fmt, io, path::Path, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem, pem::PemObject},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

use crate::files;

use super::{provider, validity::not_after};

/// A server's certificate, its chain, and its private key.
///
/// Clones share them. `Debug` does not show the key.
#[derive(Clone)]
pub struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    not_after: Option<Timestamp>,
}

/// The input is not a certificate with its key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificate {
    /// A file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// There is no certificate.
    #[error("there is no certificate in PEM, as in -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// A block marked as a certificate is not one.
    #[error("the certificate cannot be read")]
    Malformed(#[source] rustls::Error),
    /// There is no private key.
    #[error("there is no private key in PEM, as in -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// The type of the key is not supported.
    #[error("the private key cannot be used")]
    UnknownKey(#[source] rustls::Error),
    /// The key belongs to another certificate.
    #[error("the private key is not that of the certificate, which stands first in its file")]
    OtherKey,
    /// The text is not PEM.
    #[error("not PEM")]
    NotPem(#[source] pem::Error),
}

impl Certificate {
    /// Reads a certificate, the chain that follows it, and its key; all in PEM.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate`], which contains nothing of the key.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidCertificate> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(InvalidCertificate::NotPem)?;
        let first = chain.first().ok_or(InvalidCertificate::NoCertificate)?;
        ParsedCertificate::try_from(first).map_err(InvalidCertificate::Malformed)?;
        let not_after = not_after(first);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => InvalidCertificate::NoKey,
            error => InvalidCertificate::NotPem(error),
        })?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => InvalidCertificate::OtherKey,
            error => InvalidCertificate::UnknownKey(error),
        })?;
        Ok(Self {
            key: Arc::new(key),
            not_after,
        })
    }

    /// Reads them from two files, which may be the same.
    ///
    /// # Errors
    ///
    /// [`InvalidCertificate`].
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, InvalidCertificate> {
        let read = |file: &Path| {
            files::read(file).map_err(|source| InvalidCertificate::Unreadable {
                file: file.to_owned(),
                source,
            })
        };
        Self::from_pem(&read(chain)?, &read(key)?)
    }

    /// Its TLSA record.
    #[cfg(feature = "test-certificates")]
    pub(crate) fn tlsa(&self, parameters: [u8; 3]) -> crate::network::Tlsa {
        super::record_of(&self.key.cert[0], parameters).expect("there are such records")
    }

    /// Whether the certificate is valid for that name: a domain or an IP address.
    pub fn is_for(&self, name: &str) -> bool {
        let (Ok(name), Ok(certificate)) = (
            ServerName::try_from(name),
            self.key
                .end_entity_cert()
                .and_then(ParsedCertificate::try_from),
        ) else {
            return false;
        };
        verify_server_name(&certificate, &name).is_ok()
    }

    /// When it expires, if that can be read.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }
}

impl PartialEq for Certificate {
    /// Equal certificates have the same key.
    fn eq(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}
