//! How connections come about.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A two-way stream of bytes, as a connection is; implemented for everything of that shape.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static> Wire for Io {}

/// Opens connections to servers.
///
/// Tests put pipes in its place, simulations their own network.
pub trait Connect: Clone + Send + Sync + 'static {
    /// An open connection.
    type Io: Wire;

    /// Connects to `address`.
    ///
    /// The caller limits the time.
    fn connect(&self, address: SocketAddr) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// Connects by TCP, without Nagle's delay: what is written together is sent together anyway.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnect;

impl Connect for TcpConnect {
    type Io = TcpStream;

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
