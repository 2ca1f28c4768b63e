//! One connection, from its first octet to its end.

use std::{convert::Infallible, future::pending, pin::pin};

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
    server::conn::auto,
};
use koukan_core::{causes::Causes, network::ServerStream};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, interval_at},
};
use tower::ServiceExt;

use crate::server::{
    patient_io::{Lingers, PatientIo},
    problem::Problem,
    sound::check_host,
};

use super::{ConnectionSettings, Draining, Peer, activity::Activity};

/// The most octets that one HTTP/1.1 connection buffers; the head of a request has to fit.
const BUFFER_MAX: usize = 128 << 10;

/// A connection that is being answered.
pub(super) struct Answering {
    pub(super) router: Router,
    pub(super) settings: ConnectionSettings,
    pub(super) peer: Peer,
    /// Kept as long as the connection: the server waits until all receivers are dropped.
    pub(super) is_draining: watch::Receiver<bool>,
}

impl Answering {
    /// Answers the requests of a connection, with TLS if the settings have it.
    pub(super) async fn answer(self, stream: ServerStream) {
        // Responses are small and complete, so there is no gain in delaying small packets.
        if let Err(error) = stream.set_nodelay() {
            tracing::debug!(error = %Causes(&error), "could not set TCP_NODELAY");
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.settings.tls {
            let patience = self.settings.header_read_timeout;
            let last_call = last_call(self.is_draining.clone(), self.settings.last_call);
            let begun = tokio::select! {
                biased;
                begun = tokio::time::timeout(patience, tls.accept(stream)) => begun,
                // A client that has not finished the handshake by then has sent no request.
                () = last_call => return,
            };
            return match begun {
                Ok(Ok(stream)) => self.answer_on(stream).await,
                Ok(Err(error)) => {
                    tracing::debug!(error = %Causes(&error), "the TLS handshake with a client failed");
                }
                Err(_) => tracing::debug!("a client did not finish the TLS handshake in time"),
            };
        }
        self.answer_on(stream).await;
    }

    async fn answer_on(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            router,
            settings,
            peer,
            is_draining,
        } = self;
        let activity = Activity::default();
        let requests = activity.clone();
        let lingers = Lingers::default();
        let is_last = lingers.clone();
        let draining = Draining(is_draining.clone());
        let readiness = settings.readiness.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let version = request.version();
            let under_way = requests.begin(version);
            let (draining, readiness) = (draining.clone(), readiness.clone());
            let refused = check_host(&request).err().map(Problem::from);
            let has_content = version < Version::HTTP_2 && !request.body().is_end_stream();
            request.extensions_mut().insert(peer.clone());
            request.extensions_mut().insert(draining.clone());
            let answer = router.clone().oneshot(request.map(axum::body::Body::new));
            let is_last = is_last.clone();
            async move {
                let _under_way = under_way;
                let mut answer = match refused {
                    Some(problem) if has_content => {
                        let close = [(CONNECTION, HeaderValue::from_static("close"))];
                        (close, problem).into_response()
                    }
                    Some(problem) => problem.into_response(),
                    None => answer
                        .await
                        .unwrap_or_else(|never: Infallible| match never {}),
                };
                // HTTP/2 has a word of its own for that, and no such field.
                let is_leaving =
                    version < Version::HTTP_2 && (readiness.is_leaving() || *draining.0.borrow());
                if is_leaving {
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                }
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
        let mut connection = pin!(connection);
        let mut idle = pin!(idle(&activity, &settings));
        let mut drain = pin!(async {
            drained(is_draining).await;
            // A request that is on its way would find a closed connection, and get no answer.
            if !activity.is_http_2() && activity.is_at_rest() {
                tokio::time::sleep(settings.last_call).await;
            }
        });
        let mut is_ending = false;
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut connection => break ended,
                () = &mut drain, if !is_ending => {}
                given_up = &mut idle, if !is_ending => {
                    if given_up {
                        return tracing::debug!("a client connected without sending a request");
                    }
                }
            }
            is_ending = true;
            connection.as_mut().graceful_shutdown();
        };
        if let Err(error) = ended {
            tracing::debug!(error = %Causes(&*error), "a connection failed");
        }
    }
}

/// Waits until the server stops. If the server was dropped, it never drains, and this waits for ever.
async fn drained(mut is_draining: watch::Receiver<bool>) {
    let is_dropped = is_draining.wait_for(|it| *it).await.is_err();
    if is_dropped {
        pending::<()>().await;
    }
}

/// Waits until the server stops, and then for so long.
#[cfg(feature = "tls")]
async fn last_call(is_draining: watch::Receiver<bool>, patience: std::time::Duration) {
    drained(is_draining).await;
    tokio::time::sleep(patience).await;
}

/// Waits until no request has come for too long; returns `true` if none has come at all.
async fn idle(activity: &Activity, settings: &ConnectionSettings) -> bool {
    // The builder sets no time limit for the octets that tell HTTP/1.1 from HTTP/2.
    let first = Instant::now() + settings.header_read_timeout;
    let mut ticks = interval_at(first, settings.idle_timeout);
    ticks.tick().await;
    if activity.begun() == 0 {
        return true;
    }
    loop {
        let before = activity.begun();
        ticks.tick().await;
        if activity.is_at_rest() && activity.begun() == before {
            return false;
        }
    }
}
