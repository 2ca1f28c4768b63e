//! The result.

use serde::{Deserialize, Serialize};

use crate::signals::DurableSignal;

/// The result for a client's address: the signal `remote_host`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteHost {
    /// The outcome of the look-up.
    pub status: LookupStatus,
    /// A name of the address, in lower case, without a final dot: preferably one that resolves back to the
    /// address, and among those the name that the client gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_hostname: Option<String>,
    /// Whether a name of the address resolves back to it (forward-confirmed reverse DNS); `None` where that is
    /// unknown.
    #[serde(default)]
    pub fcrdns: Option<bool>,
    /// Whether the client gave such a name in HELO or EHLO; `None` where that is unknown.
    #[serde(default)]
    pub ehlo_alignment: Option<bool>,
}

/// The outcome of the look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LookupStatus {
    /// The address has a name.
    Ok,
    /// The address has no name.
    Nx,
    /// The DNS did not answer completely in time.
    Temp,
    /// The client has no address, as for a message that came by HTTP.
    None,
}

impl LookupStatus {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Nx, Self::Temp, Self::None];

    /// Its name in the signal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Nx => "NX",
            Self::Temp => "TEMP",
            Self::None => "NONE",
        }
    }
}

impl RemoteHost {
    /// A result of which only the outcome is known.
    pub(super) fn only(status: LookupStatus) -> Self {
        Self {
            status,
            remote_hostname: None,
            fcrdns: None,
            ehlo_alignment: None,
        }
    }

    /// The address has no name, so none resolves back to it.
    pub(super) fn nameless() -> Self {
        Self {
            fcrdns: Some(false),
            ehlo_alignment: Some(false),
            ..Self::only(LookupStatus::Nx)
        }
    }
}

impl DurableSignal for RemoteHost {
    const NAME: &'static str = "remote_host";
}
