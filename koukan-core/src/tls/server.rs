//! TLS of a server.

use std::{fmt, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::Ticketer,
    server::{NoClientAuth, NoServerSessionStorage, ProducesTickets, danger::ClientCertVerifier},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{Accept, TlsAcceptor};

use crate::context::Tls;

use super::{
    Authorities, Certificates, ServerStream, authorities::Asking, facts::facts, holder::holder,
    provider,
};

/// The settings of a TLS server: its certificates, and its own keys with which clients resume
/// sessions. Clones share all of it.
///
/// # Example
///
/// ```no_run
/// use koukan_core::tls::{Certificate, Certificates, ServerTls};
///
/// let certificate = Certificate::from_files("mx.pem".as_ref(), "mx.key".as_ref())?;
/// let tls = ServerTls::new(Certificates::new([certificate]));
/// # Ok::<(), koukan_core::tls::InvalidCertificate>(())
/// ```
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    certificates: Certificates,
}

impl ServerTls {
    /// A server with these certificates.
    pub fn new(certificates: Certificates) -> Self {
        let mut config = config(Arc::new(NoClientAuth), &certificates);
        if let Ok(tickets) = Ticketer::new() {
            let tickets: Arc<dyn ProducesTickets> = tickets;
            config.ticketer = tickets;
        }
        Self {
            config: Arc::new(config),
            certificates,
        }
    }

    /// Asks clients for certificates from these authorities. If one `is_required`, clients without one are
    /// refused. The holder is a fact of the connection ([`Tls::client`]). Sessions are not resumed, because a
    /// certificate may no longer be accepted by then.
    #[must_use]
    pub fn with_authorities(mut self, authorities: Authorities, is_required: bool) -> Self {
        let asking = Asking {
            authorities,
            is_required,
        };
        let mut config = config(Arc::new(asking), &self.certificates);
        config
            .alpn_protocols
            .clone_from(&self.config.alpn_protocols);
        config.send_tls13_tickets = 0;
        self.config = Arc::new(config);
        self
    }

    /// Offers these protocols, in order of preference, to clients that ask (ALPN, RFC 7301).
    #[must_use]
    pub fn with_protocols<'a>(mut self, protocols: impl IntoIterator<Item = &'a str>) -> Self {
        let protocols = protocols.into_iter().map(|name| name.as_bytes().to_vec());
        Arc::make_mut(&mut self.config).alpn_protocols = protocols.collect();
        self
    }

    /// Its certificates.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Performs the handshake with a client on a stream. The caller limits the time.
    ///
    /// # Errors
    ///
    /// If the client does not speak TLS, or speaks no version that is allowed.
    pub fn accept<Io>(&self, io: Io) -> Accept<Io>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(Arc::clone(&self.config)).accept(io)
    }

    /// The facts of the connection.
    pub fn facts<Io>(stream: &ServerStream<Io>) -> Tls {
        let connection = stream.get_ref().1;
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        Tls {
            client: shown.and_then(|certificate| holder(certificate)),
            ..facts(connection)
        }
    }

    /// Which of its protocols the client has chosen.
    pub fn protocol<Io>(stream: &ServerStream<Io>) -> Option<&[u8]> {
        stream.get_ref().1.alpn_protocol()
    }
}

fn config(verifier: Arc<dyn ClientCertVerifier>, certificates: &Certificates) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for both versions");
    let resolver = Arc::new(certificates.clone());
    let builder = builder.with_client_cert_verifier(verifier);
    let mut config = builder.with_cert_resolver(resolver);
    // Clients keep their sessions themselves, so none takes memory here.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("certificates", &self.certificates)
            .finish_non_exhaustive()
    }
}
