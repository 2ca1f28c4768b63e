//! The addresses of this agent.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{Arc, OnceLock},
};

/// The addresses on which this agent listens, once they are known; clones share them.
#[derive(Debug, Clone, Default)]
pub struct OwnAddresses(Arc<OnceLock<Box<[SocketAddr]>>>);

impl OwnAddresses {
    /// Sets the addresses on which this agent listens; only the first call counts.
    ///
    /// *Shape*: as the sockets are bound; an unspecified address stands for all addresses of this host.
    pub fn set(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        self.0.get_or_init(|| addresses.into_iter().collect());
    }

    /// Whether a connection to `address` would reach this agent.
    pub(super) fn has(&self, address: SocketAddr) -> bool {
        let own = self.0.get().map(|own| &**own).unwrap_or_default();
        own.iter().any(|own| {
            own.port() == address.port()
                && (own.ip().to_canonical() == address.ip()
                    || (is_every(own.ip(), address.ip()) && is_of_this_host(address.ip())))
        })
    }
}

/// Whether a socket that is bound to `own` accepts connections to any address of that family.
fn is_every(own: IpAddr, address: IpAddr) -> bool {
    own.is_unspecified() && (own.is_ipv6() || address.is_ipv4())
}

/// A socket can only be bound to an address of this host; binding sends nothing.
fn is_of_this_host(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}
