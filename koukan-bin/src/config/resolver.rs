//! How names are looked up.

use std::{net::SocketAddr, num::NonZeroU64, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{HumanDuration, Place};

/// How names are looked up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Resolver {
    /// The DNS servers to ask, as in `192.0.2.53:53`. Default: those of the system.
    #[schemars(with = "Vec<String>")]
    pub server: Vec<Place<SocketAddr>>,
    /// How long to wait for a server. Default `3s`.
    pub timeout: Option<HumanDuration>,
    /// Whether to validate answers with DNSSEC, and refuse those that are bogus. The servers must
    /// pass on the DNSSEC records. Default `false`.
    pub dnssec: bool,
    /// A file with the trust anchors, as DNSKEY records in zone file format. Default: those of the root.
    #[schemars(with = "Option<String>")]
    pub trust_anchor: Option<Place<PathBuf>>,
    /// The most answers that are cached, each for its time to live. Default 8192.
    pub cache: Option<NonZeroU64>,
}
