//! Makes connections.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;
use tower::{BoxError, Service};

use crate::client::{ClientError, ClientSettings};

use super::network::{Network, Stream};

/// Connects within a time limit, with TLS if the URI asks for it.
#[derive(Debug, Clone)]
pub(in crate::client) struct Connector {
    inner: HttpsConnector<Network>,
    timeout: Duration,
}

pub(super) fn connector(settings: &ClientSettings) -> Result<Connector, ClientError> {
    let network = Network {
        connector: Arc::clone(&settings.connector),
        resolver: Arc::clone(&settings.resolver),
    };
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls(settings)?)
        .https_or_http();
    let inner = if settings.http2 {
        builder.enable_http2().wrap_connector(network)
    } else {
        builder.enable_all_versions().wrap_connector(network)
    };
    Ok(Connector {
        inner,
        timeout: settings.connect_timeout,
    })
}

fn tls(settings: &ClientSettings) -> Result<ClientConfig, ClientError> {
    let failed = |error: rustls::Error| ClientError::Certificates(error.into());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = match &settings.ca {
        Some(pem) => builder.with_root_certificates(roots(pem)?),
        None => {
            let verifier = Verifier::new(provider).map_err(failed)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    Ok(builder.with_no_client_auth())
}

fn roots(pem: &[u8]) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| ClientError::Certificates(error.into()))?;
        let added = roots.add(certificate);
        added.map_err(|error| ClientError::Certificates(error.into()))?;
    }
    if roots.is_empty() {
        let error = "there is no certificate in PEM";
        return Err(ClientError::Certificates(error.into()));
    }
    Ok(roots)
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<Stream>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = timeout(self.timeout, self.inner.call(uri));
        Box::pin(async move { connecting.await? })
    }
}
