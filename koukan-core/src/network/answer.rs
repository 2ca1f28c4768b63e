//! Answers of the DNS.

use std::time::Duration;

/// A DNS answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsAnswer<T> {
    /// The records; empty where the name has none of this kind.
    pub records: Vec<T>,
    /// Whether DNSSEC proves the answer.
    pub proof: Proof,
    /// How long the answer is valid, where that is known.
    pub ttl: Option<Duration>,
    /// The name that has the records, where the queried name is known to be an alias.
    pub alias: Option<Alias>,
}

/// An alias (CNAME).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alias {
    /// The name at the end of the chain of aliases, without a final dot.
    pub of: Box<str>,
    /// Whether DNSSEC proves that the queried name is an alias, regardless of the rest.
    pub proof: Proof,
}

/// Whether an answer is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// By DNSSEC, and the source of the answer is trusted.
    Secure,
    /// It is not proved.
    Insecure,
}

/// An MX record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mx {
    /// The preference: hosts with lower numbers are tried first.
    pub preference: u16,
    /// The host, without a final dot; empty where the domain accepts no mail.
    pub host: Box<str>,
}

/// A TLSA record.
///
/// *Source*: RFC 6698 section 2.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tlsa {
    /// The certificate usage.
    pub usage: u8,
    /// Which part of the certificate is compared.
    pub selector: u8,
    /// How the data represents it.
    pub matching: u8,
    /// The data.
    pub data: Box<[u8]>,
}

impl<T> DnsAnswer<T> {
    /// Records without proof and with an unknown TTL.
    pub fn insecure(records: impl IntoIterator<Item = T>) -> Self {
        Self {
            records: records.into_iter().collect(),
            proof: Proof::Insecure,
            ttl: None,
            alias: None,
        }
    }

    /// Proved records with an unknown TTL.
    pub fn secure(records: impl IntoIterator<Item = T>) -> Self {
        Self {
            proof: Proof::Secure,
            ..Self::insecure(records)
        }
    }

    /// Sets the TTL.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the alias.
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
