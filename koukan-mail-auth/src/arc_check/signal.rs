use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

use crate::arc::ArcVerified;

/// The outcome of verifying a message's chain: the signal `arc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Arc {
    /// `none`, `pass`, `fail` or `temperror`.
    pub result: String,
    /// Why the chain is not valid.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The number of sets.
    pub sets: usize,
    /// The domain of the last sealer; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// The domains of all sealers, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
}

impl DurableSignal for Arc {
    const NAME: &'static str = "arc";
}

impl Arc {
    pub(super) fn of(verified: &ArcVerified) -> Self {
        Self {
            result: verified.result.as_str().to_owned(),
            reason: verified.reason.to_owned(),
            sets: verified.domains.len(),
            domain: verified.domains.last().cloned().unwrap_or_default(),
            domains: verified.domains.clone(),
        }
    }
}
