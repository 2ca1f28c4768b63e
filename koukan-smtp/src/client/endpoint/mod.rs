//! The service that passes transactions on to SMTP servers.

mod attempt;
mod exchange;
mod settings;

pub use self::{attempt::NoDestination, settings::ClientSettings};

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use koukan_core::{reply::Reply, transaction::Transaction};
use tower::{BoxError, Service};

use self::attempt::Attempts;
use super::{Connect, Resolve, SystemResolver, TcpConnect, pool::Pool};

/// Passes every transaction on to an SMTP server, command by command, and the server's replies
/// back as they are.
///
/// The server is the one of the settings, or else the signal
/// [`Destination`](koukan_core::signals::Destination) that a routing filter has set. Where that
/// filter needs a recipient for it and there is none yet, MAIL is answered with 250 right away;
/// should the server refuse MAIL later, each recipient gets that reply, and it is the final one.
///
/// Hosts are tried in order until one takes the session; from MAIL on there is no other host.
/// Replies carry the [`RemoteMta`](koukan_core::reply::RemoteMta) that they are from. Connections
/// are kept for later transactions; clones share them.
///
/// What is offered is used: PIPELINING (commands that are there together are written together,
/// with the message if it is small and the server takes BDAT), CHUNKING, SIZE, 8BITMIME,
/// SMTPUTF8, DSN. A message with BODY=8BITMIME for a server without 8BITMIME is sent as it is
/// while it holds ASCII only, and abandoned with 554 5.6.3 at the first other octet; there is no
/// conversion.
///
/// | failure | reply |
/// |---|---|
/// | no address | 451 4.4.3 |
/// | no connection | 451 4.4.1 |
/// | timeout, connection lost | 451 4.4.2 |
/// | protocol broken by the server | 451 4.5.0 |
/// | too many connections in use | 451 4.3.2 |
/// | larger than the server takes | 552 5.3.4 |
/// | SMTPUTF8, 8BITMIME, BINARYMIME, REQUIRETLS needed and not offered | 553 5.6.7, 554 5.6.3, 554 5.6.3, 550 5.7.30 |
///
/// # Errors
///
/// [`NoDestination`] where neither settings nor signals name a host, and
/// [`BodyError`](koukan_core::body::BodyError) where the body does not end cleanly; the server
/// has not seen the end of the message then.
///
/// # Cancel safety
///
/// Dropping the call's future closes the connection; unless the end of the message was sent by
/// then, nothing is delivered.
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
pub struct SmtpEndpoint<C: Connect = TcpConnect, R = SystemResolver> {
    attempts: Arc<Attempts<C, R>>,
}

impl SmtpEndpoint {
    /// An endpoint that connects by TCP and resolves names as the operating system does.
    pub fn new(settings: ClientSettings) -> Self {
        Self::with_transport(settings, TcpConnect, SystemResolver)
    }
}

impl<C: Connect, R: Resolve> SmtpEndpoint<C, R> {
    /// An endpoint with other ways to connect and to resolve names.
    pub fn with_transport(settings: ClientSettings, connect: C, resolve: R) -> Self {
        let ClientSettings {
            helo_name,
            destination,
            timeouts,
            pool,
        } = settings;
        let pool = Pool::new(connect, resolve, helo_name, timeouts, pool);
        Self {
            attempts: Arc::new(Attempts { destination, pool }),
        }
    }

    /// Closes the idle connections, with QUIT. Transactions go on; no connection is kept after
    /// them.
    pub async fn close(&self) {
        self.attempts.pool.close().await;
    }
}

impl<C: Connect, R: Resolve> Service<Transaction> for SmtpEndpoint<C, R> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let attempts = Arc::clone(&self.attempts);
        Box::pin(async move { attempts.deliver(transaction).await })
    }
}

impl<C: Connect, R> Clone for SmtpEndpoint<C, R> {
    fn clone(&self) -> Self {
        Self {
            attempts: Arc::clone(&self.attempts),
        }
    }
}

impl<C: Connect, R> fmt::Debug for SmtpEndpoint<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpEndpoint")
            .field("destination", &self.attempts.destination)
            .finish_non_exhaustive()
    }
}
