//! A connection in use.

use std::{fmt, sync::Arc, time::Duration};

use koukan_core::{body::Held, reply::Extensions, signals::HostPort};
use tokio::time::timeout;

use crate::client::{Wire, connection::Connection};

use super::{idle::Idle, permits::Permit, queue::Place};

/// How long a connection whose transaction was given up keeps its permit while it waits for the
/// server: long enough for a server that answers, and so short that a silent server does not keep
/// others waiting for long.
const RESET_MAX: Duration = Duration::from_secs(2);

/// A connection that its holder uses alone, and the permit for it.
///
/// [`Lease::part`] says what to do with the connection. If the lease is dropped without it, the
/// connection is closed, with QUIT if the server has sent its greeting.
pub(crate) struct Lease<Io: Wire> {
    /// Boxed, since it is moved several times in each transaction.
    connection: Option<Box<Connection<Io>>>,
    is_reused: bool,
    /// Whether the host has broken the protocol before.
    is_suspect: bool,
    host: Arc<HostPort>,
    permit: Option<Permit>,
    /// A place for an attempt from the queue.
    place: Option<Place>,
    /// Held while a message uses the connection.
    held: Option<Held>,
    /// Whether the connection is idle now: the host is then in use.
    is_parked: bool,
    idle: Arc<Idle<Io>>,
}

/// How to leave a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parting {
    /// Neither side owes anything: another transaction may begin.
    Keep,
    /// The transaction was given up, and the server still owes that many replies: read them, send
    /// RSET, and keep the connection. If that takes too long, send QUIT.
    Reset { owed: usize },
    /// Send QUIT.
    Quit,
    /// Send nothing: the server has closed, or would take it for a part of the message.
    Close,
}

impl<Io: Wire> Lease<Io> {
    pub(super) fn new(
        idle: Arc<Idle<Io>>,
        host: Arc<HostPort>,
        is_suspect: bool,
        (permit, place): (Permit, Option<Place>),
        held: Held,
    ) -> Self {
        Self {
            connection: None,
            is_reused: false,
            is_suspect,
            host,
            permit: Some(permit),
            place,
            held: Some(held),
            is_parked: false,
            idle,
        }
    }

    /// Takes an idle connection that is alive, if there is one.
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

    /// Closes all idle connections: one was found dead, so the others probably are.
    pub(super) fn discard_idle(&mut self) {
        for connection in self.idle.take_all(&self.host) {
            self.idle.spawn(connection.quit());
        }
    }

    /// Takes a new connection on which nothing was sent yet.
    pub(super) fn put(&mut self, connection: Connection<Io>) -> &mut Connection<Io> {
        self.is_reused = false;
        self.connection.insert(Box::new(connection))
    }

    /// What is attached to a reply about the connection; empty if there is none.
    pub(super) fn heard(&mut self) -> Extensions {
        let connection = self.connection.as_deref_mut();
        connection.map(Connection::heard).unwrap_or_default()
    }

    /// Leaves a connection whose handshake has failed.
    pub(super) fn give_up(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection.is_greeted()
            && !connection.is_ended()
        {
            self.idle.spawn(connection.quit());
        }
    }

    /// Gives up the place of this connection, since the host only has room for those that others
    /// have. Returns `false`, and gives up nothing, if nobody else has one.
    pub(super) fn give_place_up(&mut self) -> bool {
        self.lower().is_some()
    }

    /// Like [`Lease::give_place_up`], if it is not certain that the reason was lack of room; the
    /// caller tells the returned value what the reason was.
    pub(crate) fn lend_place(&mut self) -> Option<Lent<Io>> {
        let by = match self.idle.is_picky(&self.host) {
            true => return None,
            false => self.lower()?,
        };
        Some(Lent {
            by,
            is_picky: false,
            host: Arc::clone(&self.host),
            idle: Arc::clone(&self.idle),
        })
    }

    /// By how many places the host's room was lowered, if at all.
    fn lower(&mut self) -> Option<usize> {
        match self.idle.lower(&self.host, self.permit.take()?) {
            Ok(by) => Some(by),
            Err(permit) => {
                self.permit = Some(permit);
                None
            }
        }
    }

    /// Whether the connection was used before.
    pub(crate) fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Whether the host has broken the protocol before.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    pub(crate) fn connection(&mut self) -> &mut Connection<Io> {
        self.connection
            .as_deref_mut()
            .expect("the pool hands out leases with a connection")
    }

    /// Leaves the connection without waiting: what takes time is done in the background, within
    /// some seconds.
    ///
    /// Whoever waits for a permit gets it at once, except with [`Parting::Reset`]: then within two
    /// seconds, together with the connection if the server has answered by then.
    pub(crate) fn part(mut self, parting: Parting) {
        self.held = None;
        match parting {
            Parting::Keep => self.park(),
            Parting::Reset { owed } => {
                let idle = Arc::clone(&self.idle);
                idle.spawn(async move {
                    match timeout(RESET_MAX, self.connection().reset(owed)).await {
                        Ok(true) => self.park(),
                        _ => self.give_up(),
                    }
                });
            }
            Parting::Quit => self.give_up(),
            Parting::Close => self.connection = None,
        }
    }

    /// Keeps the connection for the next transaction, or closes it with QUIT if it has served
    /// enough of them.
    fn park(mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let own_limit = self.idle.settings.max_transactions_of(&self.host);
        let their_limit = connection.capabilities().limits.mail_max;
        let is_worn = connection.transactions() >= own_limit.min(their_limit.unwrap_or(u32::MAX));
        let retired = if is_worn {
            Some(connection)
        } else {
            Idle::park(&self.idle, &self.host, connection)
        };
        match retired {
            Some(connection) => self.idle.spawn(connection.quit()),
            None => self.is_parked = true,
        }
    }
}

impl<Io: Wire> Drop for Lease<Io> {
    fn drop(&mut self) {
        // Closed first: whoever gets the permit may open a connection at once.
        self.give_up();
        self.permit = None;
        self.place = None;
        if !self.is_parked {
            self.idle.forget_unused(&self.host);
            self.idle.freed.notify_one();
        }
    }
}

/// Places of connections that were given up because their host may have no room. If this is dropped
/// without a decision, the places are available again.
#[must_use = "the places are there again when this is dropped"]
pub(crate) struct Lent<Io: Wire> {
    by: usize,
    is_picky: bool,
    host: Arc<HostPort>,
    idle: Arc<Idle<Io>>,
}

impl<Io: Wire> Lent<Io> {
    /// The reason was lack of room: a connection that the host serves has accepted the transaction.
    pub(crate) fn keep(mut self) {
        self.by = 0;
    }

    /// The reason was what was sent: a connection that the host serves was closed as well.
    pub(crate) fn refute(mut self) {
        self.is_picky = true;
    }
}

impl<Io: Wire> Drop for Lent<Io> {
    fn drop(&mut self) {
        if self.by > 0 {
            self.idle.raise(&self.host, self.by, self.is_picky);
        }
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
