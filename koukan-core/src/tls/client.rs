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

/// What a client needs to speak TLS: whose certificates it believes. Clones share it, and the sessions
/// that they resume.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
    is_verifying: bool,
    /// By which name a server is asked for, whatever it is called.
    asks_for: Option<Arc<str>>,
}

/// Those to be trusted cannot be found out.
#[derive(Debug, thiserror::Error)]
#[error("the certificates of those to be trusted cannot be read")]
pub struct InvalidRoots(#[source] pub(super) BoxError);

impl ClientTls {
    /// A client that takes any certificate: what it sends cannot be read by who only listens, but
    /// anybody who stands between can be the server.
    pub fn unverified() -> Self {
        let verifier = Arc::new(Unverified(provider()));
        Self::with_verifier(verifier, false)
    }

    /// A client that believes those whom the operating system believes.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`].
    pub fn verified() -> Result<Self, InvalidRoots> {
        let verifier = Verifier::new(provider()).map_err(|error| InvalidRoots(error.into()))?;
        Ok(Self::with_verifier(Arc::new(verifier), true))
    }

    /// A client that believes these authorities, in PEM, and no other.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`], also where there is none.
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

    /// A client that believes the servers that these records name, and no other (DANE). `None` where no
    /// record is one that SMTP uses: of a server's own certificate (usage 3), whatever is its name and
    /// whenever it ends, or of one who certifies (usage 2), which is for one of the names. The server is
    /// asked for by the first of these: the domain at which the records stand.
    ///
    /// *Source*: RFC 7672 section 3.
    pub fn named_by(records: &[Tlsa], names: &[&str]) -> Option<Self> {
        let verifier = Dane::new(records, names)?;
        let mut client = Self::with_verifier(Arc::new(verifier), true);
        client.asks_for = names.first().map(|name| Arc::from(*name));
        Some(client)
    }

    /// The same that shows servers which ask for it the first of these certificates. Sessions are not resumed:
    /// a later one may be another's.
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

    /// The same that takes certificates which are not believed as well, and says so in the log: to find
    /// out what would be refused.
    #[must_use]
    pub fn lenient(&self) -> Self {
        let verifier = Arc::new(Lenient(Arc::clone(&self.verifier)));
        Self::with_verifier(verifier, false)
    }

    /// Whether a server's certificate must be for its name, and be believed.
    pub fn is_verifying(&self) -> bool {
        self.is_verifying
    }

    /// Begins with TLS on a stream to the server of that name, a domain or an IP address; whoever waits
    /// for it limits the time.
    ///
    /// # Errors
    ///
    /// Where the server speaks no TLS, or none that is allowed, or is not believed.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, the stream is gone.
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

/// Takes what another does not believe, and says so.
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
            tracing::warn!(%host, %error, "a certificate is not believed, which will matter later");
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

/// Believes any certificate, and that the server has its key.
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
