//! What goes wrong between a client and its server, and what becomes of it downstream.

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

/// A mail transaction with a server failed, other than by the server's reply to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The addresses of the host could not be looked up.
    #[error("could not look up {host}")]
    ResolveFailed {
        /// The name that was looked up.
        host: Box<str>,
        /// Why.
        source: LookupError,
    },
    /// The host has no address.
    #[error("{0} has no address")]
    NoAddress(Box<str>),
    /// No connection was opened.
    #[error("could not connect to {address}")]
    ConnectFailed {
        /// Where to.
        address: RemoteAddress,
        /// Why.
        source: io::Error,
    },
    /// The address from which to connect is none of this machine.
    #[error("{0}, from which to connect, is no address of this machine")]
    SourceNotHere(IpAddr),
    /// The address may not be connected to on behalf of whoever asks; it was not tried.
    #[error("connections to {0} are not allowed")]
    NotAllowed(RemoteAddress),
    /// The address is this agent's own, or a server there calls itself by this agent's name.
    #[error("{0} is this agent itself")]
    LoopsBack(RemoteAddress),
    /// The host has not answered before, and is not tried just now.
    #[error("the host has not answered for {} s", since.as_secs())]
    Down {
        /// For how long it has not answered.
        since: Duration,
        /// How many times it was tried.
        failures: u32,
        /// When it may be tried again.
        until: Instant,
    },
    /// This process has as many connections to all hosts as it may have.
    #[error("there are as many connections to destinations as there may be")]
    NoRoom,
    /// The host takes only so many messages in a time, and as many have gone.
    #[error("the host takes no more messages just now")]
    OverRate,
    /// Too many connections to the host are in use, for too long.
    #[error("all connections to the host are in use")]
    Busy,
    /// The server refused its service in its greeting, or in its reply to EHLO or HELO.
    #[error("server refused its service in phase {phase}: {reply}")]
    Refused {
        /// When.
        phase: Phase,
        /// What it said.
        reply: Reply,
    },
    /// The server offers no TLS, which it must.
    #[error("server offers no STARTTLS")]
    NoTls,
    /// TLS with the server has failed, or its certificate is not believed.
    #[error("no TLS with the server")]
    TlsFailed(#[source] io::Error),
    /// A message that is to go over TLS only cannot go to the host in that way.
    #[error("message needs TLS: {0}")]
    TlsNeeded(Box<Self>),
    /// Nothing proves that the host takes the mail of its domain.
    #[error("nothing proves that this is a mail host of the domain")]
    NotProved,
    /// Nobody is known whose certificates are to be believed.
    #[error("there is nobody whose certificates are believed")]
    NoTrust,
    /// The server offers no way to say who we are that we know.
    #[error("server offers no mechanism of authentication that we know")]
    NoMechanism,
    /// The server does not take us for who we say to be.
    #[error("server refused our authentication: {0}")]
    LoginRefused(Reply),
    /// The authentication could not go on.
    #[error("authentication failed")]
    LoginFailed(#[from] Failed),
    /// The server was silent, or took nothing, for too long.
    #[error("timeout in phase {0}")]
    Timeout(Phase),
    /// The connection ended.
    #[error("lost the connection in phase {0}")]
    Disconnected(Phase),
    /// The server sent something that is no reply.
    #[error("malformed reply in phase {phase}: {source}")]
    InvalidReply {
        /// When.
        phase: Phase,
        /// What is wrong with it.
        source: InvalidReply,
    },
    /// The server gave a reply that makes no sense where it stands.
    #[error("reply {code} makes no sense in phase {phase}")]
    UnexpectedReply {
        /// When.
        phase: Phase,
        /// The reply's code.
        code: ReplyCode,
    },
    /// The server lacks what the message needs.
    #[error("message cannot go to this server: {0}")]
    Unsendable(#[from] Unsendable),
}

impl ClientError {
    /// Whether another host may do better: the fault is the host's, not the message's.
    pub(crate) fn is_hosts_fault(&self) -> bool {
        match self {
            Self::Unsendable(unsendable) => *unsendable == Unsendable::NeedsRequiretls,
            _ => true,
        }
    }

    /// What it is for a message that is to go over TLS only: that there is none, or none that is believed, will
    /// not change soon enough for that. A connection that is lost amid the handshake may fare better the next
    /// time.
    pub(crate) fn for_requiretls(self) -> Self {
        use io::ErrorKind::{InvalidData, InvalidInput};
        let is_lasting = match &self {
            Self::NoTls | Self::NotProved | Self::NoTrust => true,
            Self::TlsFailed(error) => matches!(error.kind(), InvalidData | InvalidInput),
            _ => false,
        };
        match is_lasting {
            true => Self::TlsNeeded(Box::new(self)),
            false => self,
        }
    }

    /// Whether the guard has refused the address.
    pub(crate) fn is_guards(&self) -> bool {
        matches!(self, Self::NotAllowed(_) | Self::LoopsBack(_))
    }

    /// Whether the server has said something that no server should.
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

    /// Whether a host that fails like this is down: whoever else asks it would fare alike.
    pub(crate) fn is_down(&self) -> bool {
        match self {
            Self::ConnectFailed { .. } | Self::Timeout(Phase::Connect) => true,
            Self::Timeout(phase) => *phase != Phase::Resolve,
            Self::Disconnected(phase) => matches!(phase, Phase::Greeting | Phase::Ehlo),
            Self::Refused { reply, .. } => reply.is_transient(),
            _ => false,
        }
    }

    /// Whether the host has refused to begin with TLS, or was silent then.
    #[cfg(feature = "tls")]
    pub(crate) fn is_at_starttls(&self) -> bool {
        match self {
            Self::Timeout(phase) | Self::Disconnected(phase) | Self::Refused { phase, .. } => {
                *phase == Phase::StartTls
            }
            _ => false,
        }
    }

    /// Whether nothing more is heard of the server.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::Timeout(_))
    }
}
