//! The accept loop and its graceful end.

use std::{io, net::SocketAddr, time::Duration};

use koukan_core::{repeats::Repeats, reply::Reply};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Connected, MakeMailService, Server,
    admission::{Admission, Permit},
};
use crate::codec;

/// How long to wait when the process has run out of sockets, at first and at most.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// For how long failures to accept are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(60);

static NOT_ACCEPTED: Repeats = Repeats::new(INTERVAL, |tries, interval| {
    let seconds = interval.as_secs();
    tracing::error!(tries, seconds, "connections could still not be accepted");
});

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
        stop: CancellationToken::new(),
        abort: CancellationToken::new(),
    };
    tokio::select! {
        biased;
        () = shutdown => {}
        () = sessions.accept(&listener) => {}
    }
    drop(listener);
    sessions.end().await;
}

struct Sessions<M> {
    server: Server<M>,
    admission: Admission,
    tasks: TaskTracker,
    /// Sessions without a transaction under way end.
    stop: CancellationToken,
    /// All end.
    abort: CancellationToken,
}

impl<M: MakeMailService> Sessions<M> {
    async fn accept(&self, listener: &TcpListener) {
        let [shortest, longest] = PAUSE;
        let mut pause = shortest;
        loop {
            match listener.accept().await {
                Ok((stream, remote)) => {
                    pause = shortest;
                    self.admit(stream, remote);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    if NOT_ACCEPTED.is_first() {
                        tracing::error!(%error, "connections cannot be accepted");
                    }
                    sleep(pause).await;
                    pause = longest.min(pause * 2);
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, remote: SocketAddr) {
        match self.admission.admit(remote.ip()) {
            Some(permit) => self.spawn(stream, remote, permit),
            None => {
                tracing::debug!(%remote, "too many connections");
                turn_away(stream);
            }
        }
    }

    /// A task of its own: a panic in a session ends that session and no other.
    fn spawn(&self, stream: TcpStream, remote: SocketAddr, permit: Permit) {
        // Replies are written in one piece, so waiting for more to send is of no use.
        let _ = stream.set_nodelay(true);
        let connected = Connected {
            remote_host: Some(remote),
            local_host: stream.local_addr().ok(),
        };
        let session = self
            .server
            .session(stream, &connected, self.stop.child_token());
        let abort = self.abort.clone();
        self.tasks.spawn(async move {
            let _permit = permit;
            tokio::select! {
                () = session.run() => {}
                () = abort.cancelled() => {}
            }
        });
    }

    async fn end(self) {
        self.tasks.close();
        self.stop.cancel();
        let drain = self.server.config.timeouts.drain;
        if timeout(drain, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                sessions = self.tasks.len(),
                "ending sessions before their time"
            );
            self.abort.cancel();
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

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
