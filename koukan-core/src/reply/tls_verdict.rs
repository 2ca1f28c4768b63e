//! How a connection to a server was secured.

use std::fmt;

/// How the connection was secured on which a server gave a reply: an extension of [`Reply`](super::Reply)
/// beside [`RemoteMta`](super::RemoteMta). Replies that came in clear have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsVerdict {
    /// By TLS, with whoever it was.
    Unverified,
    /// By TLS, with a certificate that is believed and is for the name of the host.
    Verified,
    /// The same, as a policy of the recipients' domain demands (MTA-STS, RFC 8461).
    MtaSts,
    /// By TLS, with a certificate that the DNS names and proves (DANE, RFC 7672).
    Dane,
}

impl TlsVerdict {
    /// In a word, as in logs and the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Verified => "verified",
            Self::MtaSts => "mta-sts",
            Self::Dane => "dane",
        }
    }

    /// The one that is called so.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Unverified, Self::Verified, Self::MtaSts, Self::Dane];
        all.into_iter().find(|verdict| verdict.as_str() == name)
    }
}

impl fmt::Display for TlsVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
