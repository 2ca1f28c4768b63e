//! Which host a reply came from.

use std::net::SocketAddr;

/// The remote host that gave a reply; an endpoint attaches it to the reply as an extension, so
/// that a notification can name it (RFC 3464 section 2.3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteMta {
    /// The name or address that was looked up.
    pub host: Box<str>,
    /// The address that was connected to.
    pub address: SocketAddr,
}
