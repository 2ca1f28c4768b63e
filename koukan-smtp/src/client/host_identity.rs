//! The identity of a client at single hosts.

use koukan_core::signals::HostPort;

use super::{Login, by_host::ByHost};

/// The credentials and certificates that a client uses with one host.
#[derive(Debug, Clone, Default)]
pub struct HostIdentity {
    login: Option<Login>,
    #[cfg(feature = "tls")]
    certificates: Option<koukan_core::tls::Certificates>,
}

/// The identity of a client at single hosts, where it differs from that at all others.
#[derive(Debug, Clone, Default)]
pub struct HostIdentities(ByHost<HostIdentity>);

impl HostIdentity {
    /// Authenticates on each connection to the host with this login, instead of the login for all
    /// hosts. Without TLS, the rules of
    /// [`ClientSettings::with_login`](super::ClientSettings::with_login) apply.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Uses the first of these certificates if the host asks for one, instead of the certificate
    /// for all hosts.
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
    /// Sets the identity for a host; replaces an earlier one. The case of the host name does not matter.
    pub fn set(&mut self, host: &HostPort, identity: HostIdentity) {
        self.0.set(host, identity);
    }

    pub(super) fn find(&self, host: &HostPort) -> Option<&HostIdentity> {
        self.0.find(host)
    }
}
