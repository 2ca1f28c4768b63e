//! The failures between a client and its server, and the replies that they become downstream.

mod failure;
mod place;
mod reply;

pub(crate) use self::{
    failure::{HostFailure, unreached},
    place::Place,
};

use std::{io, net::IpAddr, time::Duration};

use tokio::time::Instant;

use koukan_core::{
    network::{LookupError, RemoteAddress},
    reply::{Reply, ReplyCode},
};

use crate::{
    codec::{InvalidReply, Unsendable},
    sasl::Failed,
};

use super::Phase;

/// A mail transaction with a server failed without a reply of the server that refuses it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The addresses of the host could not be looked up.
    #[error("could not look up {host}")]
    ResolveFailed {
        /// The name that was looked up.
        host: Box<str>,
        /// The cause.
        source: LookupError,
    },
    /// The host has no address.
    #[error("{0} has no address")]
    NoAddress(Box<str>),
    /// No connection was opened.
    #[error("could not connect to {address}")]
    ConnectFailed {
        /// The address of the server.
        address: RemoteAddress,
        /// The cause.
        source: io::Error,
    },
    /// The source address is not an address of this machine.
    #[error("{0}, from which to connect, is no address of this machine")]
    SourceNotHere(IpAddr),
    /// Connections to the address are not allowed for this destination; it was not tried.
    #[error("connections to {0} are not allowed")]
    NotAllowed(RemoteAddress),
    /// The address is this agent's own, or the server there uses this agent's name.
    #[error("{0} is this agent itself")]
    LoopsBack(RemoteAddress),
    /// The host did not answer before, and is not tried at the moment.
    #[error("the host has not answered for {} s", since.as_secs())]
    Down {
        /// How long it has not answered.
        since: Duration,
        /// How many times it was tried.
        failures: u32,
        /// The time from which it may be tried again.
        until: Instant,
    },
    /// This process has reached its limit of connections to all hosts together.
    #[error("there are as many connections to destinations as there may be")]
    NoRoom,
    /// The limit of messages to the host in a time is reached.
    #[error("the host takes no more messages just now")]
    OverRate,
    /// All connections to the host were in use for too long.
    #[error("all connections to the host are in use")]
    Busy,
    /// The server refused its service in its greeting, or in its reply to EHLO or HELO.
    #[error("server refused its service in phase {phase}: {reply}")]
    Refused {
        /// The phase in which it refused.
        phase: Phase,
        /// Its reply.
        reply: Reply,
    },
    /// TLS is required, and the server does not offer it.
    #[error("server offers no STARTTLS")]
    NoTls,
    /// TLS is to begin with the first octet, and the server greets in clear, as one does that offers STARTTLS.
    #[error("server greets in clear where TLS is to begin with the first octet")]
    GreetsInClear,
    /// The TLS handshake with the server failed, or its certificate is not trusted.
    #[error("no TLS with the server")]
    TlsFailed(#[source] io::Error),
    /// The message requires TLS, and cannot be sent to the host over TLS.
    #[error("message needs TLS: {0}")]
    TlsNeeded(Box<Self>),
    /// Nothing proves that the host is a mail host of the domain.
    #[error("nothing proves that this is a mail host of the domain")]
    NotProved,
    /// There are no trusted authorities for certificates.
    #[error("there is nobody whose certificates are believed")]
    NoTrust,
    /// The server offers no authentication mechanism that this client knows.
    #[error("server offers no mechanism of authentication that we know")]
    NoMechanism,
    /// The server refused our credentials.
    #[error("server refused our authentication: {0}")]
    LoginRefused(Reply),
    /// The authentication could not be completed.
    #[error("authentication failed")]
    LoginFailed(#[from] Failed),
    /// The server sent nothing, or accepted no octets, for too long.
    #[error("timeout in phase {0}")]
    Timeout(Phase),
    /// The connection ended.
    #[error("lost the connection in phase {0}")]
    Disconnected(Phase),
    /// The server sent something that is not a reply.
    #[error("malformed reply in phase {phase}: {source}")]
    InvalidReply {
        /// The phase in which it came.
        phase: Phase,
        /// What is wrong with it.
        source: InvalidReply,
    },
    /// The server's reply makes no sense in that phase.
    #[error("reply {code} makes no sense in phase {phase}")]
    UnexpectedReply {
        /// The phase in which it came.
        phase: Phase,
        /// The reply's code.
        code: ReplyCode,
    },
    /// The server lacks an extension that the message needs.
    #[error("message cannot go to this server: {0}")]
    Unsendable(#[from] Unsendable),
}

impl ClientError {
    /// Whether another host may succeed: the fault is the host's, not the message's.
    pub(crate) fn is_hosts_fault(&self) -> bool {
        match self {
            Self::Unsendable(unsendable) => *unsendable == Unsendable::NeedsRequiretls,
            _ => true,
        }
    }

    /// The same failure for a message that requires TLS. That TLS is missing or not trusted will not change soon
    /// enough for the message, so it becomes [`ClientError::TlsNeeded`]. A handshake during which the connection is
    /// lost may succeed the next time.
    pub(crate) fn for_requiretls(self) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput};
        let is_lasting = match &self {
            Self::NoTls | Self::GreetsInClear | Self::NotProved | Self::NoTrust => true,
            Self::TlsFailed(error) => matches!(error.kind(), InvalidData | InvalidInput),
            _ => false,
        };
        match is_lasting {
            true => Self::TlsNeeded(Box::new(self)),
            false => self,
        }
    }

    /// Whether the guard refused the address.
    pub(crate) fn is_guards(&self) -> bool {
        matches!(self, Self::NotAllowed(_) | Self::LoopsBack(_))
    }

    /// Whether the server broke the protocol.
    pub(crate) fn is_protocol_error(&self) -> bool {
        matches!(
            self,
            Self::InvalidReply { .. } | Self::UnexpectedReply { .. }
        )
    }

    /// Whether there was no connection.
    pub(crate) fn is_unreached(&self) -> bool {
        matches!(
            self,
            Self::ConnectFailed { .. }
                | Self::SourceNotHere(_)
                | Self::Timeout(Phase::Connect)
                | Self::Down { .. }
        )
    }

    /// Whether the host is down after such a failure: other transactions would fail in the same way.
    pub(crate) fn is_down(&self) -> bool {
        match self {
            Self::ConnectFailed { .. } | Self::Timeout(Phase::Connect) => true,
            Self::Timeout(phase) => *phase != Phase::Resolve,
            Self::Disconnected(phase) => phase.is_before_hello(),
            Self::Refused { reply, .. } => reply.is_transient(),
            _ => false,
        }
    }

    /// Whether the host refused STARTTLS, or did not answer it.
    #[cfg(feature = "tls")]
    pub(crate) fn is_at_starttls(&self) -> bool {
        match self {
            Self::Timeout(phase) | Self::Disconnected(phase) | Self::Refused { phase, .. } => {
                *phase == Phase::StartTls
            }
            _ => false,
        }
    }

    /// Whether the server has not greeted in a way that SMTP knows.
    pub(crate) fn is_without_greeting(&self) -> bool {
        match self {
            Self::Timeout(phase)
            | Self::Disconnected(phase)
            | Self::InvalidReply { phase, .. }
            | Self::UnexpectedReply { phase, .. } => *phase == Phase::Greeting,
            _ => false,
        }
    }

    /// Whether nothing more can come from the server.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::Timeout(_))
    }
}
