//! The SMTP server: accepts connections and drives a [`MailService`] with what clients send.
//!
//! - Commands are pipelined through to the service: recipients go upstream as they come, and the
//!   replies go back in order with as few writes as possible.
//! - A message is streamed upstream while it is received; one that is refused, too big or badly
//!   framed is taken off the wire to its end and answered then. A client that is gone before the
//!   end of its message has sent none.
//! - Only CRLF ends a line, and only CRLF `.` CRLF a message. What a message with other line ends
//!   in it becomes, [`BareLineEnds`] says.
//! - What may not be meant as commands is not carried out: the chunk of a malformed BDAT is skipped,
//!   and where its end cannot be told, or where a client speaks another protocol, the connection is
//!   closed.
//! - A client that speaks before the greeting is not turned away for it: what it sent is served
//!   after the greeting. Where clients have to wait for it ([`ServerTimeouts::greeting_delay`]) it is.
//! - Which service gets a mail transaction, and on whose behalf it runs, is decided at MAIL, by what is
//!   known of the client then: [`MakeMailService`]. Before that a [`Greeter`] may refuse it, let it wait,
//!   and say what it is offered.
//! - Where a proxy stands before the server ([`Config::proxies`]), the client is who its PROXY header
//!   names; limits count that address.
//! - A service that answers 421 has the connection closed, as RFC 5321 section 3.8 says.
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

/// An SMTP server: a configuration, and what gives each mail transaction its service.
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
    /// Those of clients, on whichever connections.
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
    /// Makes a server that chooses a service for each mail transaction: by a closure of
    /// `&`[`Context`](koukan_core::context::Context), or any other [`MakeMailService`].
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

    /// Replaces the configuration as a whole.
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = Arc::new(config);
        self
    }

    /// Sets the domain name by which the server introduces itself.
    pub fn with_name(self, name: impl Into<Box<str>>) -> Self {
        self.configure(|config| config.name = name.into())
    }

    /// Sets what its clients speak. With [`Protocol::Lmtp`] they say LHLO in place of EHLO, and the end of
    /// a message has a reply for each recipient that was accepted: the service's own for it
    /// ([`Reply::for_recipient`](koukan_core::reply::Reply::for_recipient)).
    ///
    /// *Source*: RFC 2033.
    pub fn with_protocol(self, protocol: Protocol) -> Self {
        self.configure(|config| config.protocol = protocol)
    }

    /// Has this service asked about clients before MAIL. Without one all are welcome, and offered all
    /// that the server can do.
    pub fn with_greeter(mut self, greeter: impl Greeter) -> Self {
        self.greeter = Some(BoxGreeter::new(greeter));
        self
    }

    /// Lets clients authenticate themselves, over TLS: this says whether they are who they say to be.
    ///
    /// *Source*: RFC 4954.
    pub fn with_authenticator(mut self, authenticator: impl Authenticator) -> Self {
        self.gate = Some(Arc::new(Gate::new(authenticator)));
        self
    }

    /// Takes mail from clients only that have said who they are: others hear 530 5.7.0 at MAIL.
    pub fn with_auth_required(self) -> Self {
        self.configure(|config| config.is_auth_required = true)
    }

    /// Lets clients authenticate themselves without TLS, too: passwords cross the network in clear.
    pub fn with_auth_in_clear(self) -> Self {
        self.configure(|config| config.is_auth_clear = true)
    }

    /// Sets on whose behalf the transactions run, where a [`MakeMailService`] says nothing else.
    pub fn with_sender(self, sender: Sender) -> Self {
        self.configure(|config| config.sender = sender)
    }

    /// Sets what a client may ask for.
    pub fn with_limits(self, limits: Limits) -> Self {
        self.configure(|config| config.limits = limits)
    }

    /// Sets how long a client is waited for.
    pub fn with_timeouts(self, timeouts: ServerTimeouts) -> Self {
        self.configure(|config| config.timeouts = timeouts)
    }

    /// Sets what to do with messages that hold bare line ends.
    pub fn with_bare_line_ends(self, policy: BareLineEnds) -> Self {
        self.configure(|config| config.bare_line_ends = policy)
    }

    /// Takes connections from these networks for a proxy's, which begin with a PROXY header, version 1
    /// or 2: the client is who that names. Applies to [`Server::run`] and [`Server::listen`].
    pub fn with_proxies(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.configure(|config| config.proxies = networks.into_iter().collect())
    }

    /// Believes clients from these networks who say by XCLIENT on whose behalf they are here: as Postfix
    /// does, the session begins anew with the client that was named.
    pub fn with_xclients(self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.configure(|config| config.xclients = networks.into_iter().collect())
    }

    /// Offers TLS: sessions have it from when the client says STARTTLS. Applies to [`Server::run`] and
    /// [`Server::listen`].
    ///
    /// *Source*: RFC 3207.
    #[cfg(feature = "tls")]
    pub fn with_starttls(mut self, tls: koukan_core::tls::ServerTls) -> Self {
        self.security = security::Security::Offered(tls);
        self
    }

    /// Has every session begin with TLS, as on port 465. Applies to [`Server::run`] and
    /// [`Server::listen`].
    ///
    /// *Source*: RFC 8314 section 3.3.
    #[cfg(feature = "tls")]
    pub fn with_immediate_tls(mut self, tls: koukan_core::tls::ServerTls) -> Self {
        self.security = security::Security::Immediate(tls);
        self
    }

    /// Takes mail from clients only that have TLS: others hear 530 5.7.0 at MAIL.
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

    /// Offers clients that are known, or may authenticate themselves, to hold messages for so long at most
    /// (FUTURERELEASE, RFC 4865), by that clock. Transactions come with HOLDUNTIL then: the service has to
    /// see to it.
    pub fn with_future_release(self, max: Duration, clock: SharedClock) -> Self {
        self.configure(|config| config.holding = Some(Holding::new(max, clock)))
    }

    /// Listens on `address` and serves whoever connects, until it is dropped.
    ///
    /// # Errors
    ///
    /// When it cannot listen there.
    pub async fn listen(self, address: impl ToSocketAddrs) -> io::Result<()> {
        let listener = TcpListener::bind(address).await?;
        self.run(listener, pending()).await;
        Ok(())
    }

    /// Serves whoever connects until `shutdown` is ready, then stops gracefully.
    ///
    /// To stop gracefully is to accept no more connections, to end sessions between transactions
    /// with 421, to let transactions that are under way end, and to abort with 421 those whose
    /// client is silent for [`ServerTimeouts::stopping`], and what is left after [`ServerTimeouts::drain`].
    ///
    /// # Cancel safety
    ///
    /// When it is dropped, nothing more is accepted; sessions under way go on to their end.
    pub async fn run(self, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) {
        accept::run(self, listener.into(), shutdown).await;
    }

    /// Serves one client on a transport that is connected already, until the session ends.
    ///
    /// The limits on the number of connections do not apply.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, a transaction that is under way is aborted.
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

    /// As [`Server::serve`], on a transport that may be upgraded in the middle of the session: then
    /// the server offers STARTTLS.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, a transaction that is under way is aborted.
    pub fn serve_upgradable<IO>(
        &self,
        io: IO,
        connected: &Connected,
    ) -> impl Future<Output = ()> + Send + use<IO, M>
    where
        IO: Upgrade + Send,
    {
        // Not an `async fn`: whoever spawns the future would have to prove anew that it is `Send`.
        let open = self.connection(connected).open(&self.observers);
        Session::new(self, io, BytesMut::new(), connected, Stop::default()).run(open)
    }

    /// A connection, as observers are told of it.
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
