//! What is found out.

use serde::{Deserialize, Serialize};

use crate::signals::DurableSignal;

/// What the DNS knows of a client's address: the signal `remote_host`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteHost {
    /// How the look-up went.
    pub status: LookupStatus,
    /// A name that the address has, in lower case, without a final dot: one that leads back to the address, if
    /// there is one, and that by which the client has named itself before others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_hostname: Option<String>,
    /// Whether a name of the address leads back to it (forward-confirmed reverse DNS); none where that is not
    /// known.
    #[serde(default)]
    pub fcrdns: Option<bool>,
    /// Whether the client has named itself, in HELO or EHLO, by such a name; none where that is not known.
    #[serde(default)]
    pub ehlo_alignment: Option<bool>,
}

/// How the look-up went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LookupStatus {
    /// The address has a name.
    Ok,
    /// The address has no name.
    Nx,
    /// The DNS has not answered, or not all of it, or not in time.
    Temp,
    /// The client has no address, as of a message that came by HTTP without one.
    None,
}

impl LookupStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Nx, Self::Temp, Self::None];

    /// As it stands in the signal.
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
    /// Nothing but how the look-up went is known.
    pub(super) fn only(status: LookupStatus) -> Self {
        Self {
            status,
            remote_hostname: None,
            fcrdns: None,
            ehlo_alignment: None,
        }
    }

    /// The address has no name: none can lead back to it.
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
