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
mod suspects;

pub use self::settings::PoolSettings;

pub(crate) use self::lease::{Lease, Parting};

use std::{net::SocketAddr, sync::Arc};

use koukan_core::{reply::RemoteMta, signals::HostPort};
use tokio::time::timeout;

use self::idle::Idle;
use super::{
    ClientError, Connect, HostFailure, Phase, Place, Resolve, Timeouts, connection::Connection,
};

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

    /// A connection to `host`, for the caller alone, at none of the addresses that have `failed`.
    ///
    /// # Errors
    ///
    /// [`HostFailure`] where none can be had, or not in time.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, a connection that was just being opened is closed.
    pub(crate) async fn checkout(
        &self,
        host: &HostPort,
        freshness: Freshness,
        failed: &[SocketAddr],
    ) -> Result<Lease<C::Io>, HostFailure> {
        let lease = Idle::permit(&self.idle, host).await;
        let mut lease = lease.map_err(|error| at(host, error))?;
        match freshness {
            Freshness::New => lease.discard_idle(),
            Freshness::Any if lease.reuse() => return Ok(lease),
            Freshness::Any => {}
        }
        self.open(&mut lease, host, failed).await?;
        Ok(lease)
    }

    /// Remembers that the host has broken the protocol: with the next transactions, each command
    /// waits for the reply to the one before.
    pub(crate) fn suspect(&self, host: &HostPort) {
        self.idle.suspect(host);
    }

    /// Closes all idle connections with QUIT; from now on none is kept.
    pub(crate) async fn close(&self) {
        self.idle.close().await;
    }

    /// Opens a connection to the first of the host's addresses that works.
    async fn open(
        &self,
        lease: &mut Lease<C::Io>,
        host: &HostPort,
        failed: &[SocketAddr],
    ) -> Result<(), HostFailure> {
        let name: Arc<str> = host.host.as_ref().into();
        let mut failure = at(host, ClientError::NoAddress(host.host.clone()));
        let addresses = self.addresses(host).await;
        for address in addresses.map_err(|error| at(host, error))? {
            if failed.contains(&address) {
                continue;
            }
            let remote = RemoteMta {
                host: Arc::clone(&name),
                address,
            };
            match self.greet(lease, remote.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    lease.give_up();
                    failure = HostFailure::new(Place::Address(remote), error);
                    tracing::info!(error = %failure, "no session with a host");
                }
            }
        }
        Err(failure)
    }

    async fn greet(&self, lease: &mut Lease<C::Io>, remote: RemoteMta) -> Result<(), ClientError> {
        let timeouts = Arc::clone(&self.timeouts);
        let connection = Connection::connect(&self.connect, remote, timeouts).await?;
        lease.put(connection).greet(&self.helo_name).await
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

fn at(host: &HostPort, error: ClientError) -> HostFailure {
    HostFailure::new(Place::Host(host.clone()), error)
}
