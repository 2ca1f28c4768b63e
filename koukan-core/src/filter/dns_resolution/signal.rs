//! What is found out.

use serde::{Deserialize, Serialize};

use crate::signals::DurableSignal;

/// By which those who check a chain know that something is found out of each recipient. It is no durable signal:
/// it holds for the chain alone.
pub const RECIPIENT: &str = "dns_resolution.recipient";

/// What the DNS says of the domain of the reverse-path: the signal `dns_resolution`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DnsResolution {
    /// Whether there are hosts for it; none of the null reverse-path.
    #[serde(default)]
    pub mail_result: Option<Resolution>,
}

/// Whether there are hosts for a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Resolution {
    /// There are.
    Ok,
    /// There are none.
    Nx,
    /// There are none, as the domain says itself (RFC 7505).
    NullMx,
    /// It is not known.
    Temp,
}

impl Resolution {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Nx, Self::NullMx, Self::Temp];

    /// As it stands in the signal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Nx => "NX",
            Self::NullMx => "NULL_MX",
            Self::Temp => "TEMP",
        }
    }

    /// Of several hosts, of which one is enough: the better of two.
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
