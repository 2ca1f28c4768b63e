//! How names become addresses, and what else is known of them.

use std::{fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use tower::BoxError;

use super::{DnsAnswer, Mx, Tlsa};

/// Looks up what the DNS knows of a name.
///
/// *Shape*: names are in ASCII; case does not matter, nor does a final dot. An address in place of a
/// name is never asked for. Whoever asks limits the time.
///
/// A resolver must know addresses only: the other look-ups are [`LookupError::Unsupported`] where it
/// does not implement them, as the operating system's resolver does not. Whether answers are kept for
/// as long as they hold is the resolver's own business: whoever asks keeps none.
///
/// # Cancel safety
///
/// Nothing is lost when a look-up is dropped.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses of a host (A and AAAA records), in the order in which to try them.
    ///
    /// The answer is proved where all of it is.
    ///
    /// # Errors
    ///
    /// [`LookupError`]; a host without an address is an answer without records.
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError>;

    /// The hosts that take a domain's mail, in no particular order.
    ///
    /// *Source*: RFC 5321 section 5.1; a null MX (RFC 7505) is one whose host is empty.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        let _ = domain;
        Err(LookupError::Unsupported)
    }

    /// The texts of a name; the strings of one record are joined.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn txt(&self, name: &str) -> Result<DnsAnswer<Box<[u8]>>, LookupError> {
        let _ = name;
        Err(LookupError::Unsupported)
    }

    /// What a server's certificate must match, by a name as `_25._tcp.mx.example.com`.
    ///
    /// *Source*: RFC 6698, RFC 7672. Only what is [`Secure`](super::Proof::Secure) counts.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn tlsa(&self, name: &str) -> Result<DnsAnswer<Tlsa>, LookupError> {
        let _ = name;
        Err(LookupError::Unsupported)
    }

    /// The names that an address says to have, each without a final dot; they may have other
    /// addresses.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn ptr(&self, address: IpAddr) -> Result<DnsAnswer<Box<str>>, LookupError> {
        let _ = address;
        Err(LookupError::Unsupported)
    }
}

/// A resolver, as stages hold it.
pub type SharedResolver = Arc<dyn Resolver>;

/// A look-up brought no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// There is no such name.
    #[error("there is no such name")]
    NoSuchName,
    /// It failed, and may succeed later: nobody answered, or what was answered is not to be believed.
    #[error("the look-up failed")]
    Failed(#[source] BoxError),
    /// The resolver cannot look that up.
    #[error("the resolver does not look up records of that kind")]
    Unsupported,
}

impl LookupError {
    /// The look-up failed, and may succeed later.
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(error.into())
    }
}
