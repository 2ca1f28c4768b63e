//! The security of a connection to a server.

use std::fmt;

/// How the connection was secured on which a server gave a reply: an extension of
/// [`Reply`](super::Reply), together with [`RemoteMta`](super::RemoteMta). Replies over unencrypted
/// connections have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsVerdict {
    /// By TLS, with an unverified server.
    Unverified,
    /// By TLS, with a trusted certificate for the name of the host.
    Verified,
    /// The same, as required by a policy of the recipients' domain (MTA-STS, RFC 8461).
    MtaSts,
    /// By TLS, with a certificate that the DNS names with proof (DANE, RFC 7672).
    Dane,
}

impl TlsVerdict {
    /// A word for it, as in logs and the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Verified => "verified",
            Self::MtaSts => "mta-sts",
            Self::Dane => "dane",
        }
    }

    /// The one with this name.
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
