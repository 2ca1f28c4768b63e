//! Settings for single destinations.

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroUsize},
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CertificateFiles, ClientAuth, MessageRate, Place, Retry, ServerTlsMode, TlsLevel};

/// Settings for one destination; they override those for all. If several match a domain, the one with the longest
/// name counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Destination {
    /// A host as mail is sent to it, as in `mx.example.com:25` or `unix:/run/dovecot/lmtp`. A host can have
    /// `connections`, `messages_per_connection`, `recipients_per_transaction`, `rate`, `tls`, `tls_mode`, `auth`,
    /// `certificate` and `source_address`.
    #[schemars(with = "Option<String>")]
    pub host: Option<Place<String>>,
    /// A domain of recipients; or all domains below one, as in `.example.com`. A domain can have `retry` and `mta_sts`.
    #[schemars(with = "Option<String>")]
    pub domain: Option<Place<String>>,
    /// The most connections of each `smtp` endpoint to the host.
    #[schemars(with = "Option<NonZeroUsize>")]
    pub connections: Option<Place<NonZeroUsize>>,
    /// The most messages on one connection. Default 1000.
    #[schemars(with = "Option<NonZeroU32>")]
    pub messages_per_connection: Option<Place<NonZeroU32>>,
    /// The most recipients in one transaction with the host. Default 100.
    #[schemars(with = "Option<NonZeroUsize>")]
    pub recipients_per_transaction: Option<Place<NonZeroUsize>>,
    /// Whether to follow the domain's MTA-STS policy. Default: as the `smtp` endpoint says.
    pub mta_sts: Option<bool>,
    /// The most messages that all `smtp` endpoints together send to the host in a time, as in `10/s`.
    #[schemars(with = "Option<MessageRate>")]
    pub rate: Option<Place<MessageRate>>,
    /// How much TLS is required of the host. Default: as the `smtp` endpoint says.
    #[schemars(with = "Option<TlsLevel>")]
    pub tls: Option<Place<TlsLevel>>,
    /// When TLS begins with the host. Default: as the `smtp` endpoint says.
    #[schemars(with = "Option<ServerTlsMode>")]
    pub tls_mode: Option<Place<ServerTlsMode>>,
    /// The credentials for the host, where the configuration names the host. Default: as the `smtp` endpoint says.
    pub auth: Option<ClientAuth>,
    /// The certificate for the host, if it asks for one. Default: as the `smtp` endpoint says.
    pub certificate: Option<CertificateFiles>,
    /// The addresses of this machine from which connections to the host are made, instead of those of the `smtp`
    /// endpoint.
    #[schemars(with = "Vec<IpAddr>")]
    pub source_address: Vec<Place<IpAddr>>,
    /// How often and for how long delivery is tried. Default: as the chain says.
    pub retry: Retry,
}

impl Destination {
    /// Whether it limits what is sent to a host.
    pub(super) fn has_limits(&self) -> bool {
        self.connections.is_some()
            || self.messages_per_connection.is_some()
            || self.recipients_per_transaction.is_some()
            || self.rate.is_some()
    }

    /// Whether it sets source addresses for a host.
    pub(crate) fn has_source(&self) -> bool {
        !self.source_address.is_empty()
    }

    /// Whether it says how TLS is used with a host.
    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some() || self.tls_mode.is_some()
    }

    /// Whether it says that TLS is not used.
    pub(crate) fn excludes_tls(&self) -> bool {
        let level = self.tls.as_ref();
        level.is_some_and(|level| level.value == TlsLevel::Never)
    }

    /// Whether it says itself that TLS is to begin at once, and that it is not used.
    pub(crate) fn is_tls_impossible(&self) -> bool {
        let mode = self.tls_mode.as_ref();
        let is_immediate = mode.is_some_and(|mode| mode.value == ServerTlsMode::Immediate);
        self.excludes_tls() && is_immediate
    }

    /// Whether this agent uses other credentials with this host than with others.
    pub(crate) fn has_identity(&self) -> bool {
        self.auth.is_some() || self.certificate.is_some()
    }
}
