//! Filters that depend on who sends and how much; their matchers, and their configuration.

mod greylist;
mod kept;

use std::num::NonZeroUsize;

use koukan_core::{
    filter::{
        dnsbl::{Dnsbl, DnsblLayer, ListedMatcher, Subject, Zone as List},
        rate_limit::{Limit, RateLimitLayer},
    },
    network::Network,
    signals::DurableSignal,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    InvalidFilter, Registry, Surroundings, check_domain,
    policy_action::{OneOrMany, check_max_keys, rate_keys},
};
use crate::config::{HumanDuration, MessageRate, Step};

/// The names of the filters.
pub(super) const NAMES: [&str; 3] = ["dnsbl", "greylist", "rate_limit"];

/// Adds the filters and matchers.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter("dnsbl", dnsbl);
    registry.own_filter("greylist", greylist::greylist);
    registry.own_filter("rate_limit", rate_limit);
    registry.signals("dnsbl", [Dnsbl::NAME]);
    registry.signals("greylist", []);
    registry.signals("rate_limit", []);
    registry.matcher("dnsbl", listed);
}

/// Defers what exceeds a rate.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RateLimits {
    limits: Vec<OneLimit>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneLimit {
    /// What messages have in common that are counted together.
    by: OneOrMany,
    rate: MessageRate,
    /// What is counted.
    of: Option<Of>,
    /// For how many keys counts are remembered.
    max_keys: Option<NonZeroUsize>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Of {
    Messages,
    Recipients,
}

fn rate_limit(config: RateLimits, _: &Surroundings) -> Result<RateLimitLayer, InvalidFilter> {
    if config.limits.is_empty() {
        return Err(at("it limits nothing: add a limit", vec![key("limits")]));
    }
    let limits = config.limits.into_iter().enumerate().map(|(index, it)| {
        let below = |error: InvalidFilter| {
            let at = [vec![key("limits"), Step::Item(index)], error.at].concat();
            InvalidFilter { at, ..error }
        };
        one_limit(it).map_err(below)
    });
    Ok(RateLimitLayer::new(limits.collect::<Result<Vec<_>, _>>()?))
}

fn one_limit(config: OneLimit) -> Result<Limit, InvalidFilter> {
    let keys = rate_keys(config.by)?;
    let mut limit = Limit::new(keys, config.rate.count, config.rate.per);
    match config.of {
        Some(Of::Messages) if limit.counts_recipients() => {
            let text = "what is counted by recipient is recipients: leave `of` out";
            return Err(at(text, vec![key("of")]));
        }
        Some(Of::Recipients) => limit = limit.of_recipients(),
        Some(Of::Messages) | None => {}
    }
    if let Some(max) = check_max_keys(config.max_keys)? {
        limit = limit.with_max_keys(max);
    }
    Ok(limit)
}

/// Asks DNS lists.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lists {
    zones: Vec<Zone>,
    /// The score from which on mail is refused.
    threshold: Option<i64>,
    /// Whether mail is refused.
    refuse: Option<bool>,
    /// How long to wait for the lists.
    timeout: Option<HumanDuration>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Zone {
    zone: String,
    /// The name of the list in signals.
    name: Option<String>,
    /// What the list is about.
    of: Option<ZoneOf>,
    /// The answers that count.
    codes: Option<OneOrMany>,
    /// What an answer adds to the score.
    weight: Option<i32>,
}

#[derive(Deserialize, Clone, Copy, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ZoneOf {
    Client,
    MailFrom,
    Helo,
}

/// The most zones: each is asked for every message.
const ZONES_MAX: usize = 32;

fn dnsbl(config: Lists, surroundings: &Surroundings) -> Result<DnsblLayer, InvalidFilter> {
    if config.zones.is_empty() {
        return Err(at("it asks nobody: add a zone", vec![key("zones")]));
    }
    if config.zones.len() > ZONES_MAX {
        let text = format!("each message would wait for all of them: {ZONES_MAX} zones at most");
        return Err(at(text, vec![key("zones")]));
    }
    if config.refuse == Some(false) && config.threshold.is_some() {
        let text = "nothing is refused: leave `threshold` out, and name `min_score` in a rule";
        return Err(at(text, vec![key("threshold")]));
    }
    let zones = config.zones.into_iter().enumerate().map(|(index, it)| {
        let below = |error: InvalidFilter| {
            let at = [vec![key("zones"), Step::Item(index)], error.at].concat();
            InvalidFilter { at, ..error }
        };
        zone(it).map_err(below)
    });
    let zones = zones.collect::<Result<Vec<_>, _>>()?;
    let mut layer = DnsblLayer::new(zones, surroundings.resolver.clone());
    if let Some(score) = config.threshold {
        layer = layer.with_threshold(score);
    }
    if config.refuse == Some(false) {
        layer = layer.without_refusal();
    }
    Ok(match config.timeout {
        Some(HumanDuration(time)) => layer.with_time(time),
        None => layer,
    })
}

fn zone(config: Zone) -> Result<List, InvalidFilter> {
    check_domain(&config.zone).map_err(|text| at(text, vec![key("zone")]))?;
    let subject = match config.of {
        None | Some(ZoneOf::Client) => Subject::Client,
        Some(ZoneOf::MailFrom) => Subject::MailFrom,
        Some(ZoneOf::Helo) => Subject::Helo,
    };
    let mut list = List::new(config.zone, subject);
    if let Some(name) = config.name {
        list = list.with_name(name);
    }
    if let Some(weight) = config.weight {
        if weight == 0 {
            return Err(at(
                "it changes nothing: leave the zone out",
                vec![key("weight")],
            ));
        }
        list = list.with_weight(weight);
    }
    if let Some(codes) = config.codes {
        let codes = codes.all("codes", "no answer counts: add one, or leave it out")?;
        let codes = codes.into_iter().map(|(text, place)| {
            let code = text.parse::<Network>();
            code.map_err(|_| {
                let text = format!("`{text}` is no answer, as in `127.0.0.2` or `127.0.0.0/28`");
                at(text, place)
            })
        });
        list = list.with_codes(codes.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(list)
}

/// Whether lists name the client or its domains.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    lists: Option<Vec<Box<str>>>,
    min_score: Option<i64>,
}

fn listed(config: Named) -> Result<ListedMatcher, InvalidFilter> {
    if config.lists.as_ref().is_some_and(Vec::is_empty) {
        let text = "it never matches: add a list, or leave it out";
        return Err(at(text, vec![key("lists")]));
    }
    let matcher = ListedMatcher::default().with_lists(config.lists.unwrap_or_default());
    Ok(match config.min_score {
        Some(score) => matcher.with_min_score(score),
        None => matcher,
    })
}

fn key(name: &str) -> Step {
    Step::Key(name.into())
}

fn at(message: impl Into<String>, at: Vec<Step>) -> InvalidFilter {
    InvalidFilter {
        at,
        ..InvalidFilter::new(message)
    }
}
