//! Connections: HTTP/1.1 and HTTP/2 without TLS.

use std::{
    convert::Infallible,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    http::{HeaderValue, Version, header::CONNECTION},
    response::IntoResponse,
};
use hyper::{
    Request,
    body::{Body as _, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use koukan_core::{
    accepting::accept_all,
    causes::Causes,
    event::{Connection, Observers, Protocol},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tower::ServiceExt;

use super::{
    patient_io::{Lingers, PatientIo},
    problem::Problem,
    sound::check_host,
};

/// What one HTTP/1.1 connection may hold in memory, in octets; the head of a request has to fit.
const BUFFER_MAX: usize = 128 << 10;

/// Limits and times of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionSettings {
    /// Connections at the same time; more wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take for the head of a request; connections without a request are
    /// closed after that time.
    pub header_read_timeout: Duration,
    /// How long a client may take nothing of what is written to it.
    pub write_timeout: Duration,
    /// How long HTTP/2 clients are not heard of before they are asked for a sign of life, and how
    /// long they have for it.
    pub ping_interval: Duration,
    /// How long requests have to end when the server stops.
    pub drain_timeout: Duration,
    /// Those who are told of connections.
    pub observers: Observers,
}

impl ConnectionSettings {
    /// Tells these observers of connections.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }
}

impl Default for ConnectionSettings {
    /// 20,000 connections; 30 seconds for heads, 60 for writes, pings after 20, and 40 for the end,
    /// so that reads which hang for 30 are answered. Nobody observes.
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            header_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            ping_interval: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(40),
            observers: Observers::default(),
        }
    }
}

/// Answers connections with `router` until `shutdown` ends, and then those requests that have begun.
///
/// # Errors
///
/// None so far: what fails is one connection, and is logged.
///
/// # Cancel safety
///
/// When it is dropped no new connections are accepted; those that there are go on.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_with(listener, router, ConnectionSettings::default(), shutdown).await
}

/// As [`serve`], with other limits.
///
/// # Errors
///
/// As of [`serve`].
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    settings: ConnectionSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let slots = settings.max_connections.min(Semaphore::MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(slots));
    let graceful = GracefulShutdown::new();
    let stop = Arc::new(tokio::sync::Notify::new());
    let accept = || async {
        // What is beyond the limit waits to be accepted.
        let slot = Arc::clone(&slots).acquire_owned().await;
        let (stream, peer) = listener.accept().await?;
        Ok((slot, stream, peer))
    };
    let admit = |(slot, stream, peer)| {
        let connection = Answering {
            router: router.clone(),
            settings: settings.clone(),
            watcher: graceful.watcher(),
        };
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            // Here, so that a bug in an observer costs that connection and not the listener.
            let open = Connection::new(Protocol::Http).from(peer);
            let _held = (slot, open.open(&connection.settings.observers));
            tokio::select! {
                () = connection.answer(stream) => {}
                () = stop.notified() => tracing::debug!(%peer, "given up to stop"),
            }
        });
    };
    tokio::select! {
        biased;
        () = shutdown => {}
        never = accept_all(accept, admit) => match never {},
    }
    drop(listener);
    tracing::debug!(connections = graceful.count(), "draining");
    if timeout(settings.drain_timeout, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests did not end in time; giving them up");
        stop.notify_waiters();
    }
    Ok(())
}

/// A connection that is being answered.
struct Answering {
    router: Router,
    settings: ConnectionSettings,
    watcher: Watcher,
}

impl Answering {
    async fn answer(self, stream: TcpStream) {
        let settings = self.settings;
        // Answers are small and complete: there is nothing to wait for.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %Causes(&error), "could not set TCP_NODELAY");
        }
        let has_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&has_asked);
        let router = self.router;
        let lingers = Lingers::default();
        let is_last = lingers.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let refused = check_host(&request).err().map(Problem::from);
            let has_content =
                request.version() < Version::HTTP_2 && !request.body().is_end_stream();
            let answer = router.clone().oneshot(request.map(axum::body::Body::new));
            let is_last = is_last.clone();
            async move {
                let answer = match refused {
                    Some(problem) if has_content => {
                        let close = [(CONNECTION, HeaderValue::from_static("close"))];
                        (close, problem).into_response()
                    }
                    Some(problem) => problem.into_response(),
                    None => answer
                        .await
                        .unwrap_or_else(|never: Infallible| match never {}),
                };
                if answer.headers().contains_key(CONNECTION) {
                    is_last.set();
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.header_read_timeout)
            .max_buf_size(BUFFER_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(settings.ping_interval)
            .keep_alive_timeout(settings.ping_interval);
        let io = TokioIo::new(PatientIo::new(stream, settings.write_timeout, lingers));
        let connection = builder.serve_connection(io, service).into_owned();
        let mut connection = pin!(self.watcher.watch(connection));
        // The builder waits without end for the octets that tell HTTP/1.1 from HTTP/2.
        let ended = tokio::select! {
            ended = &mut connection => Some(ended),
            () = sleep(settings.header_read_timeout) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None if has_asked.load(Ordering::Relaxed) => connection.await,
            None => return tracing::debug!("a client had nothing to ask"),
        };
        if let Err(error) = ended {
            tracing::debug!(error = %Causes(&*error), "a connection failed");
        }
    }
}
