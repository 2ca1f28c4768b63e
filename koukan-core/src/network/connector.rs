//! Outgoing connections.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// A two-way stream of octets, such as a connection. Implemented for every type of that shape.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for Io {}

/// A connection of any kind.
pub type BoxWire = Box<dyn Wire>;

/// Opens connections to servers.
///
/// The caller has decided that the address is permitted, and limits the time.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Any error of connecting.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no connection.
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire>;

    /// Connects to `address` from `source`, which is an address of this machine and of the same family.
    ///
    /// The default does not support source addresses: [`io::ErrorKind::Unsupported`]. A connector that wraps another one
    /// must pass this on, too.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect); with [`SourceNotHere`] as the inner error if `source` is not an address of
    /// this machine.
    ///
    /// # Cancel safety
    ///
    /// As for [`connect`](Self::connect).
    async fn connect_from(&self, address: SocketAddr, source: IpAddr) -> io::Result<BoxWire> {
        let _ = (address, source);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Connects to the Unix socket at `path`.
    ///
    /// The default does not support Unix sockets: [`io::ErrorKind::Unsupported`]. A connector that wraps another one
    /// must pass this on, too.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// As for [`connect`](Self::connect).
    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[async_trait]
impl<C: Connector + ?Sized> Connector for Arc<C> {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        (**self).connect(address).await
    }

    async fn connect_from(&self, address: SocketAddr, source: IpAddr) -> io::Result<BoxWire> {
        (**self).connect_from(address, source).await
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        (**self).connect_unix(path).await
    }
}

/// The source address of a connection is not an address of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no address of this machine")]
pub struct SourceNotHere(IpAddr);

impl SourceNotHere {
    /// The error for that address.
    pub fn new(address: IpAddr) -> Self {
        Self(address)
    }

    /// The address, if `error` was made from this one.
    pub fn of(error: &io::Error) -> Option<IpAddr> {
        let inside = error.get_ref()?.downcast_ref::<Self>()?;
        Some(inside.0)
    }
}

impl From<SourceNotHere> for io::Error {
    fn from(error: SourceNotHere) -> Self {
        Self::new(io::ErrorKind::AddrNotAvailable, error)
    }
}

/// A connector, as stages hold it.
pub type SharedConnector = Arc<dyn Connector>;
