//! Whether sessions have TLS, and from when on.

use koukan_core::tls::ServerTls;

/// From when on a server's sessions have TLS.
#[derive(Debug, Clone, Default)]
pub(super) enum Security {
    /// They have none.
    #[default]
    None,
    /// From when the client says STARTTLS.
    Offered(ServerTls),
    /// From the first octet on.
    Immediate(ServerTls),
}

impl Security {
    /// What there is to be offered.
    pub(super) fn offered(&self) -> Option<ServerTls> {
        match self {
            Self::Offered(tls) => Some(tls.clone()),
            Self::None | Self::Immediate(_) => None,
        }
    }

    /// What sessions begin with.
    pub(super) fn immediate(&self) -> Option<&ServerTls> {
        match self {
            Self::Immediate(tls) => Some(tls),
            Self::None | Self::Offered(_) => None,
        }
    }
}
