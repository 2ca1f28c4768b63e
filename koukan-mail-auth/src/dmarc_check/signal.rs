use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

/// What DMARC says of a message: the signal `dmarc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dmarc {
    /// The result: `pass`, `fail`, `none`, `temperror`, or `permerror` where the message names no
    /// author of whom it can be told, or too many.
    pub result: String,
    /// What the author's domain asks for where a message fails: `none`, `quarantine` or `reject`.
    pub policy: String,
    /// The author's domain, of several authors that whose answer is worst; empty where there is none.
    pub domain: String,
    /// Whether SPF says that the message is the author's.
    pub spf: bool,
    /// Whether a signature says so.
    pub dkim: bool,
}

impl DurableSignal for Dmarc {
    const NAME: &'static str = "dmarc";
}
