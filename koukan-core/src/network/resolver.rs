//! Looking up names in the DNS.

use std::{fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use tower::BoxError;

use super::{DnsAnswer, Mx, Tlsa};

/// Looks up what the DNS has for a name.
///
/// *Shape*: names are in ASCII. Case and a final dot do not matter. A resolver is never asked for an
/// IP address in place of a name. The caller limits the time.
///
/// A resolver only has to look up addresses. The defaults of the other methods return
/// [`LookupError::Unsupported`], as for the operating system's resolver. Caching is the resolver's
/// business: callers do not cache.
///
/// # Cancel safety
///
/// Dropping a look-up loses nothing.
///
/// # Example
///
/// Sends one domain's mail to another host than the DNS says. The macro is that of the crate `async-trait`:
///
/// ```
/// use std::net::IpAddr;
///
/// use koukan_core::network::{DnsAnswer, LookupError, Mx, Resolver, SharedResolver};
///
/// #[derive(Debug)]
/// struct Diverted {
///     domain: String,
///     host: String,
///     others: SharedResolver,
/// }
///
/// #[async_trait::async_trait]
/// impl Resolver for Diverted {
///     async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
///         self.others.addresses(host).await
///     }
///
///     async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
///         match domain.eq_ignore_ascii_case(&self.domain) {
///             true => Ok(DnsAnswer::insecure([Mx::new(10, self.host.as_str())])),
///             false => self.others.mx(domain).await,
///         }
///     }
/// }
/// ```
///
/// This one does not pass on `txt`, `tlsa` and `ptr`: filters that need them are told that they are not supported.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses of a host (A and AAAA records), in the order in which to try them.
    ///
    /// The answer is proved only if all of it is.
    ///
    /// # Errors
    ///
    /// [`LookupError`]. A host without an address is an answer without records.
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError>;

    /// The hosts that accept a domain's mail, in no particular order.
    ///
    /// *Source*: RFC 5321 section 5.1. A null MX (RFC 7505) has an empty host.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        let _ = domain;
        Err(LookupError::Unsupported)
    }

    /// The texts of a name. The strings of one record are concatenated.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn txt(&self, name: &str) -> Result<DnsAnswer<Box<[u8]>>, LookupError> {
        let _ = name;
        Err(LookupError::Unsupported)
    }

    /// The TLSA records for a server's certificate, at a name such as `_25._tcp.mx.example.com`.
    ///
    /// *Source*: RFC 6698, RFC 7672. Only [`Secure`](super::Proof::Secure) answers count.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn tlsa(&self, name: &str) -> Result<DnsAnswer<Tlsa>, LookupError> {
        let _ = name;
        Err(LookupError::Unsupported)
    }

    /// The names that an address claims to have, without a final dot. They need not resolve to the
    /// address.
    ///
    /// # Errors
    ///
    /// [`LookupError`].
    async fn ptr(&self, address: IpAddr) -> Result<DnsAnswer<Box<str>>, LookupError> {
        let _ = address;
        Err(LookupError::Unsupported)
    }
}

#[async_trait]
impl<R: Resolver + ?Sized> Resolver for Arc<R> {
    async fn addresses(&self, host: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        (**self).addresses(host).await
    }

    async fn mx(&self, domain: &str) -> Result<DnsAnswer<Mx>, LookupError> {
        (**self).mx(domain).await
    }

    async fn txt(&self, name: &str) -> Result<DnsAnswer<Box<[u8]>>, LookupError> {
        (**self).txt(name).await
    }

    async fn tlsa(&self, name: &str) -> Result<DnsAnswer<Tlsa>, LookupError> {
        (**self).tlsa(name).await
    }

    async fn ptr(&self, address: IpAddr) -> Result<DnsAnswer<Box<str>>, LookupError> {
        (**self).ptr(address).await
    }
}

/// A resolver, as stages hold it.
pub type SharedResolver = Arc<dyn Resolver>;

/// Why a look-up brought no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The name does not exist.
    #[error("there is no such name")]
    NoSuchName,
    /// The look-up failed, and may succeed later: nobody answered, or the answer is not trustworthy.
    #[error("the look-up failed")]
    Failed(#[source] BoxError),
    /// The resolver does not support records of that kind.
    #[error("the resolver does not look up records of that kind")]
    Unsupported,
}

impl LookupError {
    /// A failure that may succeed later.
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed(error.into())
    }
}
