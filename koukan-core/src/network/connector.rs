//! How connections come about.

use std::{fmt, io, net::SocketAddr, path::Path, sync::Arc};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// A two-way stream of octets, as a connection is; implemented for everything of that shape.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for Io {}

/// A connection of any kind.
pub type BoxWire = Box<dyn Wire>;

/// Opens connections to servers.
///
/// Whoever asks has decided that the address may be connected to, and limits the time.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Connects to `address`.
    ///
    /// # Errors
    ///
    /// Why it cannot be connected to, or cannot now.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, there is no connection.
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire>;

    /// Connects to the Unix socket at `path`.
    ///
    /// A connector that says nothing of them knows none: [`io::ErrorKind::Unsupported`]. One that stands before another
    /// hands this on as well.
    ///
    /// # Errors
    ///
    /// As with [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// As with [`connect`](Self::connect).
    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A connector, as stages hold it.
pub type SharedConnector = Arc<dyn Connector>;
