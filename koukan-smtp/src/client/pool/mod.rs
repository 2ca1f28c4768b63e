//! Connections that are kept from one transaction to the next.
//!
//! A connection belongs to the host and port to which it was opened. Each connection in use holds a permit of
//! its host (`permits`); an idle one holds none. A new connection is opened only if no idle one is left. So
//! there are never more connections than permits, except for those that are being closed with QUIT.
//!
//! Attempts from the queue leave an eighth of the permits to those for which clients wait (`queue`).
//!
//! A host may accept fewer connections than that, and refuse one more: Postfix refuses the 51st. While it
//! serves other connections of ours, that is not a failure: the refused transaction waits for one of those
//! ([`Turn`]), and for some minutes no more than these are opened.
//!
//! A host that does not answer at all is left alone for a while. A transaction that asks for it during that
//! time is told so at once. Then one transaction tries it for all others (`standing`).

mod beside;
mod host;
mod identity;
mod idle;
mod lease;
mod open;
mod opening;
mod permits;
mod plan;
mod probe;
mod queue;
mod reaper;
mod right;
mod room;
#[cfg(feature = "tls")]
mod secure;
mod settings;
mod standing;
mod suspects;
mod turn;

pub use self::settings::{HostLimit, HostLimits, PoolSettings};

pub(crate) use self::{
    lease::{Lease, Lent, Parting},
    plan::Wishes,
    turn::Turn,
};

use std::{sync::Arc, time::Duration};

use koukan_core::{
    blocking::BlockingPool,
    network::{BoxWire, RemoteAddress, SharedConnector, SharedResolver, Wire},
    random::SharedRandom,
    rate::Rate,
    reply::Unreached,
    resource::HostRoom,
    signals::HostPort,
    stage::sharing::Demand,
};
use tokio::time::{Instant, timeout_at};

use self::{
    idle::Idle,
    probe::Probe,
    standing::{Failed, Leave},
};
use super::{
    ClientError, ClientTimeouts, HostFailure, HostIdentities, Login, Phase, Place, SourceAddresses,
    connection::Connection, error::unreached, security::Terms,
};
use crate::Protocol;

/// Hands out connections to hosts: kept ones or new ones.
pub(crate) struct Pool {
    connector: SharedConnector,
    resolver: SharedResolver,
    helo_name: Arc<str>,
    timeouts: Arc<ClientTimeouts>,
    idle: Arc<Idle<BoxWire>>,
    random: SharedRandom,
    demand: Demand,
    /// The credentials for hosts that have none of their own.
    login: Option<Login>,
    identities: HostIdentities,
    sources: SourceAddresses,
    protocol: Protocol,
    /// Runs the hashing of passwords.
    blocking: BlockingPool,
    #[cfg(feature = "tls")]
    tls: super::tls_policy::TlsPolicies,
    #[cfg(feature = "tls")]
    has_dane: bool,
    #[cfg(feature = "tls")]
    trust: Option<koukan_core::tls::ClientTls>,
    #[cfg(feature = "mta-sts")]
    mta_sts: Option<super::MtaSts>,
}

/// A host that was silent during a transaction is not down if it has answered another one within this
/// time.
const SILENCE: Duration = Duration::from_secs(60);

/// How long no other transaction asks for a connection to a host after one did not get a connection in time.
const BUSY: Duration = Duration::from_secs(1);

/// Whether a kept connection may be used.
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
        timeouts: ClientTimeouts,
        settings: PoolSettings,
        random: SharedRandom,
        demand: Demand,
    ) -> Self {
        Self {
            demand,
            connector,
            resolver,
            helo_name,
            timeouts: Arc::new(timeouts),
            idle: Arc::new(Idle::new(settings)),
            random,
            login: None,
            identities: HostIdentities::default(),
            sources: SourceAddresses::default(),
            protocol: Protocol::Smtp,
            blocking: BlockingPool::default(),
            #[cfg(feature = "tls")]
            tls: super::tls_policy::TlsPolicies::default(),
            #[cfg(feature = "tls")]
            has_dane: false,
            #[cfg(feature = "tls")]
            trust: None,
            #[cfg(feature = "mta-sts")]
            mta_sts: None,
        }
    }

    /// Uses that protocol with all hosts.
    pub(crate) fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Whether hosts speak LMTP.
    pub(crate) fn is_lmtp(&self) -> bool {
        self.protocol.is_lmtp()
    }

    /// Gives the caller a connection to `host` for its own use, on these terms, at none of the addresses that have
    /// `failed`. If the host has no room for another connection, `turn` decides whether to wait for one that others
    /// use. The connection counts as held by the message of `turn`; if that message already holds one, the wait is
    /// short.
    ///
    /// # Errors
    ///
    /// [`HostFailure`] if there is no connection, or none in time.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, a connection that is being opened is closed.
    pub(crate) async fn checkout(
        &self,
        host: &HostPort,
        freshness: Freshness,
        failed: &[RemoteAddress],
        terms: Terms<'_>,
        turn: &mut Turn,
    ) -> Result<Lease<BoxWire>, HostFailure> {
        if turn.take_forced() {
            self.idle
                .standings(|standings| standings.force(host, Instant::now()));
        }
        let permit = Idle::permit(&self.idle, host, &self.demand, turn);
        let lease = match turn.until() {
            None => permit.await,
            Some(until) => {
                let permit = Box::pin(timeout_at(until, permit)).await;
                permit.unwrap_or(Err(ClientError::Busy))
            }
        };
        let mut lease = lease.map_err(|error| at(host, error))?;
        match freshness {
            // Kept connections are not closed while the host has no room for new ones.
            Freshness::New if !turn.is_waiting() => lease.discard_idle(),
            _ if reuse(&mut lease, terms) => return reused(lease, host, terms),
            _ => {}
        }
        // Boxed: most transactions find an open connection, so their futures should not contain this one.
        Box::pin(self.open_or_wait(lease, host, failed, terms, turn)).await
    }

    /// Opens a connection. If the host has no room for it while it serves others of ours, waits for one of
    /// those, or for its place.
    async fn open_or_wait(
        &self,
        mut lease: Lease<BoxWire>,
        host: &HostPort,
        failed: &[RemoteAddress],
        terms: Terms<'_>,
        turn: &mut Turn,
    ) -> Result<Lease<BoxWire>, HostFailure> {
        loop {
            // It is given back if the attempt fails or is dropped.
            let probe = Probe::of(&self.idle, host).await;
            let probe = probe.map_err(|error| at(host, error))?;
            let begun = Instant::now();
            let failure = match self.open(&mut lease, host, failed, terms).await {
                Ok(()) => {
                    self.idle.greeted(host);
                    return Ok(lease);
                }
                Err(failure) => failure,
            };
            if failure.is_own_want()
                && self.idle.has_others(host)
                && let Some(until) = turn.wait(self.idle.settings.max_wait)
            {
                drop(probe);
                // A connection that was freed a moment ago also counts.
                if timeout_at(until, self.idle.freed.notified()).await.is_err() {
                    return Err(failure);
                }
                if reuse(&mut lease, terms) {
                    return reused(lease, host, terms);
                }
                continue;
            }
            #[cfg(feature = "tls")]
            let is_about_demand = self.is_about_demand(host, &failure.error, terms.security);
            #[cfg(not(feature = "tls"))]
            let is_about_demand = false;
            if is_about_demand {
                return Err(failure);
            }
            // If the host was down, the transactions that wait for the result of this attempt hold no connection.
            let may_be_full = !probe.is_for_all() && failure.may_be_for_want_of_room();
            if !may_be_full || !lease.give_place_up() {
                // The last other transaction may have just left its connection.
                if may_be_full && reuse(&mut lease, terms) {
                    return reused(lease, host, terms);
                }
                if failure.error.is_down() {
                    let unit = self.random.unit();
                    let until = self.idle.failed(host, Failed::ToGreet, begun, unit);
                    return Err(match until {
                        Some(until) => failure.unreached(host, until, true),
                        None => failure,
                    });
                }
                return Err(failure);
            }
            let Some(until) = turn.wait(self.idle.settings.max_wait) else {
                return Err(failure);
            };
            drop((lease, probe));
            let permit = Idle::permit(&self.idle, host, &self.demand, turn);
            let permit = timeout_at(until, permit).await;
            let permit = permit.unwrap_or(Err(ClientError::Busy));
            lease = permit.map_err(|error| at(host, error))?;
            if reuse(&mut lease, terms) {
                return reused(lease, host, terms);
            }
        }
    }

    /// Whether a transaction that was refused because the host had no room waits for its turn.
    pub(crate) fn waits(&self, turn: &mut Turn) -> bool {
        turn.wait(self.idle.settings.max_wait).is_some()
    }

    /// Notes that a host was silent for too long during a transaction, unless it has answered another one in the
    /// meantime. If the host is down from now on, returns the failure for other transactions.
    pub(crate) fn was_silent(&self, host: &HostPort) -> Option<Unreached> {
        self.was_silent_for(host, SILENCE)
    }

    fn was_silent_for(&self, host: &HostPort, silence: Duration) -> Option<Unreached> {
        let now = Instant::now();
        let begun = now.checked_sub(silence).unwrap_or(now);
        let unit = self.random.unit();
        let until = self.idle.failed(host, Failed::ToAnswer, begun, unit)?;
        let look = self.idle.standings(|standings| standings.look(host, now));
        // One silence may be caused by the message.
        matches!(look, Leave::Down { .. }).then(|| unreached(host, until, true))
    }

    /// Notes the phase in which a transaction stopped waiting for a host, and how long the host had been silent.
    /// That the transaction stopped waiting does not count against the host by itself.
    pub(crate) fn was_left(&self, host: &HostPort, phase: Phase, silence: Duration) {
        // A host may need long to process a whole message.
        if phase != Phase::EndOfData && opening::is_long(silence) {
            self.was_silent_for(host, silence);
        }
    }

    /// Remembers that the host broke the protocol. In the next transactions each command waits for the reply
    /// to the command before it.
    pub(crate) fn suspect(&self, host: &HostPort) {
        self.idle.suspect(host);
    }

    /// The most recipients in one transaction with that host.
    pub(in crate::client) fn max_recipients_of(&self, host: &HostPort) -> usize {
        self.idle.settings.max_recipients_of(host)
    }

    /// The limit of messages to that host in a time, if there is one.
    pub(in crate::client) fn rate_of(&self, host: &HostPort) -> Option<&Rate> {
        self.idle.settings.rate_of(host)
    }

    /// How much a host accepts, if that is known or the host has limits of its own.
    pub(crate) fn room(&self, host: &HostPort) -> Option<HostRoom> {
        let settings = &self.idle.settings;
        let cap = self.idle.cap(host);
        let max_connections = settings.own_connections_of(host);
        let is_known = cap.is_some() || settings.has_own_limits(host);
        is_known.then(|| HostRoom {
            host: host.clone(),
            connections: cap.unwrap_or(max_connections),
            max_connections,
            max_of_all: settings.max_connections_of(host).max(1),
            rate: settings.rate_of(host).cloned(),
        })
    }

    /// The transactions that wait for connections.
    pub(crate) fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Closes all idle connections with QUIT. From now on no connection is kept.
    pub(crate) async fn close(&self) {
        self.idle.close().await;
    }
}

/// Takes a kept connection that may be used, and closes the others: a transaction that could use those can
/// also use the connections that replace them.
fn reuse(lease: &mut Lease<BoxWire>, terms: Terms<'_>) -> bool {
    while lease.reuse() {
        if lease.connection().meets(terms) {
            return true;
        }
        lease.give_up();
    }
    false
}

/// The kept connection, if it may be used. It may have been opened for a host that the operator named.
fn reused(
    mut lease: Lease<BoxWire>,
    host: &HostPort,
    terms: Terms<'_>,
) -> Result<Lease<BoxWire>, HostFailure> {
    match admit(lease.connection(), terms) {
        Ok(()) => Ok(lease),
        Err(error) => {
            lease.part(Parting::Keep);
            Err(at(host, error))
        }
    }
}

fn at(host: &HostPort, error: ClientError) -> HostFailure {
    let until = match &error {
        ClientError::Down { until, .. } => Some(*until),
        ClientError::Busy => Some(Instant::now() + BUSY),
        _ => None,
    };
    let failure = HostFailure::new(Place::Host(host.clone()), error);
    match until {
        Some(until) => failure.unreached(host, until, false),
        None => failure,
    }
}

/// Whether a connection may be used: it must not lead to an address that the guard refuses, or to this agent.
fn admit<Io: Wire>(connection: &Connection<Io>, terms: Terms<'_>) -> Result<(), ClientError> {
    let Some(guard) = terms.guard else {
        return Ok(());
    };
    let address = &connection.remote().address;
    guard.check(address)?;
    if connection.has_our_name() {
        return Err(ClientError::LoopsBack(address.clone()));
    }
    Ok(())
}
