//! What is known of a connection before anything is said on it.

use std::net::SocketAddr;

use koukan_core::context::Tls;

/// A connection, as it is known when a session begins on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connected {
    /// The address of the client, where the transport has one.
    pub remote_host: Option<SocketAddr>,
    /// The address that the client connected to.
    pub local_host: Option<SocketAddr>,
    /// The parameters of TLS, where the transport has it from the start.
    pub tls: Option<Tls>,
    /// Who the client is, where the transport has proved it, as by a certificate.
    pub identity: Option<Box<str>>,
}
