//! The facts of a session that apply to a whole mail transaction: the [`Context`].

use std::{fmt, net::SocketAddr, sync::Arc};

use crate::{host_port::HostPort, shares::Client};

/// What is known of a mail transaction before its first command: the client, its address, the way
/// it came.
///
/// It is immutable and shared: a transaction carries it in an `Arc`.
///
/// # Example
///
/// ```
/// use koukan_core::context::{Context, Sender};
///
/// let context = Context::new(Sender::new("submission").with_tag("smtp-msa"));
/// assert_eq!(context.sender.to_string(), "submission/smtp-msa");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context {
    /// The address of the peer, where there is one.
    pub remote_host: Option<SocketAddr>,
    /// The address that the peer connected to.
    pub local_host: Option<SocketAddr>,
    /// Whether the peer speaks LMTP (RFC 2033) rather than SMTP. Not stored with a transaction.
    pub is_lmtp: bool,
    /// How the peer named itself in HELO, EHLO or LHLO.
    pub client_name: Option<ClientName>,
    /// The TLS parameters of the connection, if it has TLS.
    pub tls: Option<Tls>,
    /// The authenticated identity, if the peer authenticated itself.
    pub identity: Option<Box<str>>,
    /// The sender on whose behalf the transaction runs, which selects the chain.
    pub sender: Sender,
    /// The host to deliver to, where the client names one.
    pub next_hop: Option<HostPort>,
    /// The client whose REST request made the transaction. It is charged where nothing is known of a peer: the facts of an
    /// SMTP session, as a gateway reports them, come first.
    pub caller: Client,
    /// The hosts that a REST client has named. They are shown to readers unchanged and not relied on;
    /// the facts are in the fields above.
    pub told: ToldHosts,
}

/// The hosts of a transaction, as its REST client named them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToldHosts {
    /// The peer, or the host to deliver to.
    pub remote: Option<HostPort>,
    /// The address that the peer connected to.
    pub local: Option<HostPort>,
}

/// The argument of HELO or EHLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName {
    /// The domain or address literal as the client sent it; not verified.
    pub name: Arc<str>,
    /// Whether it came with EHLO, so that the session is ESMTP.
    pub is_extended: bool,
}

/// Facts of a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The protocol version, as in `TLSv1.3`.
    pub version: Box<str>,
    /// The cipher suite's name.
    pub cipher: Box<str>,
    /// The name in the client's trusted certificate: a mailbox, a domain, or another name. Not stored.
    pub client: Option<Box<str>>,
}

/// A principal on whose behalf mail is sent, with an optional tag. Together they select a chain. Clones share
/// the texts, since each recipient has one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sender {
    /// The sender's name.
    pub name: Arc<str>,
    /// Selects one of the sender's chains.
    pub tag: Option<Arc<str>>,
}

impl Context {
    /// A context in which only the sender is known.
    pub fn new(sender: Sender) -> Self {
        Self {
            remote_host: None,
            local_host: None,
            is_lmtp: false,
            client_name: None,
            tls: None,
            identity: None,
            sender,
            next_hop: None,
            caller: Client::Unknown,
            told: ToldHosts::default(),
        }
    }

    /// The client whose share is charged: the peer's identity, or its address, or else the [caller](Self::caller).
    pub fn client(&self) -> Client {
        match (&self.identity, self.remote_host) {
            (Some(identity), _) => Client::named(&**identity),
            (None, Some(address)) => Client::at(address.ip()),
            (None, None) => self.caller.clone(),
        }
    }

    /// Replaces the sender.
    #[must_use]
    pub fn with_sender(mut self, sender: Sender) -> Self {
        self.sender = sender;
        self
    }

    /// As [`Context::with_sender`], for shared facts.
    #[must_use]
    pub fn on_behalf_of(&self, sender: &Sender) -> Self {
        self.clone().with_sender(sender.clone())
    }
}

impl Sender {
    /// A sender without a tag.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            tag: None,
        }
    }

    /// Sets the tag.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<Arc<str>>) -> Self {
        self.tag = Some(tag.into());
        self
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tag {
            Some(tag) => write!(f, "{}/{tag}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
