//! The accept loop and its graceful end.

use std::{io, net::SocketAddr};

use koukan_core::{accepting::accept_all, event::Event, reply::Reply};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::task::TaskTracker;

use super::{
    Connected, MakeMailService, Server,
    admission::{Admission, Permit},
    session::Stop,
    upgrade::Unchanging,
};
use crate::codec;

/// Accepts connections until `shutdown`, then lets the sessions end.
pub(super) async fn run<M: MakeMailService>(
    server: Server<M>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let sessions = Sessions {
        admission: Admission::new(&server.config.limits),
        server,
        tasks: TaskTracker::new(),
        stop: Stop::default(),
    };
    let admit = |(stream, remote)| sessions.admit(stream, remote);
    tokio::select! {
        biased;
        () = shutdown => {}
        never = accept_all(|| listener.accept(), admit) => match never {},
    }
    drop(listener);
    sessions.end().await;
}

struct Sessions<M> {
    server: Server<M>,
    admission: Admission,
    tasks: TaskTracker,
    stop: Stop,
}

impl<M: MakeMailService> Sessions<M> {
    fn admit(&self, stream: TcpStream, remote: SocketAddr) {
        match self.admission.admit(remote.ip()) {
            Some(permit) => self.spawn(stream, remote, permit),
            None => {
                let connected = Connected {
                    remote_host: Some(remote),
                    local_host: None,
                };
                let connection = self.server.connection(&connected);
                self.server.observers.tell(&Event::TurnedAway(connection));
                turn_away(stream);
            }
        }
    }

    /// A task of its own, in which the session's service is made as well: a panic ends that session
    /// and no other, and nobody else has to wait to be accepted.
    fn spawn(&self, stream: TcpStream, remote: SocketAddr, permit: Permit) {
        // Replies are written in one piece, so waiting for more to send is of no use.
        let _ = stream.set_nodelay(true);
        let connected = Connected {
            remote_host: Some(remote),
            local_host: stream.local_addr().ok(),
        };
        let (server, stop) = (self.server.clone(), self.stop.of_session());
        let open = server.connection(&connected).open(&server.observers);
        self.tasks.spawn(async move {
            let session = server.session(Unchanging(stream), &connected, stop);
            drop(server);
            session.run((permit, open)).await;
        });
    }

    async fn end(self) {
        self.tasks.close();
        self.stop.begin();
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

/// Says 421 without waiting: a new socket has room for that.
fn turn_away(stream: TcpStream) {
    let mut octets = Vec::new();
    codec::encode_reply(&Reply::too_many_connections(), false, &mut octets);
    if let Ok(mut stream) = stream.into_std() {
        let _ = io::Write::write(&mut stream, &octets);
    }
}
