//! How much TLS is required of hosts, and when it begins.

use koukan_core::{signals::HostPort, tls::ClientTls};

use super::by_host::ByHost;

/// How much TLS is required of hosts, and when it begins.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum TlsPolicy {
    /// TLS is not used.
    #[default]
    Never,
    /// TLS is used if a host offers STARTTLS; if it fails or is not offered, mail is sent in clear.
    ///
    /// *Source*: RFC 7435.
    Opportunistic(ClientTls),
    /// TLS is required, and begins with STARTTLS; otherwise no mail is sent to the host. With a [`ClientTls`] that
    /// verifies, the certificate must be trusted and be for the name of the host, as the settings or the routing give
    /// it, or for its address literal.
    Required(ClientTls),
    /// TLS is required, and begins with the first octet, as at port 465: the greeting comes after the handshake.
    /// Nothing is ever sent in clear. Certificates are as with [`TlsPolicy::Required`].
    ///
    /// This is for servers that are named, such as a provider's: the mail hosts of domains greet in clear (port 25).
    ///
    /// *Source*: RFC 8314 section 3.3.
    Immediate(ClientTls),
}

/// The policies of single hosts, where they differ from that for all others.
#[derive(Debug, Clone, Default)]
pub struct HostTls(ByHost<TlsPolicy>);

/// The policy of each host.
///
/// It depends on nothing but the host and its port, by which connections are kept: so connections on which TLS has
/// begun in different ways are never mixed.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsPolicies {
    pub(crate) general: TlsPolicy,
    pub(crate) hosts: HostTls,
}

impl TlsPolicy {
    pub(super) fn tls(&self) -> Option<&ClientTls> {
        match self {
            Self::Never => None,
            Self::Opportunistic(tls) | Self::Required(tls) | Self::Immediate(tls) => Some(tls),
        }
    }

    pub(super) fn is_required(&self) -> bool {
        matches!(self, Self::Required(_) | Self::Immediate(_))
    }

    /// Whether TLS begins before the greeting.
    pub(super) fn is_immediate(&self) -> bool {
        matches!(self, Self::Immediate(_))
    }
}

impl HostTls {
    /// Sets the policy for a host; replaces an earlier one. The case of the host name does not matter.
    pub fn set(&mut self, host: &HostPort, policy: TlsPolicy) {
        self.0.set(host, policy);
    }
}

impl TlsPolicies {
    pub(crate) fn of(&self, host: &HostPort) -> &TlsPolicy {
        self.hosts.0.find(host).unwrap_or(&self.general)
    }
}
