//! The accept loop, and how it stops gracefully.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::BytesMut;
use koukan_core::{
    accepting::accept_all,
    causes::Causes,
    event::Event,
    network::{Listener, ServerStream},
    reply::Reply,
};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::{
    Connected, MakeMailService, Server,
    admission::{Admission, Entry, Permit},
    proxy::{self, NoHeader},
    session::{Session, Stop},
};
use crate::codec::{self, ProxyHeader};

#[cfg(not(feature = "tls"))]
use super::upgrade::Unchanging;
#[cfg(feature = "tls")]
use {
    super::{rewound::Rewound, secured::Secured},
    koukan_core::tls::ServerTls,
    tokio_rustls::Accept,
};

/// How long clients that have just connected may take, once the server stops, until a 421 can be said to them: for the
/// handshake where sessions begin with TLS, and for the header of a proxy.
const LAST_CLIENTS: Duration = Duration::from_secs(1);

/// Accepts connections until `shutdown`, then waits for the sessions to end.
pub(super) async fn run<M: MakeMailService>(
    server: Server<M>,
    listener: Listener,
    shutdown: impl Future<Output = ()>,
) {
    let sessions = Sessions {
        admission: Admission::new(&server.config.limits),
        server,
        tasks: TaskTracker::new(),
        stop: Stop::default(),
    };
    // A panic, for example in an observer, costs that connection and not the listener.
    let admit = |(stream, remote)| {
        let accept = || sessions.accept(stream, remote);
        drop(catch_unwind(AssertUnwindSafe(accept)));
    };
    tokio::select! {
        biased;
        () = shutdown => {}
        never = accept_all(|| listener.accept(), &admit) => match never {},
    }
    sessions.stop.begin();
    // Those who are connected already are told as well.
    listener.close(&admit).await;
    sessions.end().await;
}

struct Sessions<M> {
    server: Server<M>,
    admission: Admission,
    tasks: TaskTracker,
    stop: Stop,
}

impl<M: MakeMailService> Sessions<M> {
    fn accept(&self, stream: ServerStream, remote: Option<SocketAddr>) {
        // Replies are written in one piece, so there is no gain in delaying small packets.
        let _ = stream.set_nodelay();
        let connected = Connected {
            remote_host: remote,
            local_host: stream.local_host(),
            ..Connected::default()
        };
        if let Some(remote) = remote
            && self.server.config.is_proxy(remote.ip())
        {
            return match self.admission.enter(remote.ip()) {
                Some(entry) => self.ask_proxy(remote, stream, connected, entry),
                None => self.turn_away(stream, &connected, &Reply::too_many_connections()),
            };
        }
        let permit = self.admission.admit(stream.client(remote));
        self.admit(stream, BytesMut::new(), &connected, permit);
    }

    /// Reads in a task of its own which client a proxy speaks for.
    fn ask_proxy(
        &self,
        proxy: SocketAddr,
        mut stream: ServerStream,
        mut connected: Connected,
        entry: Entry,
    ) {
        let (sessions, stop) = (self.clone(), self.stop.of_session());
        let patience = self.server.config.timeouts.proxy_header;
        self.tasks.spawn(async move {
            let mut input = BytesMut::new();
            let waiting = sessions.server.connection(&connected);
            sessions.server.observers.tell(&Event::AwaitsProxy(waiting));
            let header = timeout(patience, proxy::read(&mut stream, &mut input));
            let header = tokio::select! {
                biased;
                header = header => header.unwrap_or_else(|elapsed| Err(elapsed.into())),
                () = late(&stop) => return,
            };
            match header {
                Ok(ProxyHeader::Own) => {}
                Ok(ProxyHeader::Client { from, to }) => {
                    connected.remote_host = Some(canonical(from));
                    connected.local_host = Some(canonical(to));
                }
                // A proxy may connect only to see whether the server is up.
                Err(NoHeader::Nothing) => return,
                Err(error) => {
                    let error = Causes(&error);
                    tracing::warn!(%proxy, %error, "closing a connection from a proxy that has not named its client");
                    return;
                }
            }
            let client = connected.remote_host.map_or(proxy, |client| client);
            sessions.admit(stream, input, &connected, entry.admit(client.ip()));
        });
    }

    /// Admits a client that has a permit.
    fn admit(
        &self,
        stream: ServerStream,
        input: BytesMut,
        connected: &Connected,
        permit: Option<Permit>,
    ) {
        let server = &self.server;
        let is_barred = server
            .errors
            .bars_host(&server.config, connected.remote_host);
        match permit {
            Some(_) if is_barred => {
                self.turn_away(stream, connected, &Reply::too_many_errors_of_client());
            }
            Some(permit) => self.spawn(stream, input, connected, permit),
            None => self.turn_away(stream, connected, &Reply::too_many_connections()),
        }
    }

    /// Runs the session in a task of its own. A panic ends that session only, and no other client
    /// has to wait to be accepted.
    fn spawn(&self, stream: ServerStream, input: BytesMut, connected: &Connected, permit: Permit) {
        let (server, stop) = (&self.server, self.stop.of_session());
        let open = server.connection(connected).open(&server.observers);
        #[cfg(feature = "tls")]
        if let Some(tls) = server.security.immediate() {
            let stream = Rewound::new(input, stream);
            let accept = tls.accept(stream);
            let connected = connected.clone();
            let session = begin_with_tls(self.clone(), accept, connected, stop, (permit, open));
            self.tasks.spawn(session);
            return;
        }
        #[cfg(feature = "tls")]
        let stream = Secured::clear(stream, server.security.offered());
        #[cfg(not(feature = "tls"))]
        let stream = Unchanging(stream);
        let session = Session::new(server, stream, input, connected, stop).with_permit(permit);
        self.tasks.spawn(session.run(open));
    }

    fn turn_away(&self, stream: ServerStream, connected: &Connected, reply: &Reply) {
        let connection = self.server.connection(connected);
        self.server.observers.tell(&Event::TurnedAway(connection));
        #[cfg(feature = "tls")]
        if self.server.security.immediate().is_some() {
            // The client would not understand a reply in clear.
            return;
        }
        say_and_close(stream, reply);
    }

    async fn end(self) {
        self.tasks.close();
        let drain = self.server.config.timeouts.drain;
        if timeout(drain, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                sessions = self.tasks.len(),
                "ending sessions before their time"
            );
            self.stop.end();
            self.tasks.wait().await;
        }
    }
}

impl<M> Clone for Sessions<M> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            admission: self.admission.clone(),
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
        }
    }
}

/// Runs a session; it begins with TLS if the server is configured so.
#[cfg(feature = "tls")]
async fn begin_with_tls<M: MakeMailService, H>(
    sessions: Sessions<M>,
    accept: Accept<Rewound<ServerStream>>,
    mut connected: Connected,
    stop: Stop,
    (permit, held): (Permit, H),
) {
    let server = &sessions.server;
    let accepted = tokio::select! {
        biased;
        accepted = timeout(server.config.timeouts.handshake, accept) => accepted,
        () = late(&stop) => return,
    };
    let accepted = accepted.unwrap_or_else(|elapsed| Err(elapsed.into()));
    match accepted {
        Ok(stream) => {
            connected.tls = Some(ServerTls::facts(&stream));
            let stream = Secured::secure(stream);
            let session = Session::new(server, stream, BytesMut::new(), &connected, stop);
            session.with_permit(permit).run(held).await;
        }
        Err(error) => {
            let client = connected.remote_host.map(|client| client.to_string());
            let error = Causes(&error);
            tracing::info!(client, %error, "closing a connection, it has no TLS");
        }
    }
}

/// Waits until the server has begun to stop, and then for as long as a new client has.
async fn late(stop: &Stop) {
    stop.begun().await;
    sleep(LAST_CLIENTS).await;
}

/// Writes an IPv4 address that came as IPv6 as IPv4, so that each part of the server sees the same address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Sends the reply without waiting: the buffer of a new socket has room for it.
fn say_and_close(stream: ServerStream, reply: &Reply) {
    let mut octets = Vec::new();
    codec::encode_reply(reply, false, &mut octets);
    stream.dismiss(&octets);
}
