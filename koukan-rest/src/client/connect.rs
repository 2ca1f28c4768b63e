//! Connections.

use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{ClientError, ClientSettings, content::Content};

pub(super) type HttpClient = legacy::Client<HttpsConnector<HttpConnector>, Content>;

pub(super) fn http_client(settings: &ClientSettings) -> Result<HttpClient, ClientError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(settings.connect_timeout));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls(settings)?)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector);
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(settings.idle_timeout)
        .http2_only(settings.http2)
        .build(connector))
}

fn tls(settings: &ClientSettings) -> Result<ClientConfig, ClientError> {
    let wrong = |error: tower::BoxError| ClientError::Certificates(error);
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.into()))?;
    let Some(pem) = &settings.ca else {
        let builder = builder.with_platform_verifier();
        return Ok(builder
            .map_err(|error| wrong(error.into()))?
            .with_no_client_auth());
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| wrong(error.into()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(error.into()))?;
    }
    if roots.is_empty() {
        return Err(wrong("there is no certificate in PEM".into()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
