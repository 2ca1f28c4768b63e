//! TLS, for servers and for clients: certificates and whom to trust, without a socket.
//!
//! [`ServerTls`] and [`ClientTls`] turn any two-way stream of octets into one that is encrypted. TLS 1.2
//! and later are spoken, by rustls; keys are exchanged in a way that is safe from later quantum computers
//! with whoever can do that.

mod authorities;
mod certificate;
mod certificates;
mod client;
mod dane;
mod der;
mod facts;
mod holder;
mod server;
mod validity;

pub use self::{
    authorities::Authorities,
    certificate::{Certificate, InvalidCertificate},
    certificates::Certificates,
    client::{ClientTls, InvalidRoots},
    server::ServerTls,
};

pub use tokio_rustls::{client::TlsStream as ClientStream, server::TlsStream as ServerStream};

use std::sync::Arc;

#[cfg(feature = "test-certificates")]
pub(crate) use self::dane::record_of;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// What encrypts; named wherever it is needed, since a program may have several.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
