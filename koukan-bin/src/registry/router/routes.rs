//! Where the routers of a chain send recipients.

use koukan_core::{context::Sender, signals::HostPort};

use super::{
    Others, Router, Rule, next_sender,
    own::{RULES, read},
};
use crate::config::{Chain, Filter};

/// The port of hosts for which no other is given.
pub(in crate::registry) const SMTP_PORT: u16 = 25;

/// Where the routers of a chain send recipients.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Whether there is a router at all.
    pub(crate) is_there: bool,
    /// The hosts that rules name.
    pub(crate) hosts: Vec<HostPort>,
    /// The first rule, from 1, that accepts recipients without saying where to send them.
    pub(crate) hostless: Option<usize>,
    /// Whether a rule asks for MX records.
    pub(crate) asks_mx: bool,
    /// The ports of hosts that rules find by recipients' domains, and whether MX records name these hosts.
    pub(crate) ports: Vec<(u16, bool)>,
    /// Whether a rule takes every recipient that reaches it.
    pub(crate) takes_all: bool,
    /// Whether a rule takes every recipient at an address literal that reaches it.
    pub(crate) takes_all_addresses: bool,
    /// The first rule, from 1, that replaces recipients by others.
    pub(crate) expands: Option<usize>,
    /// The senders through whose chains recipients go.
    pub(crate) senders: Vec<Sender>,
    /// Whether a rule is an embedder's, which may name other hosts.
    has_own: bool,
}

impl Routes {
    /// Those of a chain. A configuration that cannot be read has none; the error is reported elsewhere.
    pub(crate) fn of(chain: &Chain) -> Self {
        Self::of_filters(chain.filter.iter().map(|filter| &filter.value))
    }

    /// Like [`Routes::of`], for some of a chain's filters.
    pub(crate) fn of_filters<'a>(filters: impl Iterator<Item = &'a Filter>) -> Self {
        let mut routes = Self::default();
        let mut leaves_others = false;
        for router in filters.filter(|filter| filter.name == "router") {
            let router = read(&router.config, |name| !RULES.contains(&name)).ok();
            // A router in a dry run does nothing.
            if router.as_ref().is_some_and(|router| router.dry_run) {
                continue;
            }
            routes.is_there = true;
            leaves_others = router
                .as_ref()
                .is_some_and(|router| router.others == Others::Pass);
            if let Some(router) = router {
                routes.add(router);
            }
        }
        // After the last router nothing refuses them.
        routes.takes_all |= leaves_others;
        routes.takes_all_addresses |= leaves_others;
        routes
    }

    /// Whether recipients may go through the chains of senders.
    pub(crate) fn hands_over(&self) -> bool {
        !self.senders.is_empty() || self.has_own
    }

    fn add(&mut self, router: Router) {
        let mut takes_all = false;
        for (index, rule) in router.rules.into_iter().enumerate() {
            self.takes_all |= rule.is_for_all();
            self.takes_all_addresses |= rule.is_for_all_addresses();
            let (hosts, is_open) = match rule {
                Rule::AddressList {
                    hosts,
                    reject,
                    sender,
                    tag,
                    ..
                } => {
                    let sender = sender.map(|sender| next_sender(&sender, tag.as_deref()));
                    let is_open = hosts.is_empty() && reject.is_none() && sender.is_none();
                    self.senders.extend(sender);
                    (hosts, is_open)
                }
                Rule::AcceptAll {} => (Vec::new(), true),
                Rule::Aliases { .. } => {
                    self.expands = self.expands.or(Some(index + 1));
                    continue;
                }
                #[cfg(feature = "mail-auth")]
                Rule::Srs(_) => {
                    self.expands = self.expands.or(Some(index + 1));
                    continue;
                }
                Rule::Suffix(suffixed) => {
                    self.asks_mx |= suffixed.asks_mx();
                    self.ports
                        .extend(suffixed.port().map(|port| (port, suffixed.asks_mx())));
                    (suffixed.into_hosts(), false)
                }
                Rule::Literal(literals) => {
                    self.ports.push((literals.port(), false));
                    (Vec::new(), false)
                }
                // Only an embedder's rule knows where it sends recipients.
                Rule::Own { .. } => {
                    self.has_own = true;
                    continue;
                }
                Rule::DestDomain { mx, port } => {
                    self.asks_mx |= mx;
                    self.ports.push((port.map_or(SMTP_PORT, |port| port.0), mx));
                    takes_all = true;
                    continue;
                }
                Rule::StaticHosts(hosts) => {
                    takes_all = true;
                    (hosts, false)
                }
                Rule::HostList(hosts) => {
                    takes_all = true;
                    (hosts.into_iter().map(|it| it.host).collect(), false)
                }
            };
            // After a rule that takes every recipient, nothing more is decided.
            if is_open && !takes_all {
                self.hostless = self.hostless.or(Some(index + 1));
            }
            self.hosts.extend(hosts.into_iter().map(|host| host.0));
        }
    }
}
