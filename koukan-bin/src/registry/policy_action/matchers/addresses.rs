//! Matchers for addresses.

use std::path::PathBuf;

use koukan_core::filter::{
    MailboxList,
    policy_action::matchers::{AddressMatcher, WhichAddress},
};
use serde::Deserialize;

use super::{InvalidFilter, Surroundings, at};
use crate::{
    config::{ByteSize, HumanDuration, Step},
    registry::{list_urls::Elsewhere, text::RecipientDomain},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addresses {
    #[serde(default)]
    which_addr: Which,
    #[serde(default)]
    domains: Vec<RecipientDomain>,
    #[serde(default)]
    prefixes: Vec<String>,
    /// A file with one domain or address in each line.
    file: Option<PathBuf>,
    /// The URL of such a list.
    url: Option<String>,
    /// How often to check whether the list has changed.
    refresh: Option<HumanDuration>,
    /// The most octets in the list.
    max_size: Option<ByteSize>,
    /// The file that keeps the last valid list.
    kept_in: Option<PathBuf>,
    /// Whether an empty list may replace one with entries.
    allow_empty: Option<bool>,
    delimiter: Option<char>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Which {
    #[default]
    MailFrom,
    RcptTo,
    HeaderFrom,
    AnyHeaderFrom,
}

impl From<Which> for WhichAddress {
    fn from(which: Which) -> Self {
        match which {
            Which::MailFrom => Self::MailFrom,
            Which::RcptTo => Self::RcptTo,
            Which::HeaderFrom => Self::HeaderFrom,
            Which::AnyHeaderFrom => Self::AnyHeaderFrom,
        }
    }
}

pub(super) fn address_list(
    config: Addresses,
    surroundings: &Surroundings,
) -> Result<AddressMatcher, InvalidFilter> {
    let which = config.which_addr.into();
    let is_fixed = !config.domains.is_empty() || !config.prefixes.is_empty();
    let elsewhere = Elsewhere {
        file: config.file,
        url: config.url,
        refresh: config.refresh,
        max_size: config.max_size,
        kept_in: config.kept_in,
        allow_empty: config.allow_empty,
    };
    if let Some(key) = elsewhere.key().filter(|_| is_fixed) {
        let text = format!(
            "`{key}` stands beside `domains` or `prefixes`: make two matchers of them, in `any`"
        );
        return Err(at(text, vec![Step::Key(key.into())]));
    }
    if let Some(set) = elsewhere.list(surroundings)? {
        return Ok(AddressMatcher::in_set(which, set, config.delimiter));
    }
    if !is_fixed {
        let text = "without `domains`, `prefixes`, `file` and `url` it knows every address: add one of them";
        return Err(InvalidFilter::new(text));
    }
    let fixed = MailboxList::default()
        .with_domains(config.domains.into_iter().map(|domain| domain.0))
        .with_prefixes(config.prefixes);
    let fixed = match config.delimiter {
        Some(delimiter) => fixed.with_delimiter(delimiter),
        None => fixed,
    };
    Ok(AddressMatcher::new(which, fixed))
}
