use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

/// The SPF result for a client: the signal `spf`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spf {
    /// The result, by its name in RFC 8601: `pass`, `fail`, `softfail`, `neutral`, `none`, `temperror` or
    /// `permerror`.
    pub result: String,
    /// The domain that was checked; empty where there was none.
    pub domain: String,
    /// Where the domain was taken from.
    pub identity: Identity,
    /// The domain's explanation of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// Where the checked domain was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// The reverse-path.
    MailFrom,
    /// HELO or EHLO.
    Helo,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}
