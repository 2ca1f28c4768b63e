//! TLS for servers and clients: certificates and trust, without a socket.
//!
//! [`ServerTls`] and [`ClientTls`] turn any two-way stream of octets into an encrypted one. TLS 1.2 and
//! later are supported, by rustls. With peers that support it, the key exchange is safe from later
//! quantum computers.

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

/// The cryptography provider. It is always named, since a program may have several.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
