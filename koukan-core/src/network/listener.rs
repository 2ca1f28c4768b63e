//! Listening sockets.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, UnixListener};

use crate::accepting::accept_waiting;

use super::{
    ListenAddress, ServerStream, refusing,
    unix_socket::{SocketFile, UnixAccess},
};

/// A listening socket, TCP or Unix.
///
/// The file of a Unix socket is removed when the listener is dropped, unless another one has replaced it.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    /// Whether clients can still connect to the socket when this is dropped.
    is_outlived: bool,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
    /// A Unix socket whose file belongs to somebody else.
    OthersUnix(UnixListener),
}

impl Listener {
    /// Listens on an address. `access` says who may connect to a Unix socket.
    ///
    /// The file of a Unix socket on which nobody listens, for example after a process was killed, is replaced.
    ///
    /// # Errors
    ///
    /// If it cannot listen there: [`io::ErrorKind::AddrInUse`] also where another process listens on that Unix
    /// socket; [`io::ErrorKind::AlreadyExists`] where the path is a file that is not a socket;
    /// [`io::ErrorKind::NotFound`] for an inherited socket: see [`BoundSocket`](super::BoundSocket).
    pub async fn bind(address: &ListenAddress, access: UnixAccess) -> io::Result<Self> {
        Ok(Self::of(match address {
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

    /// The address. If the port was 0, the port that was assigned.
    ///
    /// # Errors
    ///
    /// If the system does not tell, or an inherited Unix socket has no path.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            Kind::Unix(_, file) => Ok(ListenAddress::Unix(file.path().to_owned())),
            Kind::OthersUnix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().ok_or(io::ErrorKind::Unsupported)?;
                Ok(ListenAddress::Unix(path.to_owned()))
            }
        }
    }

    /// Accepts a connection. Returns the client's address, too, which clients of a Unix socket do
    /// not have.
    ///
    /// # Errors
    ///
    /// The errors of the system.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub async fn accept(&self) -> io::Result<(ServerStream, Option<SocketAddr>)> {
        match &self.kind {
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

    /// Closes the listener without resetting anybody, as dropping it does with those whom the system has connected and
    /// nobody has accepted. Clients that connect from now on are refused; those that are connected already, or are
    /// being connected, are passed to `admit`. That takes a quarter of a second, or up to a second if clients go on to
    /// come.
    ///
    /// | the socket | how clients are refused |
    /// |---|---|
    /// | TCP, on Linux | the system drops their SYN, and answers the next one, a second later, with a reset: connection refused |
    /// | TCP, on other systems | only when it is closed: a client that connects right before that is reset |
    /// | Unix | its file is removed first, if it belongs to this listener |
    /// | inherited ([`BoundSocket`](super::BoundSocket)) | not at all: they wait for the next process, and so do those who are connected already |
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, the listener is dropped.
    pub async fn close(self, admit: impl FnMut((ServerStream, Option<SocketAddr>))) {
        if self.is_outlived {
            return;
        }
        let kind = match self.kind {
            Kind::Unix(listener, file) => {
                drop(file);
                Kind::OthersUnix(listener)
            }
            Kind::Tcp(listener) => {
                refusing::refuse(&listener);
                Kind::Tcp(listener)
            }
            others => others,
        };
        let listener = Self::of(kind);
        accept_waiting(|| listener.accept(), admit).await;
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            is_outlived: false,
        }
    }

    /// The same, where the socket is open elsewhere as well.
    pub(super) fn outlived(self) -> Self {
        Self {
            is_outlived: true,
            ..self
        }
    }
}

impl From<UnixListener> for Listener {
    /// Its file is not touched.
    fn from(listener: UnixListener) -> Self {
        Self::of(Kind::OthersUnix(listener))
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::of(Kind::Tcp(listener))
    }
}
