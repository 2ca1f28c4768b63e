use koukan_core::signals::DurableSignal;
use serde::{Deserialize, Serialize};

/// The DMARC result for a message: the signal `dmarc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dmarc {
    /// The result: `pass`, `fail`, `none`, `temperror`; or `permerror` where the message names no
    /// author that can be read for certain, or too many.
    pub result: String,
    /// The policy of the author's domain for messages that fail: `none`, `quarantine` or `reject`.
    pub policy: String,
    /// The author's domain; of several authors, the one whose answer is worst. Empty where there is
    /// none.
    pub domain: String,
    /// Whether SPF authenticates the message as the author's.
    pub spf: bool,
    /// Whether a signature authenticates it as the author's.
    pub dkim: bool,
}

impl DurableSignal for Dmarc {
    const NAME: &'static str = "dmarc";
}
