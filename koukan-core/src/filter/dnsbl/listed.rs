use serde::{Deserialize, Serialize};

use crate::signals::DurableSignal;

/// The lists' results for a client and its domains: the signal `dnsbl`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dnsbl {
    /// The sum of the weights of the lists that contain it.
    pub score: i64,
    /// The lists that contain it.
    #[serde(default)]
    pub lists: Vec<Listed>,
    /// The names of lists that did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// A list that contains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The name of the list.
    pub list: String,
    /// The reason, as the list gives it: an address.
    pub code: String,
}

impl DurableSignal for Dnsbl {
    const NAME: &'static str = "dnsbl";
}
