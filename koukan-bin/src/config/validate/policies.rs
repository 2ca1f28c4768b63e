//! Checks policy rules by their position.

use std::collections::BTreeSet;

use koukan_core::{
    context,
    filter::{dns_resolution, recipient_verification},
};

use super::Check;
use crate::{
    config::{Chain, Endpoint, Filter, suggest::instead},
    registry::{AddRoute, Outline, Registry},
};

/// The filter that is a policy rule.
const RULE: &str = "policy_action";
/// Filters that only find something out once they see the message.
const WITH_MESSAGE: [&str; 8] = [
    "arc_check",
    "clamav",
    "dkim_check",
    "dmarc_check",
    "message_validation",
    "rspamd",
    "spamassassin",
    "tls_required",
];

/// The durable signals that a rule can use.
#[derive(Default)]
struct Findings {
    names: BTreeSet<String>,
    /// Whether there may be other signals.
    may_be_any: bool,
    /// Those that are found out with the message, in this chain.
    with_message: BTreeSet<String>,
}

impl<'a> Check<'a> {
    /// Checks that each rule is reached, and that the signals it uses can be known.
    pub(super) fn policies(&mut self, registry: &Registry) {
        for chain in &self.config.chain {
            let mut findings = self.before(chain, registry);
            let mut earlier: Vec<Outline> = Vec::new();
            for filter in &chain.filter {
                if filter.value.name == RULE
                    && let Some(rule) = registry.outline(&filter.value.config)
                {
                    for asked in &rule.asks {
                        if rule.is_per_recipient && findings.with_message.contains(&asked.signal) {
                            let place = Filter::place_of(filter, &asked.place);
                            let message = format!(
                                "`{}` is found out with the message, which is not there yet when a \
                                 recipient is asked for",
                                asked.signal
                            );
                            let help =
                                "leave `mode` out, or put the rule into a chain after this one";
                            self.wrong(&place, message, Some(help.into()));
                        }
                        if findings.may_be_any || findings.names.contains(&asked.signal) {
                            continue;
                        }
                        let place = Filter::place_of(filter, &asked.place);
                        let (message, help) = unheard(&asked.signal, &findings.names);
                        self.wrong(&place, message, Some(help));
                    }
                    let hiding = earlier.iter().enumerate().find(|(index, first)| {
                        let mut others = earlier[..*index].iter();
                        let is_first_of_tag = others.all(|other| other.tag != first.tag);
                        first.hides(&rule, is_first_of_tag)
                    });
                    if let Some((_, first)) = hiding {
                        let message = format!(
                            "rule `{}` is never asked: `{}` before it matches whatever comes",
                            rule.name, first.name
                        );
                        let help = match first.tag == rule.tag {
                            true => "put it before that one, or give it another `tag`",
                            false => "put it before that one, or give that one a `match`",
                        };
                        self.wrong(filter, message, Some(help.into()));
                    }
                    earlier.push(rule);
                }
                if filter.value.name == "dmarc_check" && !findings.may_tell_senders() {
                    let message = "filter `dmarc_check` has nothing to go by".to_owned();
                    let help = "put `spf_check`, `dkim_check`, or both before it";
                    self.wrong(filter, message, Some(help.into()));
                }
                findings.add_here(&filter.value, registry);
            }
        }
    }

    /// The signals that are set before a chain begins: in chains that lead to it, and elsewhere.
    fn before(&self, chain: &'a Chain, registry: &Registry) -> Findings {
        let mut findings = Findings {
            may_be_any: self.is_told(chain),
            ..Findings::default()
        };
        for before in self.all_leading_to(chain) {
            findings.may_be_any |= self.is_told(before);
            let filters = before.filter.iter();
            filters.for_each(|filter| findings.add(&filter.value, registry));
        }
        // These do not accompany the message.
        findings.names.remove(dns_resolution::RECIPIENT);
        findings.names.remove(recipient_verification::RECIPIENT);
        findings
    }

    /// The other chains that mail may have passed before it reaches that one.
    pub(super) fn all_leading_to(&self, chain: &'a Chain) -> Vec<&'a Chain> {
        let mut seen = BTreeSet::from([chain.name.value.as_str()]);
        let mut ahead = vec![chain];
        let mut found = Vec::new();
        while let Some(chain) = ahead.pop() {
            for before in self.leading_to(chain) {
                if seen.insert(&before.name.value) {
                    found.push(before);
                    ahead.push(before);
                }
            }
        }
        found
    }

    /// Whether clients of the REST API report, for mail of that chain, what was found out elsewhere.
    fn is_told(&self, chain: &Chain) -> bool {
        let mut listeners = self.config.rest_listener.iter();
        let is_trusting = listeners.any(|listener| {
            let mut tokens = listener.token.iter();
            listener.api && (listener.trusted || tokens.any(|token| token.trusted))
        });
        let mut senders = self.config.sender.iter();
        let has_chain = |sender: &crate::config::Sender| {
            let mut chains = sender.chains();
            chains.any(|(_, name)| name.value == chain.name.value)
        };
        is_trusting && senders.any(|sender| sender.rest.is_some() && has_chain(sender))
    }

    /// The chains that hand their mail to that one by an exploder, or copies of it.
    fn leading_to(&self, chain: &Chain) -> Vec<&'a Chain> {
        let goes = |sender: context::Sender| {
            let next = self.config.chain_of(&sender);
            next.is_some_and(|next| next.name.value == chain.name.value)
        };
        let leads = |before: &&Chain| {
            let by_endpoint = match &before.endpoint {
                Endpoint::Exploder(exploder) => exploder.senders().any(goes),
                _ => false,
            };
            by_endpoint || AddRoute::all(before).any(|route| goes(route.to_sender()))
        };
        self.config.chain.iter().filter(leads).collect()
    }
}

impl Findings {
    /// Whether the domains as which a message authenticates may be known.
    fn may_tell_senders(&self) -> bool {
        let has = |name: &str| self.names.contains(name);
        self.may_be_any || has("spf") || has("dkim")
    }

    /// Like [`Findings::add`], for a filter in the chain itself.
    fn add_here(&mut self, filter: &Filter, registry: &Registry) {
        if WITH_MESSAGE.contains(&&*filter.name) && !self.may_be_any {
            let names = registry.signals_of(&filter.name).into_iter().flatten();
            // What was known before the chain is known from its beginning.
            let new = names.filter(|name| !self.names.contains(*name)).cloned();
            self.with_message.extend(new);
        }
        self.add(filter, registry);
    }

    fn add(&mut self, filter: &Filter, registry: &Registry) {
        match registry.signals_of(&filter.name) {
            Some(names) => self.names.extend(names.iter().cloned()),
            None => self.may_be_any = true,
        }
        if filter.name == RULE
            && let Some(rule) = registry.outline(&filter.config)
        {
            self.names.extend(rule.signals());
        }
    }
}

impl Outline {
    /// Whether a later rule is never reached because of this one. Earlier rules with this one's tag
    /// may make exceptions from it.
    fn hides(&self, later: &Self, is_first_of_tag: bool) -> bool {
        if !self.is_unconditional {
            return false;
        }
        // A rule that applies per recipient says nothing about the whole transaction.
        let is_as_wide = !self.is_per_recipient || later.is_per_recipient;
        let ends_all = self.refuses && is_first_of_tag;
        is_as_wide && (ends_all || self.ends_tag && self.tag == later.tag)
    }
}

/// The message and help for a signal that nothing sets.
fn unheard(signal: &str, known: &BTreeSet<String>) -> (String, String) {
    for (what, prefix) in [("rule", "policy.rule."), ("tag", "policy.tag.")] {
        if let Some(name) = signal.strip_prefix(prefix) {
            let names = known.iter().filter_map(|known| known.strip_prefix(prefix));
            let names: Vec<_> = names.collect();
            let message = match what {
                "rule" => format!("no rule before this one is called `{name}`"),
                _ => format!("no rule before this one has the tag `{name}`"),
            };
            let help = match names.is_empty() {
                true => format!("put the rule before this one, or leave the {what} out"),
                false => instead(what, name, names),
            };
            return (message, help);
        }
    }
    let message = format!("nothing before this rule finds out `{signal}`");
    let found = known.iter().filter(|known| !known.starts_with("policy."));
    let found: Vec<_> = found.map(String::as_str).collect();
    let help = match found.is_empty() {
        true => "put the filter that does before the rule".to_owned(),
        false => instead("signal", signal, found),
    };
    (message, help)
}
