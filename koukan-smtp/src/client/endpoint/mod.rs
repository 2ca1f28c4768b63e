//! The service that passes transactions on to SMTP servers.

mod attempt;
mod exchange;
mod met;
mod settings;
mod way;

pub use self::{attempt::NoDestination, settings::ClientSettings};

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use koukan_core::{
    network::{SharedConnector, SharedResolver, SystemResolver, TcpConnector},
    reply::Reply,
    resource::HostRoom,
    signals::{Departure, HostPort},
    stage::sharing::Demand,
    transaction::Transaction,
};
use tower::{BoxError, Service};

use self::attempt::Attempts;
use super::pool::Pool;

/// Passes every transaction on to an SMTP server, command by command, and the server's replies
/// back as they are.
///
/// The server is the one of the settings, or else the signal
/// [`Destination`](koukan_core::signals::Destination) that a routing filter has set. Where that
/// filter needs a recipient for it and there is none yet, MAIL is answered with 250 right away;
/// should the server refuse MAIL later, each recipient gets that reply, and it is the final one.
///
/// Hosts, and the addresses of each, are tried in order until one of them has answered MAIL: one that
/// refuses its service, breaks off or is silent before is the host's trouble, not the message's.
/// From the reply to MAIL on there is no other host. Connections are kept for later transactions;
/// clones share them.
///
/// A host that refuses another connection while it serves others of ours has no room, rather than
/// trouble: the transaction goes to the next host, and where there is none waits for one of those
/// connections, up to [`PoolSettings::max_wait`](super::PoolSettings::max_wait). For some minutes there
/// are no more of them than the host had room for.
///
/// A host that could not be reached, did not greet or did not answer in time twice in a row is down: it
/// is not tried for a second, for twice as long each time that it fails again, a minute at most. Who asks
/// for it meanwhile goes to the next host, or is told so at once; then one transaction tries it for all.
///
/// Hosts that the operator has not named ([`NamedBy`](koukan_core::signals::NamedBy)) are connected
/// to where the [`Guard`](super::Guard) of the settings lets them be.
///
/// Where a domain is named in place of hosts ([`NamedBy::Domain`](koukan_core::signals::NamedBy)), its MX
/// records name them (RFC 5321 section 5.1), and are tried in the order of their preferences, those of one
/// preference in any order. Hosts are known by their names: domains that share one share its connections
/// and what is known of it.
///
/// A host that tells its limits (RFC 9422) gets no more recipients in a transaction than it says, and no
/// more transactions on a connection.
///
/// What is offered is used: PIPELINING (commands that are there together are written together,
/// with the message if it is small and the server takes BDAT), CHUNKING, SIZE, 8BITMIME,
/// SMTPUTF8, DSN. What a message needs is decided by its octets and
/// addresses: with SMTPUTF8 for a server without, it is sent while its header is ASCII, and
/// abandoned with 553 5.6.7 at the first other octet there; with BODY=8BITMIME for a server
/// without, it is sent while it is ASCII, else abandoned with 554 5.6.3. Nothing is converted, unless
/// [`ClientSettings::with_downgrade`] says so: then what needs 8BITMIME or BINARYMIME is encoded for a
/// server without, and gets those replies where that cannot be.
///
/// Replies come from the server, word for word, but that 421 becomes 450: what closes is the
/// connection to the server. Replies of the endpoint's own, which are below, name the host and the
/// phase. A server's replies carry the [`RemoteMta`](koukan_core::reply::RemoteMta) that they are from,
/// and our own the one that they are [`Concerning`](koukan_core::reply::Concerning).
///
/// | failure | reply |
/// |---|---|
/// | no such domain; one that takes no mail, by a null MX | 550 5.1.2; 556 5.1.10 |
/// | the look-up failed, no address | 451 4.4.3 |
/// | no connection, or the host is down | 451 4.4.1 |
/// | an address to connect from that is none of this machine ([`ClientSettings::with_sources`]) | 451 4.3.0 |
/// | greeting, EHLO or HELO refused | 451 4.3.2 |
/// | an address that the [`Guard`](super::Guard) refuses | 550 5.7.1 |
/// | an address of our own, or a server of our own name | 554 5.4.6 |
/// | TLS fails, or no mail host is one that the domain's policy names ([`MtaSts`](super::MtaSts)) | 451 4.7.5 |
/// | no TLS that is believed for a message with REQUIRETLS, see below | 550 5.7.10 |
/// | our authentication is refused, or cannot be ([`ClientSettings::with_login`]) | 451 4.7.8 |
/// | timeout, connection lost | 451 4.4.2 |
/// | protocol broken by the server | 451 4.5.0 |
/// | too many connections in use | 451 4.3.2 |
/// | too many messages in a time, for the [`HostLimit`](super::HostLimit) of the host | 450 4.4.5 |
/// | larger than the server takes | 552 5.3.4 |
/// | SMTPUTF8, 8BITMIME, BINARYMIME, REQUIRETLS needed and not offered | 553 5.6.7, 554 5.6.3, 554 5.6.1, 550 5.7.30 |
///
/// # REQUIRETLS
///
/// A message with this parameter (RFC 8689) goes only over TLS with a certificate that is believed, to a host
/// that offers REQUIRETLS. Of a domain's mail hosts DANE or a policy demands the certificate, or DNSSEC proves
/// which they are; of others that they are named is enough. Any else is passed over with 550 5.7.10 or 5.7.30;
/// one that is lost amid the handshake, with 451 4.7.5.
/// Of a message with the signal [`TlsRequired`](koukan_core::signals::TlsRequired) neither is asked for.
/// By LMTP, with which the transport ends, only the parameter is passed on, where it is offered.
///
/// # LMTP
///
/// Hosts may speak LMTP ([`ClientSettings::with_protocol`]). Then each recipient has its own final reply
/// ([`Reply::for_recipient`]), and a positive one says that the message is in its mailbox
/// ([`Handover::Delivered`](koukan_core::reply::Handover)). The message goes, or with BDAT the last block of
/// it, when all replies to the envelope are there: so it is known how many are to come. Recipients for
/// whom none has come when the connection is lost, or the server's time is up, get the reply above for
/// that, and are tried again; it may be that they get the message twice. So do all where it is not
/// certain whose replies they are.
///
/// # Servers that break the protocol
///
/// Once the end of the message has gone to the server, the reply to it is waited for whatever was
/// said before, and decides: also about recipients whose own replies were unclear. Otherwise the
/// transaction ends with 451 4.5.0 and the message is not sent. For a day after, each command to
/// that host waits for the reply to the one before.
///
/// # Errors
///
/// [`NoDestination`] where neither settings nor signals name a host, and
/// [`BodyError`](koukan_core::body::BodyError) where the body does not end cleanly; the server
/// has not seen the end of the message then.
///
/// # Cancel safety
///
/// Unless the end of the message was sent by then, nothing is delivered when the call's future is
/// dropped. The connection is reset and kept, or closed with QUIT, in the background within some
/// seconds; amid a message it is closed at once.
///
/// # Example
///
/// ```
/// use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
///
/// let settings = ClientSettings::new("gateway.example.com")?
///     .with_hosts(["localhost:3025".parse()?]);
/// let endpoint = SmtpEndpoint::new(settings);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SmtpEndpoint {
    attempts: Arc<Attempts>,
}

impl SmtpEndpoint {
    /// An endpoint that connects by TCP and resolves names as the operating system does.
    pub fn new(settings: ClientSettings) -> Self {
        Self::with_network(settings, Arc::new(TcpConnector), Arc::new(SystemResolver))
    }

    /// An endpoint with other ways to connect and to resolve names.
    pub fn with_network(
        settings: ClientSettings,
        connector: SharedConnector,
        resolver: SharedResolver,
    ) -> Self {
        let ClientSettings {
            helo_name,
            destination,
            timeouts,
            pool,
            guard,
            random,
            login,
            identities,
            sources,
            protocol,
            downgrade,
            #[cfg(feature = "tls")]
            tls,
            #[cfg(feature = "tls")]
            has_dane,
            #[cfg(feature = "tls")]
            trust,
            #[cfg(feature = "mta-sts")]
            mta_sts,
        } = settings;
        let login = login.filter(|_| destination.is_some());
        let demand = Demand::new(destination.clone());
        let pool = Pool::new(
            connector, resolver, helo_name, timeouts, pool, random, demand,
        );
        let pool = pool
            .with_identities(login, identities)
            .with_sources(sources)
            .with_protocol(protocol);
        #[cfg(feature = "tls")]
        let pool = pool.with_tls(tls).with_dane(has_dane).with_trust(trust);
        #[cfg(feature = "mta-sts")]
        let pool = pool.with_mta_sts(mta_sts);
        Self {
            attempts: Arc::new(Attempts {
                destination,
                pool,
                guard,
                downgrade,
            }),
        }
    }

    /// What a host takes, where it is known here or has limits of its own.
    pub fn room(&self, host: &HostPort) -> Option<HostRoom> {
        self.attempts.pool.room(host)
    }

    /// Who waits for connections, for a [`Sharing`](koukan_core::stage::sharing::Sharing) around this.
    pub fn demand(&self) -> Demand {
        self.attempts.pool.demand().clone()
    }

    /// Closes the idle connections, with QUIT, and waits for those that are being left. Transactions
    /// go on; no connection is kept after them.
    pub async fn close(&self) {
        self.attempts.pool.close().await;
    }
}

impl Service<Transaction> for SmtpEndpoint {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let attempts = Arc::clone(&self.attempts);
        // Much of the message is read before the host is ready for it.
        let departure = transaction.signals.departure().cloned();
        let holding = departure.as_ref().map(Departure::hold);
        Box::pin(async move {
            let result = attempts.deliver(transaction, departure).await;
            drop(holding);
            result
        })
    }
}

impl fmt::Debug for SmtpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpEndpoint")
            .field("destination", &self.attempts.destination)
            .finish_non_exhaustive()
    }
}
