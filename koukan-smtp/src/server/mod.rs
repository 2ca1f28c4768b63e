//! The SMTP server: accepts connections and drives a [`MailService`] with what clients send.
//!
//! - Commands are pipelined through to the service: recipients go upstream as they arrive, and the replies go back in
//!   order with as few writes as possible.
//! - A message is streamed upstream while it is received. One that is refused, too big or badly framed is still read
//!   to its end, and then answered. If the client disconnects before the end of a message, the message does not count
//!   as sent.
//! - Only CRLF ends a line, and only CRLF `.` CRLF ends a message. [`BareLineEnds`] says what happens to a message
//!   with other line ends.
//! - Octets that may not be meant as commands are not carried out. The chunk of a malformed BDAT is skipped. If the
//!   end of the chunk is unclear, or a client speaks another protocol, the connection is closed.
//! - A client may speak before the greeting: what it sent is served after the greeting. Only if clients must wait
//!   ([`ServerTimeouts::greeting_delay`]) is it turned away.
//! - At MAIL, a [`MakeMailService`] chooses the service of the mail transaction and on whose behalf it runs, by what
//!   is then known of the client. Before that, a [`Greeter`] may refuse the client, make it wait, and change what it
//!   is offered.
//! - Behind a proxy ([`Config::proxies`]), the client is the one that the PROXY header names; limits count that address.
//! - When a service answers 421, the server closes the connection (RFC 5321 section 3.8).
//!
//! [`Limits`] and [`ServerTimeouts`] bound what a client can make the server hold or do.

mod accept;
mod admission;
mod auth;
mod config;
mod connected;
mod counts;
mod errors;
mod greeter;
mod holding;
mod limits;
mod make;
mod proxy;
#[cfg(feature = "tls")]
mod rewound;
#[cfg(feature = "tls")]
mod secured;
#[cfg(feature = "tls")]
mod security;
mod session;
mod timeouts;
mod upgrade;

#[cfg(feature = "scram")]
pub use self::auth::PasswordFile;
pub use self::{
    auth::{Authenticator, Unavailable},
    config::Config,
    connected::Connected,
    greeter::{
        Authentication, Greeter, Greeting, Introduction, InvalidKeyword, Keyword, Offer, Step,
    },
    limits::Limits,
    make::{MakeMailService, Shared},
    timeouts::ServerTimeouts,
    upgrade::{Upgrade, Upgraded},
};

#[cfg(feature = "tls")]
pub use self::secured::Secured;

use std::{fmt, future::pending, io, sync::Arc, time::Duration};

use bytes::BytesMut;
use koukan_core::{
    clock::SharedClock,
    context::Sender,
    event::{self, Connection, Observers},
    network::{Listener, Network},
    service::MailService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, ToSocketAddrs},
};

use self::{
    auth::Gate,
    errors::Errors,
    greeter::BoxGreeter,
    holding::Holding,
    session::{Session, Stop},
    upgrade::Unchanging,
};
use crate::{Protocol, codec::BareLineEnds};

/// An SMTP server: a configuration, and what chooses the service of each mail transaction.
///
/// # Example
///
/// ```no_run
/// use koukan_core::{reply::Reply, transaction::Transaction};
/// use koukan_smtp::Server;
/// use tower::{BoxError, service_fn};
///
/// #[tokio::main]
/// async fn main() -> std::io::Result<()> {
///     let print = service_fn(|mut tx: Transaction| async move {
///         tx.mail.answer(Reply::sender_ok());
///         while let Some(rcpt) = tx.recipients.next().await? {
///             rcpt.answer(Reply::recipient_ok());
///         }
///         while let Some(octets) = tx.body.next().await? {
///             print!("{}", String::from_utf8_lossy(&octets));
///         }
///         Ok::<_, BoxError>(Reply::message_accepted())
///     });
///     Server::new(print).with_name("mx.example.com").listen("127.0.0.1:1025").await
/// }
/// ```
#[must_use = "a server does nothing until it listens"]
pub struct Server<M> {
    make: Arc<M>,
    greeter: Option<BoxGreeter>,
    gate: Option<Arc<Gate>>,
    /// The errors of all clients, across connections.
    errors: Arc<Errors>,
    config: Arc<Config>,
    observers: Observers,
    #[cfg(feature = "tls")]
    security: security::Security,
}

impl<S: MailService> Server<Shared<S>> {
    /// Makes a server that gives every mail transaction the same service.
    pub fn new(service: S) -> Self {
        Self::with_make(Shared(service))
    }
}

impl<M: MakeMailService> Server<M> {
    /// Makes a server that chooses a service for each mail transaction, by a closure that takes
    /// `&`[`Context`](koukan_core::context::Context), or by any other [`MakeMailService`].
    pub fn with_make(make: M) -> Self {
        Self {
            make: Arc::new(make),
            greeter: None,
            gate: None,
            errors: Arc::default(),
            config: Arc::default(),
            observers: Observers::default(),
            #[cfg(feature = "tls")]
            security: security::Security::default(),
        }
    }

    /// Replaces the whole configuration.
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = Arc::new(config);
        self
    }

    /// Sets the domain name by which the server introduces itself.
    pub fn with_name(self, name: impl Into<Box<str>>) -> Self {
        self.configure(|config| config.name = name.into())
    }

    /// Sets the protocol that clients speak. With [`Protocol::Lmtp`] they say LHLO in place of EHLO, and the end of a
    /// message has one reply for each accepted recipient: the reply that the service gives for that recipient
    /// ([`Reply::for_recipient`](koukan_core::reply::Reply::for_recipient)).
    ///
    /// *Source*: RFC 2033.
    pub fn with_protocol(self, protocol: Protocol) -> Self {
        self.configure(|config| config.protocol = protocol)
    }

    /// Asks this service about clients before MAIL. Without one, all clients are welcome, and are offered all that
    /// the server can do.
    pub fn with_greeter(mut self, greeter: impl Greeter) -> Self {
        self.greeter = Some(BoxGreeter::new(greeter));
        self
    }

    /// Lets clients authenticate over TLS. The authenticator says whether they are who they claim to be.
    ///
    /// *Source*: RFC 4954.
    pub fn with_authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.gate = Some(Arc::new(Gate::new(authenticator)));
        self
    }

    /// Takes mail only from clients that have authenticated; others get 530 5.7.0 at MAIL.
    pub fn with_auth_required(self) -> Self {
        self.configure(|config| config.is_auth_required = true)
    }

    /// Lets clients authenticate without TLS too: passwords then cross the network in clear.
    pub fn with_auth_in_clear(self) -> Self {
        self.configure(|config| config.is_auth_clear = true)
    }

    /// Sets on whose behalf transactions run, unless a [`MakeMailService`] chooses another sender.
    pub fn with_sender(self, sender: Sender) -> Self {
        self.configure(|config| config.sender = sender)
    }

    /// Sets the limits on a client.
    pub fn with_limits(self, limits: Limits) -> Self {
        self.configure(|config| config.limits = limits)
    }

    /// Sets how long the server waits for a client.
    pub fn with_timeouts(self, timeouts: ServerTimeouts) -> Self {
        self.configure(|config| config.timeouts = timeouts)
    }

    /// Sets what to do with messages that hold bare line ends.
    pub fn with_bare_line_ends(self, policy: BareLineEnds) -> Self {
        self.configure(|config| config.bare_line_ends = policy)
    }

    /// Treats connections from these networks as a proxy's. They begin with a PROXY header, version 1 or 2, and the
    /// client is the one that the header names. Applies to [`Server::run`] and [`Server::listen`].
    pub fn with_proxies(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.configure(|config| config.proxies = networks.into_iter().collect())
    }

    /// Lets clients from these networks name by XCLIENT the client that they speak for. As with Postfix, the session
    /// then begins anew with the client that was named.
    pub fn with_xclients(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.configure(|config| config.xclients = networks.into_iter().collect())
    }

    /// Offers STARTTLS. Applies to [`Server::run`] and [`Server::listen`].
    ///
    /// *Source*: RFC 3207.
    #[cfg(feature = "tls")]
    pub fn with_starttls(mut self, tls: koukan_core::tls::ServerTls) -> Self {
        self.security = security::Security::Offered(tls);
        self
    }

    /// Makes every session begin with TLS, as on port 465. Applies to [`Server::run`] and [`Server::listen`].
    ///
    /// *Source*: RFC 8314 section 3.3.
    #[cfg(feature = "tls")]
    pub fn with_immediate_tls(mut self, tls: koukan_core::tls::ServerTls) -> Self {
        self.security = security::Security::Immediate(tls);
        self
    }

    /// Takes mail only from clients that use TLS; others get 530 5.7.0 at MAIL.
    pub fn with_tls_required(self) -> Self {
        self.configure(|config| config.is_tls_required = true)
    }

    /// Tells these observers of connections.
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Offers FUTURERELEASE (RFC 4865) to clients that have authenticated or may do so: messages are held for `max`
    /// at most, by that clock. The transactions then carry HOLDUNTIL; the service has to hold the message until then.
    pub fn with_future_release(self, max: Duration, clock: SharedClock) -> Self {
        self.configure(|config| config.holding = Some(Holding::new(max, clock)))
    }

    /// Listens on `address` and serves every client, until the future is dropped.
    ///
    /// # Errors
    ///
    /// If the server cannot listen there.
    pub async fn listen(self, address: impl ToSocketAddrs) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        self.run(listener, pending()).await;
        Ok(())
    }

    /// Serves every client until `shutdown` is ready, then stops gracefully.
    ///
    /// To stop gracefully means: accept no more connections, except those that the system has made already, which get 421
    /// in place of the greeting ([`Listener::close`]); end sessions that are between transactions with 421; let running
    /// transactions end. A transaction is aborted with 421 if its client is silent for
    /// [`ServerTimeouts::stopping`], or if it is still running after [`ServerTimeouts::drain`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, no more connections are accepted; running sessions go on to their end.
    pub async fn run(self, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) {
        accept::run(self, listener.into(), shutdown).await;
    }

    /// Serves one client on a transport that is already connected, until the session ends.
    ///
    /// The limits on the number of connections do not apply.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, a running transaction is aborted.
    pub fn serve<IO>(
        &self,
        io: IO,
        connected: &Connected,
    ) -> impl Future<Output = ()> + Send + use<IO, M>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send,
    {
        self.serve_upgradable(Unchanging(io), connected)
    }

    /// Like [`Server::serve`], on a transport that may be upgraded in the middle of the session. The server then
    /// offers STARTTLS.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, a running transaction is aborted.
    pub fn serve_upgradable<IO>(
        &self,
        io: IO,
        connected: &Connected,
    ) -> impl Future<Output = ()> + Send + use<IO, M>
    where
        IO: Upgrade + Send,
    {
        // Not an `async fn`, so that whoever spawns the future need not prove again that it is `Send`.
        let open = self.connection(connected).open(&self.observers);
        Session::new(self, io, BytesMut::new(), connected, Stop::default()).run(open)
    }

    /// The connection as observers are told of it.
    fn connection(&self, connected: &Connected) -> Connection<'_> {
        Connection::new(event::Protocol::Smtp)
            .of_sender(&self.config.sender)
            .from(connected.remote_host)
            .to(connected.local_host)
    }
}

impl<M> Clone for Server<M> {
    fn clone(&self) -> Self {
        Self {
            make: Arc::clone(&self.make),
            greeter: self.greeter.clone(),
            gate: self.gate.clone(),
            errors: Arc::clone(&self.errors),
            config: Arc::clone(&self.config),
            observers: self.observers.clone(),
            #[cfg(feature = "tls")]
            security: self.security.clone(),
        }
    }
}

impl<M> fmt::Debug for Server<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
