//! How much of TLS is asked of hosts.

use koukan_core::tls::ClientTls;

/// How much of TLS is asked of hosts.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum TlsPolicy {
    /// None is begun.
    #[default]
    Never,
    /// It is begun where a host offers STARTTLS; mail goes in clear where it fails, or is not offered.
    ///
    /// *Source*: RFC 7435.
    Opportunistic(ClientTls),
    /// It is begun, or no mail goes to the host. With a [`ClientTls`] that verifies, neither where the
    /// certificate is not believed, or is not for the name of the host: the name that the settings or the
    /// routing have given, or the address where that stands in its place.
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
