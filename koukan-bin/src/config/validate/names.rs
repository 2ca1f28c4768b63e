//! Checks names: the agent's own, and those that the file defines.

use std::{collections::BTreeSet, net::IpAddr};

use koukan_core::path::{Domain, address_literal};

use super::Check;
use crate::config::Place;

impl<'a> Check<'a> {
    /// Checks the name by which this agent introduces itself.
    pub(super) fn hostname(&mut self) {
        let hostname = &self.config.hostname;
        let name = &hostname.value;
        let help = "give a name as in `mx.example.com`";
        if let Err(error) = Domain::check(name) {
            let message = format!("`{name}` is not a host name: {error}");
            self.wrong(hostname, message, Some(help.into()));
        } else if let Ok(address) = name.parse::<IpAddr>() {
            let literal = address_literal(address);
            let message = format!("`{name}` is an address, not a host name");
            self.wrong(hostname, message, Some(format!("{help}, or `{literal}`")));
        } else if name.bytes().all(|c| c.is_ascii_digit() || c == b'.') {
            let message = format!("`{name}` is a number, not a host name");
            self.wrong(hostname, message, Some(help.into()));
        }
    }

    /// Checks the names that the file gives to its parts.
    pub(super) fn names(&mut self) {
        let config = self.config;
        self.unique("chain", config.chain.iter().map(|chain| &chain.name));
        self.unique("sender", config.sender.iter().map(|sender| &sender.name));
        for sender in &config.sender {
            let name = &sender.name;
            // The name is one segment of the API's paths.
            if sender.rest.is_some() && name.value.contains(['/', '?', '#', '%', '\\']) {
                let message = format!("sender `{}` cannot stand in a URL", name.value);
                let help = "it uses the REST API: give it a name of letters, digits, `-` and `.`";
                self.wrong(name, message, Some(help.into()));
            }
            if let Some(chain) = sender.tag.get("") {
                self.wrong(chain, "a tag without a name".into(), Some(GIVE.into()));
            }
            self.short("name of a sender", name, &name.value);
            for (tag, chain) in &sender.tag {
                self.short("tag", chain, tag);
            }
        }
    }

    /// Checks that a name under which something is stored fits into an index of the database.
    pub(super) fn short(&mut self, what: &str, place: &Place<String>, name: &str) {
        let len = name.len();
        if len > NAME_MAX {
            let beginning: String = name.chars().take(20).collect();
            let message = format!("the {what} `{beginning}…` has {len} octets");
            let help = format!("give it one of at most {NAME_MAX}");
            self.wrong(place, message, Some(help));
        }
    }

    /// Checks that no name is empty or occurs twice.
    pub(super) fn unique(&mut self, what: &str, names: impl Iterator<Item = &'a Place<String>>) {
        let mut seen = BTreeSet::new();
        for name in names {
            if name.value.trim().is_empty() {
                self.wrong(name, format!("a {what} without a name"), Some(GIVE.into()));
            } else if !seen.insert(&name.value) {
                let message = format!("{what} `{}` is there twice", name.value);
                self.wrong(name, message, Some("give one of them another name".into()));
            }
        }
    }
}

/// The most octets in a name under which something is stored. PostgreSQL keeps at most 2,704 octets for an entry of an
/// index, which may contain two such names and a domain.
const NAME_MAX: usize = 255;

const GIVE: &str = "give it one";
