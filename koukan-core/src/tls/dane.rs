//! Certificates named in the DNS: DANE.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use sha2::{Digest, Sha256, Sha512};

use crate::network::Tlsa;

use super::provider;

/// The record names the certificate of an authority.
const TRUST_ANCHOR: u8 = 2;
/// The record names the server's own certificate.
const END_ENTITY: u8 = 3;

/// Accepts the certificates that TLSA records name.
#[derive(Debug)]
pub(super) struct Dane {
    records: Box<[Tlsa]>,
    /// The names for one of which a certificate must be valid if it is issued by an authority that
    /// a record names.
    names: Box<[ServerName<'static>]>,
    provider: Arc<CryptoProvider>,
}

/// No record matches the certificate.
#[derive(Debug, thiserror::Error)]
#[error("no TLSA record matches the server's certificate")]
struct NotNamed;

/// Whether SMTP uses a record of this kind. Others are left out, such as those that name public authorities.
///
/// *Source*: RFC 7672 section 3.1.
pub(super) fn is_usable(record: &Tlsa) -> bool {
    let has_length = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    matches!(record.usage, TRUST_ANCHOR | END_ENTITY) && record.selector <= 1 && has_length
}

impl Dane {
    /// A verifier for the usable ones of the records; `None` if there are none.
    pub(super) fn new(records: &[Tlsa], names: &[&str]) -> Option<Self> {
        let records: Box<[_]> = records.iter().filter(|it| is_usable(it)).cloned().collect();
        let names = names.iter().map(|name| (*name).to_owned());
        let names = names.filter_map(|name| ServerName::try_from(name).ok());
        (!records.is_empty()).then(|| Self {
            records,
            names: names.collect(),
            provider: provider(),
        })
    }

    fn names(&self, usage: u8, certificate: &CertificateDer<'_>) -> bool {
        let mut records = self.records.iter().filter(|record| record.usage == usage);
        records.any(|record| is_of(record, certificate))
    }
}

/// Whether the error is that a certificate is for another name.
fn is_of_name(why: &CertificateError) -> bool {
    matches!(
        why,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    )
}

/// Whether a record matches that certificate.
///
/// *Source*: RFC 6698 section 2.1.
fn is_of(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let key;
    let octets: &[u8] = match record.selector {
        0 => certificate,
        _ => match ParsedCertificate::try_from(certificate) {
            Ok(parsed) => {
                key = parsed.subject_public_key_info();
                &key
            }
            Err(_) => return false,
        },
    };
    match record.matching {
        0 => *octets == *record.data,
        1 => Sha256::digest(octets)[..] == *record.data,
        _ => Sha512::digest(octets)[..] == *record.data,
    }
}

/// The record with that usage, selector and matching type for a certificate in DER; `None` if there is no
/// such record.
#[cfg(feature = "test-certificates")]
pub(crate) fn record_of(certificate: &[u8], [usage, selector, matching]: [u8; 3]) -> Option<Tlsa> {
    let certificate = CertificateDer::from(certificate);
    let octets = match selector {
        0 => certificate.to_vec(),
        1 => ParsedCertificate::try_from(&certificate)
            .ok()?
            .subject_public_key_info()
            .to_vec(),
        _ => return None,
    };
    let data = match matching {
        0 => octets,
        1 => Sha256::digest(octets).to_vec(),
        2 => Sha512::digest(octets).to_vec(),
        _ => return None,
    };
    Some(Tlsa {
        usage,
        selector,
        matching,
        data: data.into(),
    })
}

impl ServerCertVerifier for Dane {
    /// If a record names the server's own certificate, neither its name nor its dates count. If a record
    /// names an authority, both do.
    ///
    /// *Source*: RFC 7672 sections 3.1.1 and 3.1.2.
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.names(END_ENTITY, certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        let mut roots = RootCertStore::empty();
        for other in others.iter().filter(|it| self.names(TRUST_ANCHOR, it)) {
            roots.add(other.clone().into_owned())?;
        }
        // The server need not present a certificate that a record contains completely.
        for record in &self.records {
            if (record.usage, record.selector, record.matching) == (TRUST_ANCHOR, 0, 0) {
                // Data that is not a certificate is ignored.
                let _ = roots.add(CertificateDer::from(record.data.to_vec()));
            }
        }
        if roots.is_empty() {
            let error = OtherError(Arc::new(NotNamed));
            return Err(Error::InvalidCertificate(CertificateError::Other(error)));
        }
        let provider = Arc::clone(&self.provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build();
        let verifier = verifier.map_err(|error| Error::General(error.to_string()))?;
        let verify = |name| verifier.verify_server_cert(certificate, others, name, status, now);
        let mut verified = verify(name);
        for other in self.names.iter().filter(|other| *other != name) {
            if !matches!(verified, Err(Error::InvalidCertificate(ref why)) if is_of_name(why)) {
                break;
            }
            verified = verify(other);
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
