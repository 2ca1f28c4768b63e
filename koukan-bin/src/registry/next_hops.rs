//! Rules of the filter `router` that derive the next hop from the text of the domain.

use koukan_core::{
    filter::router::{AddressLiterals, Decision, Suffix},
    network::Network,
    signals::Destination,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    InvalidFilter,
    router::{SMTP_PORT, wrong},
    text::{Host, Port},
};
use crate::config::Step;

/// For recipients whose domain ends with a text: sends them to these hosts, or to the host whose
/// name is the domain with another ending.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Suffixed {
    suffix: String,
    #[serde(default)]
    hosts: Vec<Host>,
    replace_by: Option<String>,
    port: Option<Port>,
    #[serde(default)]
    mx: bool,
}

/// For recipients at an address literal: sends them to that address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Literals {
    networks: Option<Vec<String>>,
    port: Option<Port>,
}

impl Suffixed {
    /// Whether it takes recipients in every domain.
    pub(super) fn is_for_all(&self) -> bool {
        self.suffix.is_empty()
    }

    /// Whether MX records say which hosts take the mail.
    pub(super) fn asks_mx(&self) -> bool {
        self.mx
    }

    /// The port of the host whose name is the domain with another ending, if it sends there.
    pub(super) fn port(&self) -> Option<u16> {
        let port = || self.port.as_ref().map_or(SMTP_PORT, |port| port.0);
        self.replace_by.is_some().then(port)
    }

    pub(super) fn into_hosts(self) -> Vec<Host> {
        self.hosts
    }

    pub(super) fn into_policy(self) -> Suffix {
        let Some(by) = self.replace_by else {
            let hosts = self.hosts.into_iter().map(|host| host.0);
            let to = Destination::of_operator(hosts);
            return Suffix::new(&self.suffix, Decision::Route(to));
        };
        let policy = Suffix::replaced(&self.suffix, &by);
        let policy = self
            .port
            .iter()
            .fold(policy, |policy, port| policy.with_port(port.0));
        match self.mx {
            true => policy.by_mx(),
            false => policy,
        }
    }

    /// Checks the rule; `at` gives the place of a key.
    pub(super) fn check(&self, at: impl Fn(&str) -> Vec<Step>) -> Result<(), InvalidFilter> {
        check_end(&self.suffix, &at("suffix"))?;
        if self.suffix.is_empty() && self.replace_by.is_some() {
            let text = "an empty suffix is replaced nowhere: name the end of domains";
            return wrong(text, &at("suffix"));
        }
        match &self.replace_by {
            None if self.hosts.is_empty() => {
                let text = "it leads nowhere: name `hosts`, or with `replace_by` another end of the domain";
                wrong(text, &at(""))
            }
            None if self.port.is_some() || self.mx => {
                let key = if self.mx { "mx" } else { "port" };
                let text = format!("`{key}` does nothing without `replace_by`: leave it out");
                wrong(&text, &at(key))
            }
            None => Ok(()),
            Some(_) if !self.hosts.is_empty() => {
                let text = "`hosts` and `replace_by` exclude each other: remove one of them";
                wrong(text, &at("replace_by"))
            }
            Some(by) => check_end(by, &at("replace_by")),
        }
    }
}

/// Checks that a text can be the end of a domain.
fn check_end(end: &str, at: &[Step]) -> Result<(), InvalidFilter> {
    if let Some(name) = end.strip_suffix('.') {
        let text =
            format!("`{end}` is the end of no recipient's domain: write `{name}`, without the dot");
        return wrong(&text, at);
    }
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '.' | '-' | '_');
    if end.contains("..") || !end.chars().all(is_plain) {
        let text = format!("`{end}` is the end of no domain: write one as in `.example.com`");
        return wrong(&text, at);
    }
    if end.len() > 253 {
        return wrong("it is longer than a domain can be", at);
    }
    Ok(())
}

impl Literals {
    /// Whether it takes recipients at every address literal.
    pub(super) fn is_for_all(&self) -> bool {
        let is_all = |text: &String| {
            let network = text.parse::<Network>();
            network.is_ok_and(|network| network.prefix_len() == 0)
        };
        let networks = self.networks.as_ref();
        networks.is_none_or(|networks| networks.iter().any(is_all))
    }

    /// The port of the addresses.
    pub(super) fn port(&self) -> u16 {
        self.port.as_ref().map_or(SMTP_PORT, |port| port.0)
    }

    pub(super) fn into_policy(self) -> AddressLiterals {
        let mut policy = AddressLiterals::new();
        if let Some(port) = self.port {
            policy = policy.with_port(port.0);
        }
        match self.networks {
            // They were checked before, so all of them can be read.
            Some(networks) => {
                policy.with_networks(networks.iter().filter_map(|text| text.parse().ok()))
            }
            None => policy,
        }
    }

    /// Checks the rule; `at` gives the place of a key.
    pub(super) fn check(&self, at: impl Fn(&str) -> Vec<Step>) -> Result<(), InvalidFilter> {
        let networks = self.networks.as_deref();
        if networks.is_some_and(<[_]>::is_empty) {
            let text = "no address is in it: add a network, or leave `networks` out for all";
            return wrong(text, &at("networks"));
        }
        for (index, text) in networks.into_iter().flatten().enumerate() {
            if text.parse::<Network>().is_err() {
                let mut place = at("networks");
                place.push(Step::Item(index));
                let text = format!("`{text}` is no network, as in `192.0.2.0/24`");
                return wrong(&text, &place);
            }
        }
        Ok(())
    }
}
