//! Connections of clients.

use std::{
    io::{self, Write},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

use crate::shares::Client;

/// A client's connection, accepted by a [`Listener`](super::Listener).
#[derive(Debug)]
pub enum ServerStream {
    /// By TCP.
    Tcp(TcpStream),
    /// By a Unix socket.
    Unix(UnixStream),
}

impl ServerStream {
    /// Sends written octets at once, without waiting for more.
    ///
    /// # Errors
    ///
    /// The errors of the system.
    pub fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            // There is no delay.
            Self::Unix(_) => Ok(()),
        }
    }

    /// The address that the client connected to, if it has one.
    pub fn local_host(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// The client whose share the connection is charged to: its address or, without one, the user of its
    /// process.
    pub fn client(&self, address: Option<SocketAddr>) -> Client {
        match (address, self) {
            (Some(address), _) => Client::at(address.ip()),
            (None, Self::Unix(stream)) => match stream.peer_cred() {
                Ok(peer) => Client::named(format!("user {}", peer.uid())),
                Err(_) => Client::Unknown,
            },
            (None, Self::Tcp(_)) => Client::Unknown,
        }
    }

    /// Writes as much as fits without waiting, and closes the connection.
    pub fn dismiss(self, octets: &[u8]) {
        // The client may have gone.
        let _ = match self {
            Self::Tcp(stream) => stream.into_std().and_then(|mut it| it.write(octets)),
            Self::Unix(stream) => stream.into_std().and_then(|mut it| it.write(octets)),
        };
    }
}

impl AsyncRead for ServerStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for ServerStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, octets),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, octets),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, octets),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
