use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

/// What SPF says of a client: the signal `spf`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spf {
    /// The result, by its name in RFC 8601: `pass`, `fail`, `softfail`, `neutral`, `none`, `temperror` or
    /// `permerror`.
    pub result: String,
    /// The domain that was asked; empty where there was none.
    pub domain: String,
    /// Whose domain it is.
    pub identity: Identity,
    /// What the domain says of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// Whose domain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// That of the reverse-path.
    MailFrom,
    /// That which the client has named in HELO or EHLO.
    Helo,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}
