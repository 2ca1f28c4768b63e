//! What is known of a connection before any command is sent.

use std::net::SocketAddr;

use koukan_core::context::Tls;

/// What is known of a connection when a session begins on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// The address of the client, where the transport has one.
    pub remote_host: Option<SocketAddr>,
    /// The address that the client connected to.
    pub local_host: Option<SocketAddr>,
    /// The parameters of TLS, where the transport uses it from the start.
    pub tls: Option<Tls>,
    /// Who the client is, where the transport has proved it, for example by a certificate.
    pub identity: Option<Box<str>>,
}
