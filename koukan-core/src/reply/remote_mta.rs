//! The host that a reply came from.

use std::sync::Arc;

use crate::{host_port::HostPort, remote_address::RemoteAddress};

/// The upstream server that gave a reply: an extension of [`Reply`](super::Reply). For a reply of our
/// own that is about a server, see [`Concerning`](super::Concerning).
///
/// A notification names it as the Remote-MTA of a recipient.
///
/// *Source*: RFC 3464 section 2.3.5.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteMta {
    /// The name or address that we meant to connect to, or `unix:` and a path.
    pub host: Arc<str>,
    /// The address that was connected to.
    pub address: RemoteAddress,
}

impl RemoteMta {
    /// What was to be connected to, and the port.
    pub fn host_port(&self) -> HostPort {
        HostPort {
            host: (*self.host).into(),
            port: self.address.port().unwrap_or_default(),
        }
    }
}
