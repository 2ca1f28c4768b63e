//! Sockets that clients connect to.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, UnixListener};

use super::{
    ListenAddress, ServerStream,
    unix_socket::{SocketFile, UnixAccess},
};

/// A socket that is listened on: by TCP, or a Unix socket.
///
/// The file of a Unix socket is removed when the listener is dropped, unless another one has taken its place.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
    /// A Unix socket whose file is somebody else's.
    OthersUnix(UnixListener),
}

impl Listener {
    /// Listens on an address; `access` says who may connect to a Unix socket.
    ///
    /// The file of a Unix socket on which nobody listens any more, as of a process that was killed, is replaced.
    ///
    /// # Errors
    ///
    /// When it cannot listen there: [`io::ErrorKind::AddrInUse`] also where another process listens on that Unix
    /// socket, [`io::ErrorKind::AlreadyExists`] where there is a file that is no socket, and
    /// [`io::ErrorKind::NotFound`] for one that is to be handed over: see [`BoundSocket`](super::BoundSocket).
    pub async fn bind(address: &ListenAddress, access: UnixAccess) -> io::Result<Self> {
        Ok(Self(match address {
            ListenAddress::Tcp(address) => Kind::Tcp(TcpListener::bind(address).await?),
            ListenAddress::Unix(path) => {
                let (listener, file) = SocketFile::listen(path, access).await?;
                Kind::Unix(listener, file)
            }
            ListenAddress::HandedOver(name) => {
                let text = format!("no socket of the name `{name}` was handed over");
                return Err(io::Error::new(io::ErrorKind::NotFound, text));
            }
        }))
    }

    /// Where it listens; of port 0, which port it has become.
    ///
    /// # Errors
    ///
    /// Where the system does not tell, or a Unix socket that was handed over has no path.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            Kind::Unix(_, file) => Ok(ListenAddress::Unix(file.path().to_owned())),
            Kind::OthersUnix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().ok_or(io::ErrorKind::Unsupported)?;
                Ok(ListenAddress::Unix(path.to_owned()))
            }
        }
    }

    /// Accepts a connection, and tells the client's address, which one by a Unix socket has not.
    ///
    /// # Errors
    ///
    /// As of the system.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub async fn accept(&self) -> io::Result<(ServerStream, Option<SocketAddr>)> {
        match &self.0 {
            Kind::Tcp(listener) => {
                let (stream, client) = listener.accept().await?;
                Ok((ServerStream::Tcp(stream), Some(client)))
            }
            Kind::Unix(listener, _) | Kind::OthersUnix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((ServerStream::Unix(stream), None))
            }
        }
    }
}

impl From<UnixListener> for Listener {
    /// Its file is left as it is.
    fn from(listener: UnixListener) -> Self {
        Self(Kind::OthersUnix(listener))
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Kind::Tcp(listener))
    }
}
