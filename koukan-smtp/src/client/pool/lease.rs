//! A connection in use.

use std::{fmt, sync::Arc};

use koukan_core::signals::HostPort;
use tokio::sync::OwnedSemaphorePermit;

use crate::client::{Wire, connection::Connection};

use super::idle::Idle;

/// A connection that its holder uses alone, and the permit for it.
///
/// Dropped, it closes the connection. [`Lease::park`] keeps the connection for the next
/// transaction.
pub(crate) struct Lease<Io: Wire> {
    connection: Option<Connection<Io>>,
    is_reused: bool,
    host: Arc<HostPort>,
    permit: Option<OwnedSemaphorePermit>,
    idle: Arc<Idle<Io>>,
}

impl<Io: Wire> Lease<Io> {
    pub(super) fn new(
        idle: Arc<Idle<Io>>,
        host: Arc<HostPort>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            connection: None,
            is_reused: false,
            host,
            permit: Some(permit),
            idle,
        }
    }

    /// Takes a kept connection that is alive, if there is one.
    pub(super) fn reuse(&mut self) -> bool {
        while let Some(mut connection) = self.idle.take(&self.host) {
            if connection.is_alive() {
                self.connection = Some(connection);
                self.is_reused = true;
                return true;
            }
        }
        false
    }

    /// Closes all kept connections: one was found dead, so the others will be.
    pub(super) fn discard_idle(&mut self) {
        drop(self.idle.take_all(&self.host));
    }

    pub(super) fn put(&mut self, connection: Connection<Io>) {
        self.connection = Some(connection);
    }

    /// Whether the connection was used before.
    pub(crate) fn is_reused(&self) -> bool {
        self.is_reused
    }

    pub(crate) fn connection(&mut self) -> &mut Connection<Io> {
        self.connection
            .as_mut()
            .expect("the pool hands out leases with a connection")
    }

    /// Keeps the connection for the next transaction, or closes it politely where it has served
    /// enough of them.
    pub(crate) fn park(mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let own_limit = self.idle.settings.max_transactions;
        let their_limit = connection.capabilities().limits.mail_max;
        let is_worn = connection.transactions() >= own_limit.min(their_limit.unwrap_or(u32::MAX));
        let retired = if is_worn {
            Err(connection)
        } else {
            Idle::park(&self.idle, &self.host, connection)
        };
        if let Err(connection) = retired {
            tokio::spawn(connection.quit());
        }
    }
}

impl<Io: Wire> Drop for Lease<Io> {
    fn drop(&mut self) {
        // Closed first: whoever gets the permit may open a connection at once.
        self.connection = None;
        self.permit = None;
        self.idle.forget_unused(&self.host);
    }
}

impl<Io: Wire> fmt::Debug for Lease<Io> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("host", &self.host)
            .field("is_reused", &self.is_reused)
            .finish_non_exhaustive()
    }
}
