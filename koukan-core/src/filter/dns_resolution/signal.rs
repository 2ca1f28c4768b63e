//! The results.

use serde::{Deserialize, Serialize};

use crate::signals::DurableSignal;

/// A name by which a check of the chain knows that this filter gives a result for each recipient. It is not a
/// durable signal: it applies to this chain only.
pub const RECIPIENT: &str = "dns_resolution.recipient";

/// The result for the domain of the reverse-path: the signal `dns_resolution`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DnsResolution {
    /// Whether the domain has hosts; `None` for the null reverse-path.
    #[serde(default)]
    pub mail_result: Option<Resolution>,
}

/// Whether a domain has hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Resolution {
    /// It has.
    Ok,
    /// It has none.
    Nx,
    /// It has none, and says so (RFC 7505).
    NullMx,
    /// It is not known.
    Temp,
}

impl Resolution {
    /// All results.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Nx, Self::NullMx, Self::Temp];

    /// Its name in the signal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Nx => "NX",
            Self::NullMx => "NULL_MX",
            Self::Temp => "TEMP",
        }
    }

    /// The better of the results for two hosts, of which one is enough.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Ok, _) | (_, Self::Ok) => Self::Ok,
            (Self::Temp, _) | (_, Self::Temp) => Self::Temp,
            (first, _) => first,
        }
    }
}

impl DurableSignal for DnsResolution {
    const NAME: &'static str = "dns_resolution";
}
