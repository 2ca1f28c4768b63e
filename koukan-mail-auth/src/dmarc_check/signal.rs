use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

/// What DMARC says of a message: the signal `dmarc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dmarc {
    /// The result: `pass`, `fail`, `none`, `temperror`, or `permerror` where the message does not name one
    /// domain as its author.
    pub result: String,
    /// What the author's domain asks for where a message fails: `none`, `quarantine` or `reject`.
    pub policy: String,
    /// The author's domain; empty where there is not one.
    pub domain: String,
    /// Whether SPF says that the message is the author's.
    pub spf: bool,
    /// Whether a signature says so.
    pub dkim: bool,
}

impl DurableSignal for Dmarc {
    const NAME: &'static str = "dmarc";
}
