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
    /// How long a server is waited for. Default `3s`.
    pub timeout: Option<HumanDuration>,
    /// Whether it is looked at whether the DNS proves its answers, and those that are wrong are refused
    /// (DNSSEC); the servers must pass on what proves them. Default `false`.
    pub dnssec: bool,
    /// A file with the keys that are believed at first, as DNSKEY records of a zone file. Default: those of
    /// the root.
    #[schemars(with = "Option<String>")]
    pub trust_anchor: Option<Place<PathBuf>>,
    /// Answers that are kept, at most, each as long as it says. Default 8192.
    pub cache: Option<NonZeroU64>,
}
