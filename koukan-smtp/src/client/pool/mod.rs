//! Connections that are kept from one transaction to the next.
//!
//! A connection belongs to the host and port it was opened to. A permit of its host's semaphore
//! goes with every connection in use, none with an idle one; since a new connection is opened
//! only where no idle one is left, there are never more than the permits allow, but for those
//! that are just saying QUIT.

mod idle;
mod lease;
mod reaper;
mod settings;

pub use self::settings::PoolSettings;

pub(crate) use self::lease::Lease;

use std::{net::SocketAddr, sync::Arc};

use koukan_core::{reply::RemoteMta, signals::HostPort};
use tokio::time::timeout;

use self::idle::Idle;
use super::{ClientError, Connect, Phase, Resolve, Timeouts, connection::Connection};

/// Hands out connections to hosts, kept ones or new ones.
pub(crate) struct Pool<C: Connect, R> {
    connect: C,
    resolve: R,
    helo_name: Arc<str>,
    timeouts: Arc<Timeouts>,
    idle: Arc<Idle<C::Io>>,
}

/// Whether a kept connection will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Any,
    New,
}

impl<C: Connect, R: Resolve> Pool<C, R> {
    pub(crate) fn new(
        connect: C,
        resolve: R,
        helo_name: Arc<str>,
        timeouts: Timeouts,
        settings: PoolSettings,
    ) -> Self {
        Self {
            connect,
            resolve,
            helo_name,
            timeouts: Arc::new(timeouts),
            idle: Arc::new(Idle::new(settings)),
        }
    }

    /// A connection to `host`, for the caller alone.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where none can be had, or not in time.
    pub(crate) async fn checkout(
        &self,
        host: &HostPort,
        freshness: Freshness,
    ) -> Result<Lease<C::Io>, ClientError> {
        let mut lease = Idle::permit(&self.idle, host).await?;
        if freshness == Freshness::New {
            lease.discard_idle();
        } else if lease.reuse() {
            return Ok(lease);
        }
        lease.put(self.open(host).await?);
        Ok(lease)
    }

    /// Closes all idle connections with QUIT; from now on none is kept.
    pub(crate) async fn close(&self) {
        self.idle.close().await;
    }

    /// Opens a connection to the first of the host's addresses that works.
    async fn open(&self, host: &HostPort) -> Result<Connection<C::Io>, ClientError> {
        let name: Arc<str> = host.host.as_ref().into();
        let mut failure = ClientError::NoAddress(host.host.clone());
        for address in self.addresses(host).await? {
            let remote = RemoteMta {
                host: Arc::clone(&name),
                address,
            };
            let timeouts = Arc::clone(&self.timeouts);
            match Connection::open(&self.connect, remote, &self.helo_name, timeouts).await {
                Ok(connection) => return Ok(connection),
                Err(error) if error.leaves_hope() => {
                    tracing::debug!(%host, %address, %error, "no session");
                    failure = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure)
    }

    async fn addresses(&self, host: &HostPort) -> Result<Vec<SocketAddr>, ClientError> {
        if let Ok(address) = host.host.parse() {
            return Ok(vec![SocketAddr::new(address, host.port)]);
        }
        let resolved = self.resolve.resolve(&host.host, host.port);
        timeout(self.timeouts.resolve, resolved)
            .await
            .map_err(|_| ClientError::Timeout(Phase::Resolve))?
            .map_err(|source| ClientError::ResolveFailed {
                host: host.host.clone(),
                source,
            })
    }
}
