//! The credentials that a pool uses with its hosts, and its source addresses.

use koukan_core::signals::HostPort;

use crate::client::{HostIdentities, HostIdentity, Login, SourceAddresses};

use super::Pool;

impl Pool {
    /// Logs in on each connection with `login`, but with hosts that have credentials of their own with those.
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

    /// The host's own credentials. There are none if the operator has not named the host: otherwise the owner of any
    /// domain could have mail sent there in our name.
    pub(crate) fn identity(&self, host: &HostPort, is_operators: bool) -> Option<&HostIdentity> {
        self.identities.find(host).filter(|_| is_operators)
    }

    /// The credentials for a connection, if there are any.
    pub(super) fn login<'a>(&'a self, identity: Option<&'a HostIdentity>) -> Option<&'a Login> {
        let own = identity.and_then(HostIdentity::login);
        own.or(self.login.as_ref())
    }
}
