//! Sockets on which somebody else has begun to listen.

use std::{
    io,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
};

use super::Listener;

/// A socket on which somebody else has begun to listen, and that was handed over: by systemd, or by a program that
/// goes on as another one. Clients that come while nobody accepts wait.
///
/// *Shape*: TCP, or a Unix socket, whose file is that of whoever made it and is left as it is.
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
    /// A listener on it. Each one accepts connections, and the socket outlives them all.
    ///
    /// To be called in a runtime.
    ///
    /// # Errors
    ///
    /// As of the system.
    pub fn listener(&self) -> io::Result<Listener> {
        match &self.0 {
            Kind::Tcp(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                tokio::net::TcpListener::from_std(socket).map(Listener::from)
            }
            Kind::Unix(socket) => {
                let socket = socket.try_clone()?;
                socket.set_nonblocking(true)?;
                tokio::net::UnixListener::from_std(socket).map(Listener::from)
            }
        }
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

    /// Takes a descriptor for a socket. Whether it listens shows when a connection is accepted.
    ///
    /// # Errors
    ///
    /// Where it is no socket of TCP or Unix.
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
