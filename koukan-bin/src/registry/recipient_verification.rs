//! The filter `recipient_verification`, its matcher, and their configuration.

use std::{collections::HashMap, convert::Infallible, num::NonZeroUsize, sync::Arc};

use koukan_core::{
    context::Sender,
    filter::recipient_verification::{
        Lives, RECIPIENT, RecipientVerificationLayer, Verification, VerifiedMatcher, Verifier,
    },
    path::ReversePath,
    reply::Reply,
    service::BoxMailService,
    storage::Storage,
    transaction::Transaction,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tower::service_fn;

use super::{
    InvalidFilter, Registry, Surroundings,
    policy_action::{OneOrMany, check_max_keys},
    text::{Address, RecipientDomain, twice},
};
use crate::config::{HumanDuration, Step, instead};

/// The name of the filter.
pub(crate) const NAME: &str = "recipient_verification";

/// Adds the filter and the matcher.
pub(super) fn register(registry: &mut Registry) {
    registry.own_filter(NAME, layer);
    registry.signals(NAME, [RECIPIENT]);
    registry.asks(NAME, |_| "the destinations of recipients".into());
    registry.matcher(NAME, matcher);
}

/// The chains of the parts that an exploder makes.
#[derive(Debug, Clone)]
pub(crate) struct LegChains {
    /// For recipients whose domain has no chain of its own.
    pub(crate) general: (Sender, BoxMailService),
    /// For recipients in certain domains.
    pub(crate) by_domain: HashMap<Box<str>, (Sender, BoxMailService)>,
    /// The storage, which knows which destinations are suspended.
    pub(crate) storage: Storage,
}

/// Asks destinations whether they accept recipients.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The domains of recipients to ask about; all if it is left out.
    domains: Option<Vec<RecipientDomain>>,
    /// The reverse-path with which to ask; the null reverse-path if it is left out.
    mail_from: Option<Address>,
    /// Whether refused recipients are refused.
    refuse: Option<bool>,
    /// What to do with recipients of which nothing is known.
    unknown: Option<Unknown>,
    /// How long to wait for destinations.
    timeout: Option<HumanDuration>,
    /// How long the result "accepted" is remembered.
    accepted_for: Option<HumanDuration>,
    /// How long the result "refused" is remembered.
    refused_for: Option<HumanDuration>,
    /// How long the result "unknown" is remembered.
    unknown_for: Option<HumanDuration>,
    /// Whether to find out which domains accept all addresses.
    #[serde(default)]
    by_domain: bool,
    /// The most addresses that are remembered.
    max_entries: Option<NonZeroUsize>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Unknown {
    Accept,
    Refuse,
}

fn layer(
    config: Config,
    surroundings: &Surroundings,
) -> Result<RecipientVerificationLayer, InvalidFilter> {
    if config.refuse == Some(false) && config.unknown.is_some() {
        let text = "nothing is refused: leave `unknown` out, and let a rule decide";
        return Err(at(text, vec![key("unknown")]));
    }
    let mut verifier = verifier(surroundings)?.with_lives(lives(&config));
    if let Some(domains) = &config.domains {
        if domains.is_empty() {
            let text = "nothing is asked: add a domain, or leave it out";
            return Err(at(text, vec![key("domains")]));
        }
        if let Some((index, text)) = twice(domains.iter().map(|domain| &*domain.0)) {
            let text = format!("`{text}` is there twice");
            return Err(at(text, vec![key("domains"), Step::Item(index)]));
        }
        verifier = verifier.with_domains(domains.iter().map(|domain| &domain.0));
    }
    if let Some(Address(mailbox)) = config.mail_from {
        verifier = verifier.with_reverse_path(ReversePath::Mailbox(mailbox));
    }
    if let Some(HumanDuration(time)) = config.timeout {
        verifier = verifier.with_time(time);
    }
    let max = check_max_keys(config.max_entries);
    if let Some(max) = max.map_err(|error| at(error.message, vec![key("max_entries")]))? {
        verifier = verifier.with_max_entries(max);
    }
    if config.by_domain {
        verifier = verifier.by_domain(Arc::clone(&surroundings.random));
    }
    let layer = RecipientVerificationLayer::new(verifier);
    let layer = layer.with_observers(surroundings.observers.clone());
    Ok(match (config.refuse, config.unknown) {
        (Some(false), _) => layer.without_refusal(),
        (_, Some(Unknown::Refuse)) => layer.refusing_unknown(),
        (_, Some(Unknown::Accept) | None) => layer,
    })
}

fn lives(config: &Config) -> Lives {
    let mut lives = Lives::default();
    for (set, life) in [
        (config.accepted_for, &mut lives.accepted),
        (config.refused_for, &mut lives.refused),
        (config.unknown_for, &mut lives.unknown),
    ] {
        if let Some(HumanDuration(time)) = set {
            *life = time;
        }
    }
    lives
}

/// A verifier that asks through the chains to which the exploder leads.
fn verifier(surroundings: &Surroundings) -> Result<Verifier, InvalidFilter> {
    if let Some(legs) = &surroundings.legs {
        let (sender, chain) = legs.general.clone();
        let verifier = Verifier::new(sender, chain).with_suspensions(legs.storage.clone());
        let by_domain = legs.by_domain.iter();
        return Ok(
            by_domain.fold(verifier, |verifier, (domain, (sender, chain))| {
                verifier.with_route(domain, sender.clone(), chain.clone())
            }),
        );
    }
    if surroundings.is_of_agent() {
        let text = "it asks the destinations to which an exploder leads: end the chain in one";
        return Err(InvalidFilter::new(text));
    }
    let nowhere = service_fn(async |_: Transaction| Ok::<_, Infallible>(Reply::local_error()));
    Ok(Verifier::new(
        Sender::new(NAME),
        BoxMailService::new(nowhere),
    ))
}

/// A matcher for what is known of a recipient.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    results: OneOrMany,
}

fn matcher(config: Asked) -> Result<VerifiedMatcher, InvalidFilter> {
    let results = config.results;
    let results = results.all("results", "it never matches: add one")?;
    let results = results.into_iter().map(|(text, place)| {
        let mut all = Verification::ALL.into_iter();
        all.find(|known| known.as_str() == text).ok_or_else(|| {
            let known = Verification::ALL.map(Verification::as_str);
            let help = instead("result", &text, known);
            at(format!("unknown result `{text}`: {help}"), place)
        })
    });
    Ok(VerifiedMatcher::new(
        results.collect::<Result<Vec<_>, _>>()?,
    ))
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
