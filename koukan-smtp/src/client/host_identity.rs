//! Who a client is to single hosts.

use koukan_core::signals::HostPort;

use super::{Login, by_host::ByHost};

/// Who a client says to be to one host, and by what it shows it.
#[derive(Debug, Clone, Default)]
pub struct HostIdentity {
    login: Option<Login>,
    #[cfg(feature = "tls")]
    certificates: Option<koukan_core::tls::Certificates>,
}

/// Who a client is to single hosts, where that is another than to all.
#[derive(Debug, Clone, Default)]
pub struct HostIdentities(ByHost<HostIdentity>);

impl HostIdentity {
    /// Says who we are on each connection to the host, in place of what is said to all hosts. Without TLS it is
    /// said as [`ClientSettings::with_login`](super::ClientSettings::with_login) tells.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Shows the host the first of these certificates, where it asks for one, in place of that for all hosts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_certificates(mut self, certificates: koukan_core::tls::Certificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    pub(super) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    #[cfg(feature = "tls")]
    pub(super) fn certificates(&self) -> Option<&koukan_core::tls::Certificates> {
        self.certificates.as_ref()
    }
}

impl HostIdentities {
    /// Sets who we are to a host, in place of what was set before; its name is the same in capitals.
    pub fn set(&mut self, host: &HostPort, identity: HostIdentity) {
        self.0.set(host, identity);
    }

    pub(super) fn find(&self, host: &HostPort) -> Option<&HostIdentity> {
        self.0.find(host)
    }
}
