//! Sockets that were bound here or handed over, each with its server.

use koukan_core::{
    causes::Causes,
    network::{BoundSocket, ListenAddress, Listener as Socket, UnixAccess},
};

use crate::config::UnixSocket;

use super::{StartError, given::Sockets};

/// A listener: a bound socket, and the server for it.
pub(super) struct Listener<S> {
    pub(super) address: ListenAddress,
    /// Who may connect, if it is a Unix socket.
    access: UnixAccess,
    /// The socket, until it is served.
    socket: Option<Socket>,
    /// The socket that was handed over, unless the agent binds one itself.
    handed_over: Option<BoundSocket>,
    server: S,
}

/// Listens at an address, or on the socket that was handed over under that name.
pub(super) async fn bind(
    address: &ListenAddress,
    socket: Option<&UnixSocket>,
    sockets: &mut Sockets,
) -> Result<Listener<()>, StartError> {
    let name = address.handed_over();
    if let Some(handed_over) = name.and_then(|name| sockets.named.remove(name)) {
        let socket = handed_over.listener();
        let socket = socket.map_err(|error| StartError::Listen(address.clone(), error))?;
        let bound = bound(address, socket, UnixAccess::default())?;
        return Ok(Listener {
            handed_over: Some(handed_over),
            ..bound
        });
    }
    let access = socket.map_or_else(|| Ok(UnixAccess::default()), UnixSocket::access);
    let access = access.map_err(|(_, text)| StartError::Config(text))?;
    let socket = Socket::bind(address, access).await;
    let socket = socket.map_err(|error| StartError::Listen(address.clone(), error))?;
    bound(address, socket, access)
}

/// A listener on a socket that is already bound, instead of one at `address`.
pub(super) fn bound(
    address: &ListenAddress,
    socket: Socket,
    access: UnixAccess,
) -> Result<Listener<()>, StartError> {
    let failed = |error| StartError::Listen(address.clone(), error);
    Ok(Listener {
        address: socket.address().map_err(failed)?,
        access,
        socket: Some(socket),
        handed_over: None,
        server: (),
    })
}

impl<S: Clone> Listener<S> {
    /// The server and its socket: first the socket that was bound at the start, later a new one
    /// each time. `None` if no socket can be bound.
    pub(super) fn next(&mut self) -> impl Future<Output = Option<(Socket, S)>> + use<S> {
        let (address, access, server) = (self.address.clone(), self.access, self.server.clone());
        let again = || self.handed_over.as_ref().map(BoundSocket::listener);
        let socket = self.socket.take().map(Ok).or_else(again);
        async move {
            let socket = match socket {
                Some(socket) => socket,
                None => Socket::bind(&address, access).await,
            };
            match socket {
                Ok(socket) => Some((socket, server)),
                Err(error) => {
                    tracing::error!(%address, error = %Causes(&error), "cannot listen");
                    None
                }
            }
        }
    }
}

impl Listener<()> {
    pub(super) fn with_server<S>(self, server: S) -> Listener<S> {
        Listener {
            address: self.address,
            access: self.access,
            socket: self.socket,
            handed_over: self.handed_over,
            server,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_listener_that_is_started_anew_listens_on_its_address_again() {
        let mut none = Sockets::default();
        let address = "127.0.0.1:0".parse().unwrap();
        let bound = bind(&address, None, &mut none).await.unwrap();
        let mut listener = bound.with_server(());
        for _ in 0..3 {
            let (socket, ()) = listener.next().await.unwrap();
            let client = TcpStream::connect(listener.address.tcp().unwrap()).await;
            // The server closes first, as a server that fails does.
            drop(socket.accept().await.unwrap());
            drop((client, socket));
        }
        let address = listener.address.tcp().unwrap();
        let _taken = TcpListener::bind(address).await.unwrap();
        assert!(listener.next().await.is_none());
    }

    #[tokio::test]
    async fn a_socket_that_was_handed_over_is_listened_on_again_and_outlives_the_server() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sockets = Sockets::default();
        sockets.named.insert("smtp".into(), socket.into());
        let named = "socket:smtp".parse().unwrap();
        let bound = bind(&named, None, &mut sockets).await.unwrap();
        let mut listener = bound.with_server(());
        let address = listener.address.tcp().unwrap();
        for _ in 0..3 {
            // A client that connects while nobody accepts waits.
            let client = TcpStream::connect(address).await.unwrap();
            let (socket, ()) = listener.next().await.unwrap();
            drop(socket.accept().await.unwrap());
            drop((client, socket));
        }
        let error = bind(&named, None, &mut sockets).await.err().unwrap();
        assert_eq!(error.to_string(), "cannot listen on socket:smtp");
    }
}
