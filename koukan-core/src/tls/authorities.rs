//! Whose certificates a server accepts from its clients.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{InvalidRoots, provider};

/// The authorities whose certificates are accepted from clients.
///
/// They can be replaced while connections are made; clones share them.
#[derive(Clone)]
pub struct Authorities(Arc<Mutex<Arc<dyn ClientCertVerifier>>>);

impl Authorities {
    /// These authorities, in PEM.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`], also if there are none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidRoots> {
        Ok(Self(Arc::new(Mutex::new(verifier(pem)?))))
    }

    /// Replaces all of them for connections that begin from now on.
    ///
    /// # Errors
    ///
    /// As [`Authorities::from_pem`]; the authorities then stay unchanged.
    pub fn replace(&self, pem: &[u8]) -> Result<(), InvalidRoots> {
        let verifier = verifier(pem)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = verifier;
        Ok(())
    }

    fn now(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorities").finish_non_exhaustive()
    }
}

fn verifier(pem: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, InvalidRoots> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(pem) {
        let root = root.map_err(|error| InvalidRoots(error.into()))?;
        let added = roots.add(root);
        added.map_err(|error| InvalidRoots(error.into()))?;
    }
    if roots.is_empty() {
        return Err(InvalidRoots("there is no certificate in PEM".into()));
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    builder.build().map_err(|error| InvalidRoots(error.into()))
}

/// Asks clients for certificates from these authorities.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) authorities: Authorities,
    /// Whether clients without a certificate are refused.
    pub(super) is_required: bool,
}

impl ClientCertVerifier for Asking {
    fn client_auth_mandatory(&self) -> bool {
        self.is_required
    }

    /// They may change, and clients do not need the hints.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verifier = self.authorities.now();
        verifier.verify_client_cert(certificate, others, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.authorities.now();
        verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verifier = self.authorities.now();
        verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.now().supported_verify_schemes()
    }
}
