//! Whether sessions use TLS, and from when on.

use koukan_core::tls::ServerTls;

/// From when on the sessions of a server use TLS.
#[derive(Debug, Clone, Default)]
pub(super) enum Security {
    /// Never.
    #[default]
    None,
    /// From when the client says STARTTLS.
    Offered(ServerTls),
    /// From the first octet on.
    Immediate(ServerTls),
}

impl Security {
    /// The TLS to offer with STARTTLS, if any.
    pub(super) fn offered(&self) -> Option<ServerTls> {
        match self {
            Self::Offered(tls) => Some(tls.clone()),
            Self::None | Self::Immediate(_) => None,
        }
    }

    /// The TLS with which sessions begin, if any.
    pub(super) fn immediate(&self) -> Option<&ServerTls> {
        match self {
            Self::Immediate(tls) => Some(tls),
            Self::None | Self::Offered(_) => None,
        }
    }
}
