//! The filter `router`, as configured.

use koukan_core::{
    filter::router::{AddressList, Decision, DestDomain, Policy, RouterLayer, Rules, StaticHosts},
    path::ForwardPath,
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
};
use serde::Deserialize;

use super::{
    InvalidFilter, Surroundings,
    next_hops::{Literals, Suffixed},
    text::{Host, Port, RecipientDomain, twice},
};
use crate::config::{Chain, Step};

/// Decides for each recipient where it goes: the first rule that knows it decides, and a recipient
/// that none knows is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Router {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    /// Recipients by domain and local part.
    AddressList {
        domains: Vec<RecipientDomain>,
        /// Local parts; all where it is left out.
        prefixes: Option<Vec<String>>,
        delimiter: Option<char>,
        /// Where they go; without it and `reject` they are accepted.
        #[serde(default)]
        hosts: Vec<Host>,
        /// With what they are refused.
        reject: Option<Refusal>,
    },
    /// Every recipient to its own domain.
    DestDomain {
        port: Option<Port>,
        /// Whether the DNS says which hosts take mail for the domain.
        #[serde(default)]
        mx: bool,
    },
    /// Recipients whose domain ends so.
    Suffix(Suffixed),
    /// Recipients at an address to that address.
    Literal(Literals),
    /// Every recipient to these hosts.
    StaticHosts(Vec<Host>),
    /// Every recipient is accepted.
    AcceptAll {},
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Refusal {
    NoSuchUser,
    RelayDenied,
    PolicyRefused,
    MailboxBusy,
}

impl Rule {
    /// Whether it decides for every recipient.
    fn is_for_all(&self) -> bool {
        match self {
            Self::DestDomain { .. } | Self::StaticHosts(_) | Self::AcceptAll {} => true,
            Self::AddressList { .. } | Self::Suffix(_) | Self::Literal(_) => false,
        }
    }
}

/// Where the routers of a chain send recipients.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Whether there is a router at all.
    pub(crate) is_there: bool,
    /// The hosts that rules name.
    pub(crate) hosts: Vec<HostPort>,
    /// The first rule, from 1 on, that takes recipients and leaves open where they go.
    pub(crate) hostless: Option<usize>,
    /// Whether a rule asks the DNS which hosts take mail for a domain.
    pub(crate) asks_mx: bool,
    /// Whether a rule takes every recipient that comes to it.
    pub(crate) takes_all: bool,
}

impl Routes {
    /// A configuration that cannot be read names none; what is wrong with it is told elsewhere.
    pub(crate) fn of(chain: &Chain) -> Self {
        let filters = chain.filter.iter().map(|filter| &filter.value);
        let mut routes = Self::default();
        for router in filters.filter(|filter| filter.name == "router") {
            routes.is_there = true;
            if let Ok(router) = Router::deserialize(&router.config) {
                routes.add(router);
            }
        }
        routes
    }

    fn add(&mut self, router: Router) {
        let mut takes_all = false;
        for (index, rule) in router.rules.into_iter().enumerate() {
            self.takes_all |= rule.is_for_all();
            let (hosts, is_open) = match rule {
                Rule::AddressList { hosts, reject, .. } => {
                    let is_open = hosts.is_empty() && reject.is_none();
                    (hosts, is_open)
                }
                Rule::AcceptAll {} => (Vec::new(), true),
                Rule::Suffix(suffixed) => {
                    self.asks_mx |= suffixed.asks_mx();
                    (suffixed.into_hosts(), false)
                }
                Rule::Literal(_) => (Vec::new(), false),
                Rule::DestDomain { mx, .. } => {
                    self.asks_mx |= mx;
                    takes_all = true;
                    continue;
                }
                Rule::StaticHosts(hosts) => {
                    takes_all = true;
                    (hosts, false)
                }
            };
            // Behind one that takes every recipient nothing is decided any more.
            if is_open && !takes_all {
                self.hostless = self.hostless.or(Some(index + 1));
            }
            self.hosts.extend(hosts.into_iter().map(|host| host.0));
        }
    }
}

pub(super) fn router(config: Router, _: &Surroundings) -> Result<RouterLayer, InvalidFilter> {
    check(&config.rules)?;
    let rules = config
        .rules
        .into_iter()
        .fold(Rules::new(), |rules, rule| match rule {
            Rule::AddressList {
                domains,
                prefixes,
                delimiter,
                hosts,
                reject,
            } => {
                let domains = domains.into_iter().map(|domain| domain.0);
                let list = AddressList::new(domains, decision(&hosts, reject));
                let list = list.with_prefixes(prefixes.unwrap_or_default());
                rules.with(match delimiter {
                    Some(delimiter) => list.with_delimiter(delimiter),
                    None => list,
                })
            }
            Rule::DestDomain { port, mx } => {
                let by_domain = match mx {
                    true => DestDomain::new().by_mx(),
                    false => DestDomain::new(),
                };
                rules.with(port.map_or(by_domain, |port| by_domain.with_port(port.0)))
            }
            Rule::Suffix(suffixed) => rules.with(suffixed.into_policy()),
            Rule::Literal(literals) => rules.with(literals.into_policy()),
            Rule::StaticHosts(hosts) => {
                rules.with(StaticHosts::new(hosts.into_iter().map(|host| host.0)))
            }
            Rule::AcceptAll {} => rules.with(AcceptAll),
        });
    Ok(RouterLayer::new(rules))
}

fn decision(hosts: &[Host], reject: Option<Refusal>) -> Decision {
    let reply = match reject {
        None if hosts.is_empty() => return Decision::Accept,
        None => {
            let hosts = hosts.iter().map(|host| host.0.clone());
            return Decision::Route(Destination::of_operator(hosts));
        }
        Some(Refusal::NoSuchUser) => Reply::no_such_user(),
        Some(Refusal::RelayDenied) => Reply::relay_denied(),
        Some(Refusal::PolicyRefused) => Reply::policy_refused(),
        Some(Refusal::MailboxBusy) => Reply::mailbox_busy(),
    };
    Decision::Reject(Rejection::new(reply))
}

// === what cannot work ===

/// Every rule can decide something.
fn check(rules: &[Rule]) -> Result<(), InvalidFilter> {
    if rules.is_empty() {
        return wrong(
            "a router without rules refuses every recipient: add one",
            &[],
        );
    }
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule, index)?;
        let earlier = rules.iter().take(index);
        for (before, other) in earlier.enumerate() {
            let never = |what: &str| {
                let text = format!(
                    "rule {} never decides: {what} rule {} before it",
                    index + 1,
                    before + 1
                );
                wrong(&text, &[Step::Item(index)])
            };
            match (other, rule) {
                (Rule::DestDomain { .. } | Rule::StaticHosts(_) | Rule::AcceptAll {}, _) => {
                    return never("every recipient is taken by");
                }
                (
                    Rule::AddressList {
                        domains,
                        prefixes,
                        delimiter,
                        ..
                    },
                    Rule::AddressList {
                        domains: later,
                        prefixes: wanted,
                        delimiter: sign,
                        ..
                    },
                ) => {
                    let is_taken =
                        |domain: &RecipientDomain| domains.iter().any(|known| known.0 == domain.0);
                    // With a delimiter of its own the later one knows more.
                    let is_same = sign.is_none() || sign == delimiter || prefixes.is_none();
                    if is_same && later.iter().all(is_taken) && is_covered(wanted, prefixes) {
                        return never("all its recipients are taken by");
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_rule(rule: &Rule, index: usize) -> Result<(), InvalidFilter> {
    let at = |key: &str, inner: &str| {
        let mut at = vec![Step::Item(index), Step::Key(key.into())];
        if !inner.is_empty() {
            at.push(Step::Key(inner.into()));
        }
        at
    };
    match rule {
        Rule::AddressList {
            domains,
            prefixes,
            hosts,
            reject,
            delimiter,
        } => {
            let list = |inner: &str| at("address_list", inner);
            if domains.is_empty() {
                return wrong(
                    "without a domain it knows no recipient: add one",
                    &list("domains"),
                );
            }
            if let Some((item, text)) = twice(domains.iter().map(|domain| &*domain.0)) {
                let mut at = list("domains");
                at.push(Step::Item(item));
                return wrong(&format!("`{text}` is there twice"), &at);
            }
            check_prefixes(prefixes.as_deref(), *delimiter, list)?;
            if reject.is_some() && !hosts.is_empty() {
                let text = "`hosts` and `reject` exclude each other: remove one of them";
                return wrong(text, &list("reject"));
            }
            Ok(())
        }
        Rule::StaticHosts(hosts) if hosts.is_empty() => wrong(
            "there is no host: add one, as in `mx.example.com:25`",
            &at("static_hosts", ""),
        ),
        Rule::Suffix(suffixed) => suffixed.check(|key| at("suffix", key)),
        Rule::Literal(literals) => literals.check(|key| at("literal", key)),
        _ => Ok(()),
    }
}

/// Local parts can be met by recipients; `list` leads to a key of the address list.
fn check_prefixes(
    prefixes: Option<&[String]>,
    delimiter: Option<char>,
    list: impl Fn(&str) -> Vec<Step>,
) -> Result<(), InvalidFilter> {
    let Some(prefixes) = prefixes else {
        return match delimiter {
            Some(_) => wrong(
                "`delimiter` does nothing without `prefixes`: leave it out",
                &list("delimiter"),
            ),
            None => Ok(()),
        };
    };
    if prefixes.is_empty() {
        let text =
            "without a prefix it knows no recipient: add one, or leave `prefixes` out for all";
        return wrong(text, &list("prefixes"));
    }
    if let Some(sign) = delimiter.filter(|sign| *sign == '@' || sign.is_whitespace()) {
        let text = format!("`{sign}` stands in no local part: take another, as in `+`");
        return wrong(&text, &list("delimiter"));
    }
    let item = |item: usize| {
        let mut at = list("prefixes");
        at.push(Step::Item(item));
        at
    };
    if let Some((index, text)) = twice(prefixes.iter().map(String::as_str)) {
        return wrong(&format!("`{text}` is there twice"), &item(index));
    }
    for (index, prefix) in prefixes.iter().enumerate() {
        let at = item(index);
        if prefix.is_empty() {
            return wrong("an empty prefix matches no recipient: remove it", &at);
        }
        if prefix.contains('@') {
            let text = format!("`{prefix}`: write what stands before the `@` alone");
            return wrong(&text, &at);
        }
        if let Some(sign) = delimiter.filter(|sign| prefix.contains(*sign)) {
            let text = format!(
                "`{prefix}` matches no recipient: write what stands before the delimiter `{sign}`"
            );
            return wrong(&text, &at);
        }
    }
    Ok(())
}

/// Whether all local parts that are wanted are taken by those before them.
fn is_covered(wanted: &Option<Vec<String>>, before: &Option<Vec<String>>) -> bool {
    let Some(before) = before else {
        return true;
    };
    let is_taken = |word: &String| before.iter().any(|known| known.eq_ignore_ascii_case(word));
    wanted
        .as_ref()
        .is_some_and(|wanted| wanted.iter().all(is_taken))
}

/// Something is wrong at these steps within `rules`.
pub(super) fn wrong(message: &str, at: &[Step]) -> Result<(), InvalidFilter> {
    let mut steps = vec![Step::Key("rules".into())];
    steps.extend_from_slice(at);
    Err(InvalidFilter {
        message: message.to_owned(),
        at: steps,
    })
}

/// Knows and accepts every recipient.
#[derive(Debug)]
struct AcceptAll;

impl Policy for AcceptAll {
    fn decide(&self, _: &ForwardPath) -> Decision {
        Decision::Accept
    }
}
