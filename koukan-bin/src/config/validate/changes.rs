//! Checks filters that change messages after another filter has signed or parsed them.

use super::Check;
use crate::{
    config::{Chain, Endpoint, Filter},
    registry::{changed_fields, signs},
};

const SIGNS: &str = "dkim_sign";
const PARSES: &str = "message_parser";

impl Check<'_> {
    /// Checks that what is signed is not changed, and that what is reported of a message is still true.
    pub(super) fn changes(&mut self) {
        for chain in &self.config.chain {
            let before = self.all_leading_to(chain);
            let before = before.iter().flat_map(|before| {
                let whose = format!("of chain `{}`", before.name.value);
                signing(before).map(move |filter| (filter, whose.clone()))
            });
            let mut signed: Vec<(&Filter, String)> = before.collect();
            let mut is_parsed = false;
            for filter in &chain.filter {
                let name = &filter.value.name;
                let mut signed_before = signed.iter();
                let broken = signed_before.find(|(signing, _)| breaks(&filter.value, signing));
                if let Some((_, whose)) = broken {
                    let message =
                        format!("filter `{name}` changes what `{SIGNS}` {whose} has signed");
                    let help = format!("put `{SIGNS}` behind it");
                    self.wrong(filter, message, Some(help));
                }
                if is_parsed && changes(&filter.value) {
                    let message = format!(
                        "filter `{name}` changes what `{PARSES}` before it has taken apart"
                    );
                    let help = format!("put `{PARSES}` behind it");
                    self.wrong(filter, message, Some(help));
                }
                if name == SIGNS {
                    signed.push((&filter.value, "before it".into()));
                }
                is_parsed |= name == PARSES && tells(chain);
            }
        }
    }
}

fn signing(chain: &Chain) -> impl Iterator<Item = &Filter> {
    let filters = chain.filter.iter().map(|filter| &filter.value);
    filters.filter(|filter| filter.name == SIGNS)
}

/// Whether the chain reports messages as they were parsed.
fn tells(chain: &Chain) -> bool {
    matches!(chain.endpoint, Endpoint::Rest(_) | Endpoint::Webhook(_))
}

/// Whether a filter may change signed header fields.
fn breaks(filter: &Filter, signing: &Filter) -> bool {
    let fields = match &*filter.name {
        "send_as" => return rewrites(filter),
        "change_header" => changed_fields(&filter.config),
        _ => None,
    };
    fields.is_some_and(|(removed, added)| {
        let is_signed = |name: &String, is_new| signs(&signing.config, name, is_new);
        removed.iter().any(|name| is_signed(name, false))
            || added.iter().any(|name| is_signed(name, true))
    })
}

/// Whether a filter may change header fields other than by adding trace fields before them.
fn changes(filter: &Filter) -> bool {
    match &*filter.name {
        "send_as" => rewrites(filter),
        "change_header" | "authentication_results" => true,
        _ => false,
    }
}

fn rewrites(filter: &Filter) -> bool {
    let unsuitable = filter.config.get("unsuitable").and_then(|it| it.as_str());
    unsuitable.is_some_and(|what| what.starts_with("rewrite"))
}
