//! The operating system's network.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use async_trait::async_trait;
use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};

use super::{BoxWire, Connector, DnsAnswer, LookupError, Resolver, SourceNotHere};

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

    async fn connect_from(&self, address: SocketAddr, source: IpAddr) -> io::Result<BoxWire> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        let bound = socket.bind((source, 0).into());
        bound.map_err(|error| match error.kind() {
            io::ErrorKind::AddrNotAvailable => SourceNotHere::new(source).into(),
            _ => error,
        })?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        Ok(Box::new(UnixStream::connect(path).await?))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_connection_comes_from_the_address_that_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for source in ["127.0.0.2", "127.0.0.3"] {
            let source = source.parse().unwrap();
            let _wire = TcpConnector.connect_from(address, source).await.unwrap();
            assert_eq!(listener.accept().await.unwrap().1.ip(), source);
        }
        let elsewhere = "192.0.2.1".parse().unwrap();
        let error = TcpConnector.connect_from(address, elsewhere).await.err();
        assert_eq!(SourceNotHere::of(&error.unwrap()), Some(elsewhere));
    }
}
