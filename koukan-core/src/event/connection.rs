//! Connections of clients.

use std::net::SocketAddr;

use tokio::time::Instant;

use crate::context::Sender;

use super::{Event, Observers};

/// A client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection<'a> {
    /// The protocol.
    pub protocol: Protocol,
    /// The sender of its transactions, where the listener determines it.
    pub sender: Option<&'a Sender>,
    /// The address of the client, where the transport has one.
    pub remote_host: Option<SocketAddr>,
    /// The address that the client connected to.
    pub local_host: Option<SocketAddr>,
}

/// What clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// SMTP.
    Smtp,
    /// HTTP.
    Http,
}

/// A connection that was reported as open. Dropping this reports its end.
#[derive(Debug)]
#[must_use = "the connection is reported to have ended when this is dropped"]
pub struct OpenConnection {
    _open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    observers: Observers,
    protocol: Protocol,
    sender: Option<Sender>,
    remote_host: Option<SocketAddr>,
    local_host: Option<SocketAddr>,
    since: Instant,
}

impl<'a> Connection<'a> {
    /// A connection of which only the protocol is known.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            sender: None,
            remote_host: None,
            local_host: None,
        }
    }

    /// Sets the sender of its transactions.
    #[must_use]
    pub fn of_sender(mut self, sender: &'a Sender) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Sets the client's address.
    #[must_use]
    pub fn from(mut self, remote_host: impl Into<Option<SocketAddr>>) -> Self {
        self.remote_host = remote_host.into();
        self
    }

    /// Sets the address that the client connected to.
    #[must_use]
    pub fn to(mut self, local_host: impl Into<Option<SocketAddr>>) -> Self {
        self.local_host = local_host.into();
        self
    }

    /// Reports that the connection was accepted.
    pub fn open(self, observers: &Observers) -> OpenConnection {
        if observers.is_empty() {
            return OpenConnection { _open: None };
        }
        observers.tell(&Event::Connected(self));
        let open = Open {
            observers: observers.clone(),
            protocol: self.protocol,
            sender: self.sender.cloned(),
            remote_host: self.remote_host,
            local_host: self.local_host,
            since: Instant::now(),
        };
        OpenConnection { _open: Some(open) }
    }
}

impl Protocol {
    /// Its name, in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Http => "http",
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let connection = Connection {
            protocol: self.protocol,
            sender: self.sender.as_ref(),
            remote_host: self.remote_host,
            local_host: self.local_host,
        };
        let lasted = self.since.elapsed();
        self.observers
            .tell(&Event::Disconnected(connection, lasted));
    }
}
