//! The listeners, to which clients connect.

use std::{net::SocketAddr, sync::Arc};

use koukan_core::{
    context::Sender,
    network::UnixAccess,
    stage::{
        event_reader::EventReader, operator::Operator, output_handler::Chains,
        rest_handler::Dialect,
    },
    storage::Storage,
    tls::ServerTls,
};
use koukan_rest::{
    health::Readiness,
    server::{ConnectionSettings, Replicas, serve_with},
};
use koukan_smtp::{
    Protocol, Server,
    server::{Authenticator, Limits},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, ListenerAuth, SmtpListener, TlsMode},
    descriptors::Plan,
    registry::Surroundings,
    supervisor::{Part, Supervisor, works},
};

use super::{
    StartError,
    bound::{Listener, bind, bound},
    chains::Built,
    clients, endpoint,
    explain::Explanations,
    farewell::Farewell,
    files::Files,
    given::Sockets,
    rest::{self, Handler},
    stacks,
    users::{self, ByIdentity, PasswordFiles},
};

type SmtpServer = Server<ByIdentity>;

/// Bound sockets, each with its server.
pub(crate) struct Listeners {
    smtp: Vec<Listener<SmtpServer>>,
    rest: Vec<Listener<(axum::Router, ConnectionSettings)>>,
    farewell: Farewell,
    /// The state that health checks report.
    pub(crate) readiness: Readiness,
}

/// What is needed to serve clients.
pub(super) struct Serving<'a> {
    pub(super) surroundings: &'a Surroundings,
    pub(super) chains: &'a Built,
    /// The authenticator, if it replaces the one in the configuration.
    pub(super) authenticator: Option<Arc<dyn Authenticator>>,
    pub(super) handler: &'a Handler,
    pub(super) queue: &'a Operator,
    pub(super) events: &'a EventReader,
    pub(super) explanations: &'a Explanations,
    pub(super) metrics: &'a axum::Router,
    /// The URL at which other replicas find this one.
    pub(super) session_url: Option<&'a str>,
    pub(super) replicas: Option<&'a Replicas>,
    pub(super) storage: &'a Storage,
    /// Whether what is created outlives the process.
    pub(super) keeps: bool,
}

impl Listeners {
    /// Binds the addresses of the configuration, or takes the given sockets instead. Files that servers follow are
    /// added to `files`.
    pub(super) async fn bind(
        config: &Config,
        mut sockets: Sockets,
        descriptors: &Plan,
        files: &mut Files,
        serving: Serving<'_>,
    ) -> Result<Self, StartError> {
        let Serving {
            surroundings,
            chains,
            authenticator,
            handler,
            queue,
            events,
            explanations,
            metrics,
            session_url,
            replicas,
            storage,
            keeps,
        } = serving;
        let readiness = Readiness::default();
        let observers = surroundings.observers.clone();
        let mut smtp = Vec::new();
        for (listener, max) in config.smtp_listener.iter().zip(&descriptors.smtp) {
            let server = smtp_server(listener, *max, config, chains, surroundings)?;
            let server = match &listener.auth {
                Some(auth) => {
                    let users = authenticator.clone();
                    let passwords = &mut files.passwords;
                    let server = with_auth(server, auth, users, passwords, surroundings)?;
                    let clock = surroundings.clock.clone();
                    match auth.has_future_release() {
                        true => server.with_future_release(config.storage.max_send_at(), clock),
                        false => server,
                    }
                }
                None => server,
            };
            let server = match &listener.tls {
                Some(tls) => with_tls(server, files.certificates.add(tls)?, listener),
                None => server,
            };
            let bound = match sockets.smtp.pop_front() {
                Some(socket) => bound(&listener.address.value, socket, UnixAccess::default())?,
                None => {
                    bind(
                        &listener.address.value,
                        listener.socket.as_ref(),
                        &mut sockets,
                    )
                    .await?
                }
            };
            smtp.push(bound.with_server(server));
        }
        let mut rest = Vec::new();
        for (listener, max) in config.rest_listener.iter().zip(&descriptors.rest) {
            let bound = match sockets.rest.pop_front() {
                Some(socket) => bound(&listener.address.value, socket, UnixAccess::default())?,
                None => {
                    bind(
                        &listener.address.value,
                        listener.socket.as_ref(),
                        &mut sockets,
                    )
                    .await?
                }
            };
            let api = rest::server(
                listener,
                &config.rest,
                (handler, queue, events, explanations),
                &surroundings.clock,
                (bound.address.tcp(), session_url, replicas),
            )?;
            let routes = stacks::resource(readiness.clone(), metrics.clone(), api);
            let mut settings = listener
                .connections(*max)
                .with_observers(observers.clone())
                .with_readiness(readiness.clone());
            if let Some(tls) = &listener.tls {
                settings = settings.with_tls(files.certificates.add(tls)?);
            }
            rest.push(bound.with_server((routes, settings)));
        }
        Ok(Self {
            smtp,
            rest,
            farewell: Farewell {
                storage: storage.clone(),
                attempts: handler.attempts().clone(),
                keeps,
                is_asked_again: is_asked_again(config),
                is_known: session_url.is_some(),
            },
            readiness,
        })
    }

    /// The addresses to which SMTP clients connect, in the order of the configuration; Unix sockets are left out.
    pub(crate) fn smtp_addresses(&self) -> Vec<SocketAddr> {
        let listeners = self.smtp.iter();
        listeners
            .filter_map(|listener| listener.address.tcp())
            .collect()
    }

    /// The addresses to which HTTP clients connect, in the order of the configuration; Unix sockets are left out.
    pub(crate) fn rest_addresses(&self) -> Vec<SocketAddr> {
        let listeners = self.rest.iter();
        listeners
            .filter_map(|listener| listener.address.tcp())
            .collect()
    }

    /// All addresses that are listened on.
    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let rest = self.rest_addresses();
        self.smtp_addresses().into_iter().chain(rest)
    }

    /// Serves until `stop`, then lets running sessions and requests end.
    pub(crate) async fn serve(self, supervisor: Supervisor, stop: CancellationToken) {
        const WORKS: &[&str] = &[works::ELSEWHERE, works::QUEUED];

        let mut smtp = JoinSet::new();
        for mut listener in self.smtp {
            let part = Part::new(format!("SMTP listener {}", listener.address), WORKS);
            let stopped = stop.clone();
            let start = move || {
                let (next, stopped) = (listener.next(), stopped.clone().cancelled_owned());
                async move {
                    if let Some((socket, server)) = next.await {
                        server.run(socket, stopped).await;
                    }
                }
            };
            smtp.spawn(supervisor.clone().run(part, stop.clone(), start));
        }
        let mut http = JoinSet::new();
        let closing = CancellationToken::new();
        for mut listener in self.rest {
            let part = Part::new(format!("HTTP listener {}", listener.address), WORKS);
            let closed = closing.clone();
            let start = move || {
                let (next, closed) = (listener.next(), closed.clone().cancelled_owned());
                async move {
                    if let Some((socket, (routes, settings))) = next.await {
                        // There is no error: what fails is one connection, and is logged.
                        let _ = serve_with(socket, routes, settings, closed).await;
                    }
                }
            };
            http.spawn(supervisor.clone().run(part, closing.clone(), start));
        }
        self.readiness.set(true);
        stop.cancelled().await;
        self.readiness.leave();
        // As long as anybody can connect, everything is answered as before: what is made step by step by several
        // connections continues to its end, and what is created and kept is left to the queue.
        let sessions = async { while smtp.join_next().await.is_some() {} };
        self.farewell.say(sessions).await;
        closing.cancel();
        while http.join_next().await.is_some() {}
    }
}

/// Whether clients come again by other connections, for what is here alone.
fn is_asked_again(config: &Config) -> bool {
    let senders = config.rest_senders();
    senders
        .values()
        .any(|policy| policy.dialect == Dialect::Incremental)
}

fn smtp_server(
    listener: &SmtpListener,
    connections: usize,
    config: &Config,
    chains: &Built,
    surroundings: &Surroundings,
) -> Result<SmtpServer, StartError> {
    let observers = surroundings.observers.clone();
    let stack = |sender: Sender| {
        let unknown = || StartError::Config(format!("no chain for {sender}"));
        let chain = chains.by_sender.find(&sender).ok_or_else(unknown)?;
        let blobs = surroundings.blobs.clone();
        let stack = stacks::listener(chain.service, observers.clone(), blobs);
        Ok::<_, StartError>((sender, stack))
    };
    let sender = listener.principal().to_sender();
    let clients_stack = stack(sender.clone())?;
    let users = listener.auth.as_ref().and_then(ListenerAuth::principal);
    let make = ByIdentity {
        users: match users {
            Some(users) => stack(users.to_sender())?,
            None => clients_stack.clone(),
        },
        clients: clients_stack,
    };
    let clients = endpoint::networks(&listener.clients)?;
    let server = Server::with_make(make)
        .with_sender(sender)
        .with_observers(observers)
        .with_name(config.hostname.value.as_str())
        .with_limits(Limits::from(listener).with_connections(connections))
        .with_timeouts(listener.into())
        .with_proxies(endpoint::networks(&listener.proxy_networks)?)
        .with_xclients(endpoint::networks(&listener.xclient_networks)?)
        .with_bare_line_ends(listener.bare_line_ends(config).into());
    let server = match listener.is_lmtp() {
        true => server.with_protocol(Protocol::Lmtp),
        false => server,
    };
    Ok(match clients.is_empty() {
        true => server,
        false => server.with_greeter(clients::only(clients)),
    })
}

/// Lets users authenticate at the server.
fn with_auth(
    server: SmtpServer,
    auth: &ListenerAuth,
    own: Option<Arc<dyn Authenticator>>,
    files: &mut PasswordFiles,
    surroundings: &Surroundings,
) -> Result<SmtpServer, StartError> {
    let mut server = match (own, &auth.password_file, &auth.http) {
        (Some(own), ..) => server.with_authenticator(own),
        (None, Some(file), _) => server.with_authenticator(files.add(&file.value)?),
        (None, None, Some(http)) => server.with_authenticator(users::by_http(http, surroundings)?),
        // Clients are only identified by certificates.
        (None, None, None) => server,
    };
    if auth.required {
        server = server.with_auth_required();
    }
    if auth.is_clear() {
        server = server.with_auth_in_clear();
    }
    Ok(server)
}

/// Adds TLS to the server, from the start or with STARTTLS, as the listener says.
fn with_tls(server: SmtpServer, tls: ServerTls, listener: &SmtpListener) -> SmtpServer {
    let mode = listener.tls_mode.as_ref();
    match mode.map(|mode| mode.value).unwrap_or_default() {
        TlsMode::Offered => server.with_starttls(tls),
        TlsMode::Required => server.with_starttls(tls).with_tls_required(),
        TlsMode::Immediate => server.with_immediate_tls(tls),
    }
}
