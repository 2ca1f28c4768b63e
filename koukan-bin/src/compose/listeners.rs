//! Where clients connect to.

use std::{
    io,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use koukan_core::{
    ServiceBuilderExt,
    clock::SharedClock,
    service::BoxMailService,
    stage::{output_handler::Chains, rest_handler::Attempts},
};
use koukan_rest::{
    health::{self, Readiness},
    server::serve,
};
use koukan_smtp::{
    Server,
    codec::BareLineEnds,
    server::{Limits, Shared, Timeouts},
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

use crate::config::{self, Config, SmtpListener};

use super::{
    StartError,
    chains::Built,
    rest::{self, Handler},
};

/// Sockets that are bound, each with what is to serve it.
pub(crate) struct Listeners {
    smtp: Vec<(TcpListener, Server<Shared<BoxMailService>>)>,
    rest: Vec<(TcpListener, axum::Router)>,
    attempts: Attempts,
    /// What health checks are told.
    pub(crate) readiness: Readiness,
}

impl Listeners {
    pub(super) async fn bind(
        config: &Config,
        chains: &Built,
        handler: &Handler,
        clock: &SharedClock,
    ) -> Result<Self, StartError> {
        let mut listeners = Self {
            smtp: Vec::new(),
            rest: Vec::new(),
            attempts: handler.attempts().clone(),
            readiness: Readiness::default(),
        };
        for listener in &config.smtp_listener {
            let server = smtp_server(listener, config, chains)?;
            let socket = bind(listener.address.value).await?;
            listeners.smtp.push((socket, server));
        }
        for listener in &config.rest_listener {
            let socket = bind(listener.address.value).await?;
            let mut routes = health::router(listeners.readiness.clone());
            if listener.api {
                let address = listener.address.value;
                let bound = socket
                    .local_addr()
                    .map_err(|error| StartError::Listen(address, error))?;
                let server = rest::server(listener, config, handler.clone(), clock, bound)?;
                routes = routes.merge(server.router());
            }
            listeners.rest.push((socket, routes));
        }
        Ok(listeners)
    }

    /// The addresses that SMTP clients connect to, in the order of the configuration.
    pub(crate) fn smtp_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let sockets = self.smtp.iter().map(|(socket, _)| socket);
        sockets.map(TcpListener::local_addr).collect()
    }

    /// All addresses that are listened on.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let smtp = self.smtp.iter().map(|(socket, _)| socket);
        let rest = self.rest.iter().map(|(socket, _)| socket);
        // A socket that is bound has an address.
        smtp.chain(rest)
            .filter_map(|socket| socket.local_addr().ok())
    }

    /// Serves until `stop`, then lets what is under way end.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        for (socket, server) in self.smtp {
            tasks.spawn(server.run(socket, stop.clone().cancelled_owned()));
        }
        let mut http = JoinSet::new();
        let closing = CancellationToken::new();
        for (socket, routes) in self.rest {
            let closing = closing.clone().cancelled_owned();
            http.spawn(async move { serve(socket, routes, closing).await });
        }
        self.readiness.set(true);
        stop.cancelled().await;
        self.readiness.set(false);
        self.attempts.stop();
        while tasks.join_next().await.is_some() {}
        // Health checks, and those who ask what becomes of a transaction, are answered to the end.
        self.attempts.ended().await;
        closing.cancel();
        while http.join_next().await.is_some() {}
    }

    /// The addresses that HTTP clients connect to, in the order of the configuration.
    pub(crate) fn rest_addresses(&self) -> io::Result<Vec<SocketAddr>> {
        let sockets = self.rest.iter().map(|(socket, _)| socket);
        sockets.map(TcpListener::local_addr).collect()
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| StartError::Listen(address, error))
}

fn smtp_server(
    listener: &SmtpListener,
    config: &Config,
    chains: &Built,
) -> Result<Server<Shared<BoxMailService>>, StartError> {
    let sender = listener.principal().to_sender();
    let unknown = || StartError::Config(format!("no chain for {sender}"));
    let chain = chains.by_sender.find(&sender).ok_or_else(unknown)?;
    let service = ServiceBuilder::new()
        // Outermost, so that it sees every reply as the client does.
        .trace_transactions()
        .service(chain.service);
    let bare_line_ends = match listener.bare_line_ends(config) {
        config::BareLineEnds::Reject => BareLineEnds::Reject,
        config::BareLineEnds::Normalise => BareLineEnds::Normalise,
    };
    Ok(Server::new(BoxMailService::new(service))
        .with_name(config.hostname.value.as_str())
        .with_sender(sender)
        .with_limits(limits(listener))
        .with_timeouts(timeouts(listener))
        .with_bare_line_ends(bare_line_ends))
}

fn limits(listener: &SmtpListener) -> Limits {
    let defaults = Limits::default();
    let refused_recipients = listener
        .max_refused_recipients
        .map_or(defaults.refused_recipients, NonZeroU32::get);
    Limits {
        message_size: listener
            .max_message_size
            .map_or(defaults.message_size, |size| size.0),
        recipients: listener
            .max_recipients
            .map_or(defaults.recipients, NonZeroUsize::get),
        connections: listener
            .max_connections
            .map_or(defaults.connections, NonZeroUsize::get),
        connections_per_client: listener
            .max_connections_per_client
            .map_or(defaults.connections_per_client, NonZeroUsize::get),
        refused_recipients,
        prompt_refusals: refused_recipients / 10,
        ..defaults
    }
}

fn timeouts(listener: &SmtpListener) -> Timeouts {
    let defaults = Timeouts::default();
    Timeouts {
        command: listener
            .command_timeout
            .map_or(defaults.command, |timeout| timeout.0),
        // So that clients hear of it before the agent's own patience is over.
        drain: Duration::from_secs(20),
        ..defaults
    }
}
