//! What holds for single destinations.

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroUsize},
};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{CertificateFiles, ClientAuth, MessageRate, Place, Retry};

/// What holds for one destination in place of what holds for all. Of several for the same domain, that
/// with the longest name counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Destination {
    /// A host as mail is sent to it, as in `mx.example.com:25` or `unix:/run/dovecot/lmtp`: `connections`,
    /// `messages_per_connection`, `recipients_per_transaction`, `rate`, `auth`, `certificate` and `source_address`
    /// hold for it.
    #[schemars(with = "Option<String>")]
    pub host: Option<Place<String>>,
    /// A domain of recipients, or all below one, as in `.example.com`: `retry` and `mta_sts` hold for it.
    #[schemars(with = "Option<String>")]
    pub domain: Option<Place<String>>,
    /// Connections to the host, at most, of each `smtp` endpoint.
    #[schemars(with = "Option<NonZeroUsize>")]
    pub connections: Option<Place<NonZeroUsize>>,
    /// Messages on one connection, at most. Default 1000.
    #[schemars(with = "Option<NonZeroU32>")]
    pub messages_per_connection: Option<Place<NonZeroU32>>,
    /// Recipients of one transaction with the host, at most. Default 100.
    #[schemars(with = "Option<NonZeroUsize>")]
    pub recipients_per_transaction: Option<Place<NonZeroUsize>>,
    /// Whether the domain's policy is followed (MTA-STS). Default: as the `smtp` endpoint says.
    pub mta_sts: Option<bool>,
    /// Messages that all `smtp` endpoints together send to the host in a time, at most, as in `10/s`.
    #[schemars(with = "Option<MessageRate>")]
    pub rate: Option<Place<MessageRate>>,
    /// Who this agent says to be to the host, where the configuration names it. Default: as the `smtp` endpoint says.
    pub auth: Option<ClientAuth>,
    /// The certificate that the host is shown where it asks for one, likewise.
    pub certificate: Option<CertificateFiles>,
    /// The addresses of this machine from which connections to the host are made, instead of those of the `smtp`
    /// endpoint.
    #[schemars(with = "Vec<IpAddr>")]
    pub source_address: Vec<Place<IpAddr>>,
    /// How often and for how long delivery is tried, where that is not as the chain says.
    pub retry: Retry,
}

impl Destination {
    /// Whether it limits what a host gets.
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

    /// Whether this agent is somebody else to a host than to others.
    pub(crate) fn has_identity(&self) -> bool {
        self.auth.is_some() || self.certificate.is_some()
    }
}
