//! The filter `router`, as configured.

mod check;
mod own;
mod routes;

use std::path::PathBuf;

use koukan_core::{
    context::Sender,
    filter::router::{
        AddressList, Aliases, Decision, DestDomain, Expand, HostList, Policy, RouterLayer, Rules,
        StaticHosts,
    },
    path::ForwardPath,
    reply::{Rejection, Reply},
    signals::Destination,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    InvalidFilter, Surroundings,
    list_files::list,
    next_hops::{Literals, Suffixed},
    text::{Host, Port, RecipientDomain, twice},
};
use crate::config::Step;

use self::check::check;
pub(crate) use self::routes::Routes;
pub(super) use self::{check::wrong, own::OwnRules, routes::SMTP_PORT};

/// Decides for each recipient where to send it. The first rule that applies to the recipient
/// decides; a recipient to which no rule applies is refused.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Router {
    rules: Vec<Rule>,
    /// What to do with recipients to which no rule applies.
    #[serde(default)]
    others: Others,
    /// Whether it only reports what it would do.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Default, Deserialize, Clone, Copy, PartialEq, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Others {
    /// Refuse them.
    #[default]
    Refuse,
    /// Leave them to later routers.
    Pass,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Rule {
    /// Recipients by domain and local part.
    AddressList {
        domains: Vec<RecipientDomain>,
        /// The local parts; all if it is left out.
        prefixes: Option<Vec<String>>,
        delimiter: Option<char>,
        /// The hosts to send to. Without `hosts` and `reject`, the recipients are accepted.
        #[serde(default)]
        hosts: Vec<Host>,
        /// The reply with which the recipients are refused.
        reject: Option<Refusal>,
        /// The sender of this agent through whose chain the recipients go.
        sender: Option<String>,
        /// A tag of that sender.
        tag: Option<String>,
    },
    /// Sends every recipient to its own domain.
    DestDomain {
        port: Option<Port>,
        /// Whether MX records say which hosts take mail for the domain.
        #[serde(default)]
        mx: bool,
    },
    /// Recipients whose domain has a certain ending.
    Suffix(Suffixed),
    /// Recipients at an address literal, which are sent to that address.
    Literal(Literals),
    /// Sends every recipient to these hosts.
    StaticHosts(Vec<Host>),
    /// Sends every recipient to one of these hosts.
    HostList(Vec<WeightedHost>),
    /// Accepts every recipient.
    AcceptAll {},
    /// Recipients that stand for others, according to a file.
    Aliases {
        file: PathBuf,
        delimiter: Option<char>,
    },
    /// Recipients that are rewritten reverse-paths of forwarded messages.
    #[cfg(feature = "mail-auth")]
    Srs(super::mail_auth::Reversing),
    /// An embedder's rule: [`read`] puts it here.
    #[serde(skip)]
    Own { name: String, config: Value },
}

/// A host and its share.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WeightedHost {
    host: Host,
    #[serde(default = "one")]
    weight: u32,
}

fn one() -> u32 {
    1
}

#[derive(Deserialize, Clone, Copy, JsonSchema)]
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
            Self::DestDomain { .. }
            | Self::StaticHosts(_)
            | Self::HostList(_)
            | Self::AcceptAll {} => true,
            Self::Suffix(suffixed) => suffixed.is_for_all(),
            Self::AddressList { .. }
            | Self::Literal(_)
            | Self::Aliases { .. }
            | Self::Own { .. } => false,
            #[cfg(feature = "mail-auth")]
            Self::Srs(_) => false,
        }
    }

    /// Whether it takes recipients at every address literal, as in `bob@[192.0.2.1]`.
    fn is_for_all_addresses(&self) -> bool {
        match self {
            Self::StaticHosts(_) | Self::HostList(_) | Self::AcceptAll {} => true,
            Self::Literal(literals) => literals.is_for_all(),
            _ => false,
        }
    }
}

/// A router with the built-in rules, and those of an embedder.
pub(super) fn router(
    config: &Value,
    surroundings: &Surroundings,
    own: &OwnRules,
) -> Result<RouterLayer, InvalidFilter> {
    let config = own.read(config)?;
    check(&config.rules)?;
    let mut rules = Rules::new();
    for (index, rule) in config.rules.into_iter().enumerate() {
        rules = match rule {
            Rule::AddressList {
                domains,
                prefixes,
                delimiter,
                hosts,
                reject,
                sender,
                tag,
            } => {
                let domains = domains.into_iter().map(|domain| domain.0);
                let decision = match sender {
                    Some(sender) => Decision::HandOver(next_sender(&sender, tag.as_deref())),
                    None => decision(&hosts, reject),
                };
                let list = AddressList::new(domains, decision);
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
            Rule::HostList(hosts) => {
                let hosts = hosts.into_iter().map(|it| (it.host.0, it.weight));
                rules.with(HostList::new(hosts, surroundings.random.clone()))
            }
            #[cfg(feature = "mail-auth")]
            Rule::Srs(reversing) => {
                let policy = reversing.into_policy(surroundings);
                rules.with(policy.map_err(|error| below(error, index, "srs"))?)
            }
            Rule::Own { name, config } => {
                let policy = own.build(&name, &config, surroundings);
                rules.with(policy.map_err(|error| below(error, index, &name))?)
            }
            Rule::AcceptAll {} => rules.with(AcceptAll),
            Rule::Aliases { file, delimiter } => {
                let aliases = list::<Aliases>(surroundings, &file, "file");
                let aliases = aliases.map_err(|error| below(error, index, "aliases"))?;
                let expand = Expand::new(aliases);
                rules.with(match delimiter {
                    Some(delimiter) => expand.with_delimiter(delimiter),
                    None => expand,
                })
            }
        };
    }
    let router = RouterLayer::new(rules);
    let router = match config.others {
        Others::Pass => router.passing_unknown(),
        Others::Refuse => router,
    };
    // Whether built-in rules need an exploder was checked before; an embedder's rule shows it with
    // each decision.
    let router = match surroundings.has_no_exploder {
        true => router.without_exploder(),
        false => router,
    };
    Ok(match config.dry_run {
        true => router.dry(),
        false => router,
    })
}

fn next_sender(sender: &str, tag: Option<&str>) -> Sender {
    let sender = Sender::new(sender);
    match tag {
        Some(tag) => sender.with_tag(tag),
        None => sender,
    }
}

/// An error in the rule at that index.
fn below(error: InvalidFilter, index: usize, rule: &str) -> InvalidFilter {
    let mut at = vec![
        Step::Key("rules".into()),
        Step::Item(index),
        Step::Key(rule.into()),
    ];
    at.extend(error.at);
    InvalidFilter { at, ..error }
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

/// A policy that accepts every recipient.
#[derive(Debug)]
struct AcceptAll;

impl Policy for AcceptAll {
    fn decide(&self, _: &ForwardPath) -> Decision {
        Decision::Accept
    }
}
