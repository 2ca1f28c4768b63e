//! The client's side.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;

use crate::Failed;

use super::{Counts, Stream, identity::NAME, provider};

/// A client that trusts one certificate. Clients resume each other's sessions.
#[derive(Clone)]
pub(crate) struct Client {
    connector: TlsConnector,
    counts: Arc<Counts>,
}

impl Client {
    /// Trusts the certificate in that file.
    pub(crate) fn new(
        certificate: &Path,
        is_resuming: bool,
        counts: Arc<Counts>,
    ) -> Result<Self, Failed> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate)?)?;
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        if !is_resuming {
            config.resumption = Resumption::disabled();
        }
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { connector, counts })
    }

    /// Begins with TLS.
    pub(crate) async fn begin(&self, stream: TcpStream) -> Result<Stream, Failed> {
        let name = ServerName::try_from(NAME)?;
        let stream = self.connector.connect(name, stream).await?;
        self.counts.note(stream.get_ref().1);
        Ok(Either::Right(Box::new(stream.into())))
    }
}
