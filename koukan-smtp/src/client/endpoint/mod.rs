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

/// Passes every transaction on to an SMTP server, command by command, and passes the server's
/// replies back unchanged.
///
/// The server is that of the settings, or else that of the signal
/// [`Destination`](koukan_core::signals::Destination), which a routing filter sets. If the filter
/// needs a recipient for this and there is none yet, MAIL is answered with 250 at once. If the
/// server refuses MAIL later, each recipient gets that reply, and it is the final one.
///
/// Hosts, and the addresses of each, are tried in order until one of them has answered MAIL. If a
/// host refuses its service, disconnects or is silent before that, this says nothing about the
/// message. After the reply to MAIL no other host is tried. Connections are kept for later
/// transactions; clones share them.
///
/// If a host refuses another connection while it serves others of ours, it has no room but is not
/// in trouble. The transaction goes to the next host. If there is none, it waits for one of those
/// connections, for up to [`PoolSettings::max_wait`](super::PoolSettings::max_wait). For some
/// minutes no more connections are opened than the host had room for.
///
/// If a host twice in a row could not be reached, did not greet or did not answer in time, it is
/// down. It is not tried for a second, and for twice as long each time that it fails again, up to a
/// minute. A transaction that asks for it during that time goes to the next host, or is told so at
/// once. Then one transaction tries it for all others.
///
/// Connections to hosts that the operator has not named
/// ([`NamedBy`](koukan_core::signals::NamedBy)) are made only if the [`Guard`](super::Guard) of the
/// settings allows them.
///
/// If a domain is named instead of hosts ([`NamedBy::Domain`](koukan_core::signals::NamedBy)), its
/// MX records name the hosts (RFC 5321 section 5.1). They are tried in the order of their
/// preferences; those with the same preference in any order. Hosts are known by their names:
/// domains with the same host share its connections and what is known of it.
///
/// If a host states its limits (RFC 9422), it gets no more recipients in a transaction, and no more
/// transactions on a connection, than it states.
///
/// The endpoint uses what the server offers: PIPELINING (commands that are available together are
/// written together, with the message if it is small and the server offers CHUNKING), CHUNKING,
/// SIZE, 8BITMIME, SMTPUTF8, DSN. What a message needs is decided by its octets and addresses. If a
/// message has SMTPUTF8 and the server does not offer it, the message is sent while its header is
/// ASCII, and abandoned with 553 5.6.7 at the first other octet there. If it has BODY=8BITMIME and
/// the server does not offer that, it is sent while it is ASCII, else abandoned with 554 5.6.3.
/// Nothing is converted, unless [`ClientSettings::with_downgrade`] says so: then a message that
/// needs 8BITMIME or BINARYMIME is encoded for a server without it, and gets those replies if it
/// cannot be encoded.
///
/// Replies come from the server, word for word, except that 421 becomes 450, since it is about the
/// connection to the server. The endpoint's own replies, which are below, name the host and the
/// phase. A server's replies have the [`RemoteMta`](koukan_core::reply::RemoteMta) that gave them,
/// and our own have the one that they are [`Concerning`](koukan_core::reply::Concerning).
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
/// | no TLS where it is required; greeted in clear where TLS is to begin at once ([`TlsPolicy`](super::TlsPolicy)) | 451 4.7.4 |
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
/// A message with this parameter (RFC 8689) is sent only over TLS with a trusted certificate, to a
/// host that offers REQUIRETLS. For the mail hosts of a domain, either DANE or a policy must
/// require the certificate, or DNSSEC must prove which hosts they are; for other hosts it is enough
/// that they are named. All other hosts are passed over with 550 5.7.10 or 5.7.30, or with 451
/// 4.7.5 if the connection is lost during the handshake. A message with the signal
/// [`TlsRequired`](koukan_core::signals::TlsRequired) needs neither. With LMTP, where the transport
/// ends, the parameter is only passed on if it is offered.
///
/// # LMTP
///
/// Hosts may speak LMTP ([`ClientSettings::with_protocol`]). Then each recipient has its own final
/// reply ([`Reply::for_recipient`]), and a positive one says that the message is in the recipient's
/// mailbox ([`Handover::Delivered`](koukan_core::reply::Handover)). The message, or with BDAT its
/// last block, is sent when all replies to the envelope are there, so the number of replies to come
/// is known. If the connection is lost or the server takes too long, recipients without a reply get
/// the one for that failure from the table above, and are tried again; so they may get the message
/// twice. All recipients are treated like this if it is not certain whose the replies are.
///
/// # Servers that break the protocol
///
/// Once the end of the message was sent to the server, the endpoint waits for the reply to it,
/// whatever the server has said before. That reply decides, also about recipients whose own replies
/// were unclear. Otherwise the transaction ends with 451 4.5.0 and the message is not sent. For a
/// day afterwards, each command to that host waits for the reply to the one before.
///
/// # Errors
///
/// [`NoDestination`] if neither settings nor signals name a host, and
/// [`BodyError`](koukan_core::body::BodyError) if the body does not end cleanly; then the server
/// has not seen the end of the message.
///
/// # Cancel safety
///
/// If the call's future is dropped before the end of the message was sent, nothing is delivered.
/// The connection is reset and kept, or closed with QUIT, in the background within some seconds; in
/// the middle of a message it is closed at once.
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
    /// Makes an endpoint that connects by TCP and resolves names as the operating system does.
    pub fn new(settings: ClientSettings) -> Self {
        Self::with_network(settings, Arc::new(TcpConnector), Arc::new(SystemResolver))
    }

    /// Makes an endpoint with other ways to connect and to resolve names.
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

    /// What a host accepts, if that is known here or the host has limits of its own.
    pub fn room(&self, host: &HostPort) -> Option<HostRoom> {
        self.attempts.pool.room(host)
    }

    /// Says who waits for connections, for a [`Sharing`](koukan_core::stage::sharing::Sharing)
    /// around this endpoint.
    pub fn demand(&self) -> Demand {
        self.attempts.pool.demand().clone()
    }

    /// Closes the idle connections, with QUIT, and waits for those that are being left.
    /// Transactions go on; afterwards no connection is kept.
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
        // Much of the message may be read before the host is ready for it.
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
