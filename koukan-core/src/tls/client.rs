//! TLS of a client.

use std::{fmt, io, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tower::BoxError;

use crate::{context::Tls, network::Tlsa};

use super::{Certificates, ClientStream, dane::Dane, facts::facts, provider};

/// The settings of a TLS client: whose certificates it accepts. Clones share it and the sessions that
/// can be resumed.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
    is_verifying: bool,
    /// The name under which a server is asked for, if not its own.
    asks_for: Option<Arc<str>>,
}

/// The trusted certificates cannot be determined.
#[derive(Debug, thiserror::Error)]
#[error("the certificates of the trusted authorities cannot be read")]
pub struct InvalidRoots(#[source] pub(super) BoxError);

impl ClientTls {
    /// A client that accepts any certificate: what it sends cannot be read by someone who only
    /// listens, but anyone in between can pose as the server.
    pub fn unverified() -> Self {
        let verifier = Arc::new(Unverified(provider()));
        Self::with_verifier(verifier, false)
    }

    /// A client that trusts the authorities that the operating system trusts.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`].
    pub fn verified() -> Result<Self, InvalidRoots> {
        let verifier = Verifier::new(provider()).map_err(|error| InvalidRoots(error.into()))?;
        Ok(Self::with_verifier(Arc::new(verifier), true))
    }

    /// A client that trusts only these authorities, in PEM.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`], also if there are none.
    pub fn verified_by(pem: &[u8]) -> Result<Self, InvalidRoots> {
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(pem) {
            let root = root.map_err(|error| InvalidRoots(error.into()))?;
            let added = roots.add(root);
            added.map_err(|error| InvalidRoots(error.into()))?;
        }
        if roots.is_empty() {
            return Err(InvalidRoots("there is no certificate in PEM".into()));
        }
        let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            provider(),
        );
        let verifier = verifier.build();
        let verifier = verifier.map_err(|error| InvalidRoots(error.into()))?;
        Ok(Self::with_verifier(verifier, true))
    }

    /// A client that accepts only the servers that these records name (DANE). `None` if no record is of
    /// a kind that SMTP uses: one that names a server's own certificate (usage 3), whatever name is in
    /// it and whenever it expires, or one that names an authority (usage 2) whose certificate is for one
    /// of the names. The server is asked for by the first of the names: the domain at which the records
    /// stand.
    ///
    /// *Source*: RFC 7672 section 3.
    pub fn named_by(records: &[Tlsa], names: &[&str]) -> Option<Self> {
        let verifier = Dane::new(records, names)?;
        let mut client = Self::with_verifier(Arc::new(verifier), true);
        client.asks_for = names.first().map(|name| Arc::from(*name));
        Some(client)
    }

    /// The same client, which shows the first of these certificates to servers that ask for one. Sessions are
    /// not resumed, since a later one may use another certificate.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Certificates) -> Self {
        let config = Arc::make_mut(&mut self.config);
        config.client_auth_cert_resolver = Arc::new(certificates);
        config.resumption = Resumption::disabled();
        self
    }

    fn with_verifier(verifier: Arc<dyn ServerCertVerifier>, is_verifying: bool) -> Self {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has cipher suites for both versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier))
            .with_no_client_auth();
        Self {
            config: Arc::new(config),
            verifier,
            is_verifying,
            asks_for: None,
        }
    }

    /// The same client, but it also accepts untrusted certificates and logs a warning: to find out what
    /// would be refused.
    #[must_use]
    pub fn lenient(&self) -> Self {
        let verifier = Arc::new(Lenient(Arc::clone(&self.verifier)));
        Self::with_verifier(verifier, false)
    }

    /// Whether a server's certificate must be trusted and valid for its name.
    pub fn is_verifying(&self) -> bool {
        self.is_verifying
    }

    /// Starts TLS on a stream to the server with that name, a domain or an IP address. The caller
    /// limits the time.
    ///
    /// # Errors
    ///
    /// If the server does not speak TLS, speaks no version that is allowed, or is not trusted.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it ends, the stream is gone.
    pub async fn connect<Io>(&self, name: &str, io: Io) -> io::Result<(ClientStream<Io>, Tls)>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        let name = self.asks_for.as_deref().unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name).to_owned();
        let name = ServerName::try_from(name)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, io).await?;
        let facts = facts(stream.get_ref().1);
        Ok((stream, facts))
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("is_verifying", &self.is_verifying)
            .finish_non_exhaustive()
    }
}

/// Accepts what another verifier does not, and logs it.
#[derive(Debug)]
struct Lenient(Arc<dyn ServerCertVerifier>);

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        status: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .0
            .verify_server_cert(certificate, others, name, status, now);
        if let Err(error) = verified {
            let host = name.to_str();
            tracing::warn!(%host, %error, "a certificate is not trusted: stricter settings would refuse it");
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Accepts any certificate, and that the server has its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
