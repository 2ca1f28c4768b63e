//! The server's side.

use std::{path::Path, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::Ticketer,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::NoServerSessionStorage,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;

use crate::Failed;

use super::{Counts, Stream, provider};

/// A server with a certificate.
#[derive(Clone)]
pub(crate) struct Server {
    acceptor: TlsAcceptor,
    counts: Arc<Counts>,
}

impl Server {
    /// Uses the certificate and the key in these files. It issues tickets, or never resumes a session.
    pub(crate) fn new(certificate: &Path, key: &Path, is_resuming: bool) -> Result<Self, Failed> {
        let certificate = CertificateDer::from_pem_file(certificate)?;
        let key = PrivateKeyDer::from_pem_file(key)?;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if is_resuming {
            config.ticketer = Ticketer::new()?;
        } else {
            config.send_tls13_tickets = 0;
        }
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            counts: Arc::default(),
        })
    }

    /// Lets a client begin with TLS.
    pub(crate) async fn begin(&self, stream: TcpStream) -> Result<Stream, Failed> {
        let stream = self.acceptor.accept(stream).await?;
        self.counts.note(stream.get_ref().1);
        Ok(Either::Right(Box::new(stream.into())))
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }
}
