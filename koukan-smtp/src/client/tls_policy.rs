//! How much TLS is required of hosts.

use koukan_core::tls::ClientTls;

/// How much TLS is required of hosts.
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
    /// TLS is required; otherwise no mail is sent to the host. With a [`ClientTls`] that verifies, the certificate
    /// must be trusted and be for the name of the host, as the settings or the routing give it, or for its address
    /// literal.
    Required(ClientTls),
}

impl TlsPolicy {
    pub(super) fn tls(&self) -> Option<&ClientTls> {
        match self {
            Self::Never => None,
            Self::Opportunistic(tls) | Self::Required(tls) => Some(tls),
        }
    }

    pub(super) fn is_required(&self) -> bool {
        matches!(self, Self::Required(_))
    }
}
