//! Checks of the whole file: names, references, values, and what cannot work.

mod auth;
mod changes;
mod circles;
mod copies;
mod delivery;
mod destinations;
mod files;
mod gateway;
mod listeners;
mod lmtp;
mod names;
mod notification;
mod policies;
mod relaying;
mod rest;
mod session_url;
mod shutdown;
mod source_addresses;
mod storage;
mod tls;
mod tls_mode;
mod tokens;
mod unix_sockets;
mod use_of;
mod verification;
mod webhooks;

pub(crate) use self::{rest::is_in_the_clear, tls::is_soon};

use std::collections::BTreeSet;

use koukan_core::path::domain_key;

use crate::{
    descriptors::{Plan, attainable},
    registry::{ENDPOINTS, Registry, check_domain, check_host, is_wanted_once},
};

use super::{
    Chain, Config, Endpoint, Filter, ListenerAuth, OwnEndpoint, Place, Problem, Severity,
    suggest::{instead, list},
    words::plain,
};

/// All problems.
pub(super) fn validate(config: &Config, registry: &Registry) -> Vec<Problem> {
    let mut check = Check {
        config,
        problems: Vec::new(),
    };
    check.hostname();
    check.names();
    check.senders();
    check.principals();
    check.rest_listeners();
    check.tokens();
    check.storage();
    check.shutdown();
    check.webhooks();
    check.gateways();
    for chain in &config.chain {
        check.chain(chain, registry);
    }
    check.circles();
    check.delivery();
    check.destinations();
    check.lmtp();
    check.source_addresses();
    check.listeners();
    check.relays();
    check.policies(registry);
    check.changes();
    check.notifications();
    check.files();
    check.grey_lists();
    check.kept_lists();
    check.tls();
    check.tls_modes();
    check.auth(registry);
    check.secrets();
    check.uses();
    check.descriptors();
    check
        .problems
        .sort_by_key(|problem| (problem.line, problem.column));
    check.problems
}

pub(super) struct Check<'a> {
    pub(super) config: &'a Config,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    pub(super) fn wrong<T>(&mut self, place: &Place<T>, message: String, help: Option<String>) {
        self.note(Severity::Error, place, message, help);
    }

    /// Adds a warning: the configuration is allowed, but probably not what was meant.
    pub(super) fn odd<T>(&mut self, place: &Place<T>, message: String, help: &str) {
        self.note(Severity::Warning, place, message, Some(help.to_owned()));
    }

    fn note<T>(
        &mut self,
        severity: Severity,
        place: &Place<T>,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(Problem {
            severity,
            line: place.line,
            column: place.column,
            message,
            help,
        });
    }

    /// Adds an error for a name that refers to nothing.
    pub(super) fn unknown<'n>(
        &mut self,
        what: &str,
        name: &Place<String>,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let help = instead(what, &name.value, known);
        self.wrong(name, format!("unknown {what} `{}`", name.value), Some(help));
    }

    /// Checks that there are enough file descriptors, once the limit is raised.
    fn descriptors(&mut self) {
        if let (_, Some(shortage)) = Plan::new(self.config, attainable()) {
            self.odd(&shortage.place, shortage.message, &shortage.help);
        }
    }

    fn senders(&mut self) {
        let config = self.config;
        for sender in &config.sender {
            for (_, chain) in sender.chains() {
                if !config
                    .chain
                    .iter()
                    .any(|known| known.name.value == chain.value)
                {
                    let known = config.chain.iter().map(|known| known.name.value.as_str());
                    self.unknown("chain", chain, known);
                }
            }
            if sender.chains().next().is_none() {
                let message = format!("sender `{}` has no chain", sender.name.value);
                let help = "name one with `chain`, or several with `tag`".into();
                self.wrong(&sender.name, message, Some(help));
            }
        }
    }

    fn principals(&mut self) {
        let config = self.config;
        if let Some(notification) = &config.notification {
            self.principal(&notification.sender, notification.tag.as_ref());
        }
        for listener in &config.smtp_listener {
            self.principal(&listener.sender, listener.tag.as_ref());
            if let Some(users) = listener.auth.as_ref().and_then(ListenerAuth::principal) {
                self.principal(&users.sender, users.tag.as_ref());
            }
        }
    }

    fn principal(&mut self, name: &Place<String>, tag: Option<&Place<String>>) {
        let config = self.config;
        let mut senders = config.sender.iter();
        let Some(sender) = senders.find(|sender| sender.name.value == name.value) else {
            let known = config
                .sender
                .iter()
                .map(|sender| sender.name.value.as_str());
            return self.unknown("sender", name, known);
        };
        match tag {
            Some(tag) if !sender.tag.contains_key(&tag.value) => {
                self.unknown("tag", tag, sender.tag.keys().map(String::as_str));
            }
            None if sender.chain.is_none() && !sender.tag.is_empty() => {
                let message = format!("sender `{}` has no chain without a tag", name.value);
                let tags = sender.tag.keys().map(String::as_str).collect();
                self.wrong(
                    name,
                    message,
                    Some(format!("add a `tag`: there is {}", list(&tags))),
                );
            }
            _ => {}
        }
    }

    /// Checks that an endpoint other than the agent's own was added by the embedder.
    fn own_endpoint(&mut self, own: &OwnEndpoint, registry: &Registry) {
        let mut known = registry.endpoint_names();
        if !known.any(|name| name == own.name) {
            let known = ENDPOINTS.into_iter().chain(registry.endpoint_names());
            self.unknown("endpoint", &own.placed_name(), known);
        } else if let Err(error) = registry.check_endpoint(&own.name, &own.config) {
            let (message, help) = plain(&error.message);
            let place = own.place_of(&error.at);
            self.wrong(&place, format!("endpoint `{}`: {message}", own.name), help);
        }
    }

    fn chain(&mut self, chain: &'a Chain, registry: &Registry) {
        let mut seen = BTreeSet::new();
        for filter in &chain.filter {
            let name = &filter.value.name;
            if !seen.insert(name) && is_wanted_once(name) {
                let message = format!("filter `{name}` is in chain `{}` twice", chain.name.value);
                self.wrong(filter, message, Some("leave one of them".into()));
            }
            if !registry.has(name) {
                let name = filter.with(name.clone());
                self.unknown("filter", &name, registry.names());
            } else if let Err(error) = registry.check(name, &filter.value.config) {
                let (message, help) = plain(&error.message);
                let place = Filter::place_of(filter, &error.at);
                self.wrong(&place, format!("filter `{name}`: {message}"), help);
            }
        }
        self.copies(chain);
        self.verification(chain);
        match &chain.endpoint {
            Endpoint::Exploder(exploder) => {
                self.principal(&exploder.sender, exploder.tag.as_ref());
                let mut seen = BTreeSet::new();
                for (domain, sender) in &exploder.domain {
                    self.principal(sender, None);
                    if !seen.insert(domain_key(domain)) {
                        let message = format!("domain `{domain}` is there twice");
                        self.wrong(sender, message, Some("leave one of them".into()));
                    }
                    if let Err(error) = check_domain(domain) {
                        self.wrong(sender, error, None);
                    }
                }
            }
            Endpoint::Rest(rest) => {
                let urls = std::iter::once(&rest.url).chain(&rest.other_url);
                urls.for_each(|url| self.url(url));
            }
            Endpoint::Webhook(webhook) => self.mail_webhook(webhook),
            Endpoint::Own(own) => self.own_endpoint(own, registry),
            Endpoint::Smtp(smtp) => {
                self.networks(&smtp.allow_networks);
                for host in &smtp.host {
                    if let Err(message) = check_host(&host.value) {
                        self.wrong(host, message, None);
                    }
                }
            }
        }
    }
}
