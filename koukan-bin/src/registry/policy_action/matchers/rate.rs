//! A matcher for rates.

use std::num::NonZeroUsize;

use koukan_core::filter::policy_action::matchers::{OverRateMatcher, RateKey};
use serde::Deserialize;

use super::{InvalidFilter, OneOrMany, at};
use crate::config::{MessageRate, Step, instead};

/// The most keys; each takes some hundred octets.
const MAX_KEYS: usize = 10_000_000;

const KEYS: [(&str, RateKey); 7] = [
    ("mail_from", RateKey::MailFrom),
    ("mail_from_domain", RateKey::MailFromDomain),
    ("identity", RateKey::Identity),
    ("network_address", RateKey::NetworkAddress),
    ("sender", RateKey::Sender),
    ("rcpt_to", RateKey::RcptTo),
    ("rcpt_domain", RateKey::RcptDomain),
];

/// The rate, and the key by which it is counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rate {
    by: OneOrMany,
    rate: MessageRate,
    /// For how many keys counts are remembered.
    max_keys: Option<NonZeroUsize>,
}

pub(super) fn rate(config: Rate) -> Result<OverRateMatcher, InvalidFilter> {
    let keys = rate_keys(config.by)?;
    let matcher = OverRateMatcher::new(keys, config.rate.count, config.rate.per);
    Ok(match check_max_keys(config.max_keys)? {
        Some(max) => matcher.with_max_keys(max),
        None => matcher,
    })
}

/// The keys of counting, from the values of `by`.
pub(in crate::registry) fn rate_keys(by: OneOrMany) -> Result<Vec<RateKey>, InvalidFilter> {
    let names = KEYS.map(|(name, _)| name);
    let by = by.all(
        "by",
        "it says whose messages are counted: add `mail_from`, or another",
    )?;
    let keys = by.into_iter().map(|(text, place)| {
        let found = KEYS.iter().find(|(name, _)| *name == text);
        found.map(|(_, key)| *key).ok_or_else(|| {
            let help = instead("key", &text, names);
            at(format!("nothing is counted by `{text}`: {help}"), place)
        })
    });
    keys.collect()
}

/// The value of `max_keys`, if there is memory for so many.
pub(in crate::registry) fn check_max_keys(
    max: Option<NonZeroUsize>,
) -> Result<Option<NonZeroUsize>, InvalidFilter> {
    if max.is_some_and(|max| max.get() > MAX_KEYS) {
        let text = format!("that takes too much memory: up to {MAX_KEYS} are remembered");
        return Err(at(text, vec![Step::Key("max_keys".into())]));
    }
    Ok(max)
}
