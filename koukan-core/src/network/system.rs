//! The operating system's network.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use async_trait::async_trait;
use tokio::net::{TcpStream, UnixStream, lookup_host};

use super::{BoxWire, Connector, DnsAnswer, LookupError, Resolver};

/// Asks the operating system for addresses. It supports nothing else.
///
/// The operating system does not tell a missing name from a failed look-up; both are [`LookupError::Failed`].
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

/// Connects by TCP or to a Unix socket, with Nagle's algorithm off: octets that belong together are written
/// together anyway.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        let addresses = lookup_host((host, 0)).await.map_err(LookupError::failed)?;
        Ok(DnsAnswer::insecure(addresses.map(|address| address.ip())))
    }
}

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        Ok(Box::new(UnixStream::connect(path).await?))
    }
}
