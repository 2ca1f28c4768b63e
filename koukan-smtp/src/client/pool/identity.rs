//! Who we are to hosts, and from where we come.

use koukan_core::signals::HostPort;

use crate::client::{HostIdentities, HostIdentity, Login, SourceAddresses};

use super::Pool;

impl Pool {
    /// Says who we are on each connection, but to those hosts to which we are somebody else.
    pub(crate) fn with_identities(
        mut self,
        login: Option<Login>,
        identities: HostIdentities,
    ) -> Self {
        self.login = login;
        self.identities = identities;
        self
    }

    /// Connects from these addresses.
    pub(crate) fn with_sources(mut self, sources: SourceAddresses) -> Self {
        self.sources = sources;
        self
    }

    /// Who we are to a host alone. Where others than the operator name it we are nobody: whoever has a domain could
    /// have mail go there in our name.
    pub(crate) fn identity(&self, host: &HostPort, is_operators: bool) -> Option<&HostIdentity> {
        self.identities.find(host).filter(|_| is_operators)
    }

    /// What is said on a connection, where anything is.
    pub(super) fn login<'a>(&'a self, identity: Option<&'a HostIdentity>) -> Option<&'a Login> {
        let own = identity.and_then(HostIdentity::login);
        own.or(self.login.as_ref())
    }
}
