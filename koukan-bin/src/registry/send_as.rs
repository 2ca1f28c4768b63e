//! The filter `send_as`: who may send as whom.

use std::{collections::BTreeMap, path::PathBuf};

use koukan_core::filter::{
    MailboxSet, Replaceable,
    send_as::{Permissions, SendAs, SendAsLayer, Unsuitable},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{InvalidFilter, Registry, Surroundings, list_files::list};
use crate::config::Step;

/// Adds the filter.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter("send_as", send_as);
    registry.signals("send_as", []);
}

/// Refuses messages in the name of others.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The addresses and domains of each identity; `*` stands for all.
    identities: Option<BTreeMap<String, Vec<String>>>,
    /// A file with one identity and its addresses in each line.
    file: Option<PathBuf>,
    /// The character that begins the ignored part of a local part.
    delimiter: Option<char>,
    /// Whether the null reverse-path is allowed.
    null_reverse_path: Option<bool>,
    /// Whether the header section is checked.
    header: Option<bool>,
    /// What to do with mail of clients without an identity, or with one that is not listed.
    others: Option<Others>,
    /// What to do with addresses in the header section that are not allowed.
    unsuitable: Option<UnsuitableConfig>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Others {
    Refuse,
    Pass,
}

#[derive(Deserialize, Clone, Copy, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum UnsuitableConfig {
    Refuse,
    RewriteSender,
    RewriteFrom,
}

fn send_as(config: Config, surroundings: &Surroundings) -> Result<SendAsLayer, InvalidFilter> {
    let permissions = match (&config.identities, &config.file) {
        (Some(identities), None) => Replaceable::new(permissions(identities)?),
        (None, Some(file)) => list(surroundings, file, "file")?,
        (None, None) => {
            let text = "neither `identities` nor `file` is there: nobody could send anything";
            return Err(InvalidFilter::new(text));
        }
        (Some(_), Some(_)) => {
            let text =
                "`identities` and `file` are both there: put all identities into one of them";
            return Err(at(vec![Step::Key("file".into())], text.into()));
        }
    };
    let mut rules = SendAs::following(permissions);
    if let Some(delimiter) = config.delimiter {
        rules = rules.with_delimiter(delimiter);
    }
    if config.null_reverse_path == Some(false) {
        rules = rules.without_null();
    }
    if config.others == Some(Others::Pass) {
        rules = rules.letting_others_pass();
    }
    if config.header == Some(false) {
        if config.unsuitable.is_some() {
            let text = "`unsuitable` is of no use where `header` is false: leave one of them out";
            return Err(at(vec![Step::Key("unsuitable".into())], text.into()));
        }
        rules = rules.without_header();
    }
    Ok(SendAsLayer::new(match config.unsuitable {
        None | Some(UnsuitableConfig::Refuse) => rules,
        Some(UnsuitableConfig::RewriteSender) => rules.with_unsuitable(Unsuitable::SenderRewritten),
        Some(UnsuitableConfig::RewriteFrom) => rules.with_unsuitable(Unsuitable::FromRewritten),
    }))
}

fn permissions(identities: &BTreeMap<String, Vec<String>>) -> Result<Permissions, InvalidFilter> {
    let mut all = Permissions::default();
    for (identity, addresses) in identities {
        let here = || vec![Step::Key("identities".into()), Step::Key(identity.clone())];
        if addresses.is_empty() {
            let text = format!("`{identity}` may use nothing: add an address, a domain or `*`");
            return Err(at(here(), text));
        }
        for (index, address) in addresses.iter().enumerate() {
            if address == "*" {
                all.insert_all(identity);
                continue;
            }
            let set = address.parse::<MailboxSet>();
            let set = set.map_err(|error| {
                let place = [here(), vec![Step::Item(index)]].concat();
                at(place, error.message)
            })?;
            all.insert(identity, &set);
        }
    }
    Ok(all)
}

fn at(at: Vec<Step>, message: String) -> InvalidFilter {
    InvalidFilter { message, at }
}
