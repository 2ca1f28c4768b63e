//! Sockets that were bound by somebody else.

use std::{
    io,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
};

use super::Listener;

/// A listening socket that was inherited: from systemd, or from a program that is being replaced. Clients wait
/// while nobody accepts.
///
/// *Shape*: TCP or a Unix socket. The file of a Unix socket belongs to its creator, and is not touched.
///
/// # Example
///
/// ```
/// use std::net::TcpListener;
///
/// use koukan_core::network::BoundSocket;
///
/// let socket = BoundSocket::from(TcpListener::bind("127.0.0.1:0")?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct BoundSocket(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl BoundSocket {
    /// A listener on the socket. There may be several, and the socket outlives them.
    ///
    /// Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// The errors of the system.
    pub fn listener(&self) -> io::Result<Listener> {
        let listener = match &self.0 {
            Kind::Tcp(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                Listener::from(tokio::net::TcpListener::from_std(socket)?)
            }
            Kind::Unix(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                Listener::from(tokio::net::UnixListener::from_std(socket)?)
            }
        };
        Ok(listener.outlived())
    }
}

impl From<TcpListener> for BoundSocket {
    fn from(socket: TcpListener) -> Self {
        Self(Kind::Tcp(socket))
    }
}

impl From<UnixListener> for BoundSocket {
    fn from(socket: UnixListener) -> Self {
        Self(Kind::Unix(socket))
    }
}

impl TryFrom<OwnedFd> for BoundSocket {
    type Error = io::Error;

    /// Wraps the descriptor of a socket. An error shows only when a connection is accepted if the
    /// socket does not listen.
    ///
    /// # Errors
    ///
    /// If it is not a TCP or Unix socket.
    fn try_from(descriptor: OwnedFd) -> io::Result<Self> {
        let tcp = TcpListener::from(descriptor);
        if tcp.local_addr().is_ok() {
            return Ok(Self(Kind::Tcp(tcp)));
        }
        let unix = UnixListener::from(OwnedFd::from(tcp));
        unix.local_addr()?;
        Ok(Self(Kind::Unix(unix)))
    }
}
