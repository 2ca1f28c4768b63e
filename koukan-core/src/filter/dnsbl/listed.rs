use serde::{Deserialize, Serialize};

use crate::signals::DurableSignal;

/// What lists say of a client and its domains: the signal `dnsbl`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dnsbl {
    /// The weights of the lists that name it, together.
    pub score: i64,
    /// Those lists.
    #[serde(default)]
    pub lists: Vec<Listed>,
    /// The names of lists that have not answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// A list that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// What the list is called.
    pub list: String,
    /// Why, as the list says: an address.
    pub code: String,
}

impl DurableSignal for Dnsbl {
    const NAME: &'static str = "dnsbl";
}
