//! A failure at a host.

use koukan_core::{
    network::LookupError,
    reply::{Extensions, Reply, Unreached},
    signals::HostPort,
};
use tokio::time::Instant;

use super::{ClientError, Place};

/// What went wrong, and with which host.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {error}{advice}")]
pub(crate) struct HostFailure {
    pub(crate) place: Place,
    pub(crate) error: Box<ClientError>,
    /// What the reply made from it carries: whether other transactions would fail alike, and the dialogue before.
    extensions: Extensions,
    /// What the reply says at its end: what may be wrong with the settings.
    advice: &'static str,
}

/// What is said of a server that did not greet at the [port of TLS](HostFailure::at_port_of_tls).
const TLS_FIRST: &str = "; at port 465 TLS usually begins with the first octet";

impl HostFailure {
    pub(crate) fn new(place: Place, error: ClientError) -> Self {
        Self {
            place,
            error: Box::new(error),
            extensions: Extensions::default(),
            advice: "",
        }
    }

    /// Adds a hint, if the server did not greet: the connection was in clear, and to the port of submission by TLS
    /// (RFC 8314 section 7.3), whose servers wait for TLS without a word.
    pub(crate) fn at_port_of_tls(mut self) -> Self {
        if self.error.is_without_greeting() {
            self.advice = TLS_FIRST;
        }
        self
    }

    /// Attaches this: see [`Connection::heard`](crate::client::connection::Connection::heard).
    pub(crate) fn heard(mut self, heard: Extensions) -> Self {
        self.extensions = heard;
        self
    }

    /// Marks that other transactions for the host would fail alike until that time; `is_tried` says whether the host
    /// was tried now.
    pub(crate) fn unreached(mut self, host: &HostPort, until: Instant, is_tried: bool) -> Self {
        let unreached = unreached(host, until, is_tried);
        self.extensions = std::mem::take(&mut self.extensions).with(unreached);
        self
    }

    /// Whether there was no further address to try.
    pub(crate) fn is_no_address(&self) -> bool {
        let is_none_tried = matches!(
            *self.error,
            ClientError::NoAddress(_) | ClientError::Down { .. }
        );
        is_none_tried || self.error.is_guards()
    }

    /// Whether it was known without a connection, and will be the next time: the host does not exist, or must not be
    /// connected to, or is known not to answer.
    pub(crate) fn is_untried(&self) -> bool {
        let is_known = matches!(
            *self.error,
            ClientError::NotAllowed(_) | ClientError::Down { .. }
        );
        is_known || self.is_nowhere()
    }

    /// The reply if the DNS has named the host for a domain: a host without an address then accepts no mail, which is
    /// a permanent failure, as for a domain without one.
    pub(crate) fn into_reply_of_mail_host(self) -> Reply {
        match self.is_nowhere() {
            true => {
                let reply = Reply::no_such_mail_host();
                reply.with_text(format!("{} has no address", self.place))
            }
            false => self.into_reply(),
        }
    }

    /// Whether the DNS has said that the host does not exist, or has no address.
    fn is_nowhere(&self) -> bool {
        match &*self.error {
            ClientError::ResolveFailed { source, .. } => matches!(source, LookupError::NoSuchName),
            ClientError::NoAddress(_) => true,
            _ => false,
        }
    }

    /// Whether the host may only lack room for another connection while it serves the existing ones: it has refused
    /// its service for now, or refused the connection.
    pub(crate) fn may_be_for_want_of_room(&self) -> bool {
        match &*self.error {
            ClientError::Refused { reply, .. } => reply.is_transient(),
            ClientError::Disconnected(phase) => phase.is_before_hello(),
            ClientError::ConnectFailed { .. } => true,
            _ => false,
        }
    }

    /// Whether the failure is not about the host at all, but about this process or machine, which has no room for
    /// another connection.
    pub(crate) fn is_own_want(&self) -> bool {
        matches!(*self.error, ClientError::NoRoom)
    }

    /// Which failure to report if an earlier address failed too: this one, unless the guard has refused this address,
    /// while the other may work later. If one address of a host is this agent, the host is this agent. What an address
    /// has said counts more than the silence of another.
    pub(crate) fn after(self, earlier: Option<Self>) -> Self {
        let is_own = |failure: &Self| matches!(*failure.error, ClientError::LoopsBack(_));
        match earlier {
            Some(earlier) if is_own(&earlier) => earlier,
            Some(earlier) if self.error.is_guards() && !is_own(&self) => earlier,
            Some(earlier)
                if self.error.is_unreached()
                    && !earlier.error.is_unreached()
                    && !earlier.error.is_guards() =>
            {
                earlier
            }
            _ => self,
        }
    }

    /// The same for a message that must only be sent over TLS.
    pub(crate) fn for_requiretls(mut self) -> Self {
        self.error = Box::new(self.error.for_requiretls());
        self
    }

    /// Our own reply for the failure: it names host and phase, and carries which host was reached.
    pub(crate) fn into_reply(self) -> Reply {
        let reply = self.error.reply_at(&self.place);
        let reply = match self.advice {
            "" => reply,
            advice => {
                let text = format!("{}{advice}", reply.text());
                reply.with_text(text)
            }
        };
        let reply = match self.error.is_unreached() {
            true => reply,
            false => self.place.concern(reply),
        };
        reply.with_extensions(&self.extensions)
    }
}

/// Marks that a host was not reached.
pub(crate) fn unreached(host: &HostPort, until: Instant, is_tried: bool) -> Unreached {
    Unreached {
        hosts: [host.clone()].into(),
        until,
        is_tried,
    }
}
