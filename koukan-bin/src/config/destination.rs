//! What holds for single destinations.

use std::num::{NonZeroU32, NonZeroUsize};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Place, Retry};

/// What holds for one destination in place of what holds for all. Of several for the same domain, the
/// first counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Destination {
    /// A host as mail is sent to it, as in `mx.example.com:25`: `connections` and
    /// `messages_per_connection` hold for it.
    #[schemars(with = "Option<String>")]
    pub host: Option<Place<String>>,
    /// A domain of recipients, or all below one, as in `.example.com`: `retry` holds for it.
    #[schemars(with = "Option<String>")]
    pub domain: Option<Place<String>>,
    /// Connections to the host, at most, of each `smtp` endpoint.
    #[schemars(with = "Option<NonZeroUsize>")]
    pub connections: Option<Place<NonZeroUsize>>,
    /// Messages on one connection, at most. Default 1000.
    #[schemars(with = "Option<NonZeroU32>")]
    pub messages_per_connection: Option<Place<NonZeroU32>>,
    /// How often and for how long delivery is tried, where that is not as the chain says.
    pub retry: Retry,
}

impl Destination {
    /// Whether mail for a domain is meant.
    pub(crate) fn is_for(&self, domain: &str) -> bool {
        let named = self.domain.as_ref();
        named.is_some_and(|named| covers(&named.value, domain))
    }
}

/// Whether a domain, or all below one, has another within it.
pub(super) fn covers(named: &str, domain: &str) -> bool {
    let end = |len: usize| domain.len().checked_sub(len);
    match named.starts_with('.') {
        // A name is there before the dot.
        true => end(named.len())
            .filter(|at| *at > 0)
            .and_then(|at| domain.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(named)),
        false => domain.eq_ignore_ascii_case(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_meant_by_its_name_or_by_one_above_it() {
        for (named, domain, is_meant) in [
            ("example.com", "Example.COM", true),
            ("example.com", "a.example.com", false),
            (".example.com", "a.example.com", true),
            (".Example.com", "a.b.example.COM", true),
            (".example.com", "example.com", false),
            (".example.com", ".example.com", false),
            (".example.com", "anexample.com", false),
            ("example.com", "", false),
            (".example.com", "x", false),
        ] {
            assert_eq!(covers(named, domain), is_meant, "{named} {domain}");
        }
    }
}
