//! What the DNS answers.

use std::time::Duration;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsAnswer<T> {
    /// The records; none where the name has none of the kind.
    pub records: Vec<T>,
    /// Whether the DNS proves it.
    pub proof: Proof,
    /// For how long it holds, where that is known.
    pub ttl: Option<Duration>,
    /// Where the records stand, where the name that was asked for is an alias, and that is known.
    pub alias: Option<Alias>,
}

/// A name that stands for another (CNAME).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alias {
    /// The name at the end of all aliases, without a final dot.
    pub of: Box<str>,
    /// Whether the DNS proves that the name that was asked for is an alias, whatever it proves of the rest.
    pub proof: Proof,
}

/// Whether the DNS proves an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// By DNSSEC, and whoever answered is believed that.
    Secure,
    /// It does not.
    Insecure,
}

/// An MX record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mx {
    /// The lower, the sooner the host is to be tried.
    pub preference: u16,
    /// The host, without a final dot; empty where the domain takes no mail.
    pub host: Box<str>,
}

/// A TLSA record.
///
/// *Source*: RFC 6698 section 2.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// The certificate usage.
    pub usage: u8,
    /// Which part of the certificate is meant.
    pub selector: u8,
    /// How the data stands for it.
    pub matching: u8,
    /// The data.
    pub data: Box<[u8]>,
}

impl<T> DnsAnswer<T> {
    /// Records that nothing proves, and of which it is not known how long they hold.
    pub fn insecure(records: impl IntoIterator<Item = T>) -> Self {
        Self {
            records: records.into_iter().collect(),
            proof: Proof::Insecure,
            ttl: None,
            alias: None,
        }
    }

    /// Records that the DNS proves, and of which it is not known how long they hold.
    pub fn secure(records: impl IntoIterator<Item = T>) -> Self {
        Self {
            proof: Proof::Secure,
            ..Self::insecure(records)
        }
    }

    /// The same, known to hold so long.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// The same, of a name that may be an alias.
    #[must_use]
    pub fn with_alias(mut self, alias: Option<Alias>) -> Self {
        self.alias = alias;
        self
    }
}

/// As [`DnsAnswer::insecure`].
impl<T, const N: usize> From<[T; N]> for DnsAnswer<T> {
    fn from(records: [T; N]) -> Self {
        Self::insecure(records)
    }
}

impl Mx {
    /// An MX record.
    pub fn new(preference: u16, host: impl Into<Box<str>>) -> Self {
        Self {
            preference,
            host: host.into(),
        }
    }
}
