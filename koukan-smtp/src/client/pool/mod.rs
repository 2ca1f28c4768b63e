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

use koukan_core::{
    network::{BoxWire, SharedConnector, SharedResolver, Wire},
    reply::RemoteMta,
    signals::HostPort,
};
use tokio::time::timeout;

use self::idle::Idle;
use super::{ClientError, Guard, HostFailure, Phase, Place, Timeouts, connection::Connection};

/// Hands out connections to hosts, kept ones or new ones.
pub(crate) struct Pool {
    connector: SharedConnector,
    resolver: SharedResolver,
    helo_name: Arc<str>,
    timeouts: Arc<Timeouts>,
    idle: Arc<Idle<BoxWire>>,
}

/// Whether a kept connection will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Any,
    New,
}

impl Pool {
    pub(crate) fn new(
        connector: SharedConnector,
        resolver: SharedResolver,
        helo_name: Arc<str>,
        timeouts: Timeouts,
        settings: PoolSettings,
    ) -> Self {
        Self {
            connector,
            resolver,
            helo_name,
            timeouts: Arc::new(timeouts),
            idle: Arc::new(Idle::new(settings)),
        }
    }

    /// A connection to `host`, for the caller alone, at none of the addresses that have `failed`;
    /// where there is a guard, at an address that it lets be.
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
        guard: Option<&Guard>,
    ) -> Result<Lease<BoxWire>, HostFailure> {
        let lease = Idle::permit(&self.idle, host).await;
        let mut lease = lease.map_err(|error| at(host, error))?;
        match freshness {
            Freshness::New => lease.discard_idle(),
            Freshness::Any if lease.reuse() => {
                // It may have been opened for a host that the operator names.
                return match admit(lease.connection(), guard) {
                    Ok(()) => Ok(lease),
                    Err(error) => {
                        lease.part(Parting::Keep);
                        Err(at(host, error))
                    }
                };
            }
            Freshness::Any => {}
        }
        // Boxed: most transactions find a connection that is open, and need not carry the room for
        // this.
        Box::pin(self.open(&mut lease, host, failed, guard)).await?;
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
        lease: &mut Lease<BoxWire>,
        host: &HostPort,
        failed: &[SocketAddr],
        guard: Option<&Guard>,
    ) -> Result<(), HostFailure> {
        let name: Arc<str> = host.host.as_ref().into();
        let mut failure = None;
        let addresses = self.addresses(host).await;
        for address in addresses.map_err(|error| at(host, error))? {
            if failed.contains(&address) {
                continue;
            }
            let remote = RemoteMta {
                host: Arc::clone(&name),
                address,
            };
            if let Some(Err(error)) = guard.map(|guard| guard.check(address)) {
                tracing::warn!(%host, %error, "refused to connect");
                failure = Some(at(host, error).after(failure));
                continue;
            }
            let greeted = self.greet(lease, remote.clone()).await;
            match greeted.and_then(|()| admit(lease.connection(), guard)) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    lease.give_up();
                    let failed = if error.is_guards() {
                        at(host, error)
                    } else {
                        HostFailure::new(Place::Address(remote), error)
                    };
                    tracing::info!(error = %failed, "no session with a host");
                    failure = Some(failed.after(failure));
                }
            }
        }
        Err(failure.unwrap_or_else(|| at(host, ClientError::NoAddress(host.host.clone()))))
    }

    async fn greet(
        &self,
        lease: &mut Lease<BoxWire>,
        remote: RemoteMta,
    ) -> Result<(), ClientError> {
        let connect = || {
            let (remote, timeouts) = (remote.clone(), Arc::clone(&self.timeouts));
            Connection::connect(&*self.connector, remote, timeouts)
        };
        let connection = match connect().await {
            // One that nobody uses makes room for one that somebody needs.
            Err(ClientError::NoRoom) if self.idle.make_room().await => connect().await?,
            connected => connected?,
        };
        lease.put(connection).greet(&self.helo_name).await
    }

    async fn addresses(&self, host: &HostPort) -> Result<Vec<SocketAddr>, ClientError> {
        if let Ok(address) = host.host.parse() {
            return Ok(vec![SocketAddr::new(address, host.port)]);
        }
        let found = timeout(self.timeouts.resolve, self.resolver.addresses(&host.host)).await;
        let found = found.map_err(|_| ClientError::Timeout(Phase::Resolve))?;
        let found = found.map_err(|source| ClientError::ResolveFailed {
            host: host.host.clone(),
            source,
        })?;
        let addresses = found.records.into_iter();
        let addresses = addresses.map(|address| SocketAddr::new(address, host.port));
        Ok(addresses.collect())
    }
}

fn at(host: &HostPort, error: ClientError) -> HostFailure {
    HostFailure::new(Place::Host(host.clone()), error)
}

/// Whether a connection may be used: not to an address that the guard refuses, nor to ourselves.
fn admit<Io: Wire>(connection: &Connection<Io>, guard: Option<&Guard>) -> Result<(), ClientError> {
    let Some(guard) = guard else {
        return Ok(());
    };
    let address = connection.remote().address;
    guard.check(address)?;
    if connection.has_our_name() {
        return Err(ClientError::LoopsBack(address));
    }
    Ok(())
}
