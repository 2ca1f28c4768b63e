//! Destinations, as operators see and change them.

use std::{fmt, net::IpAddr};

use jiff::Timestamp;

use crate::{
    path::{Domain, domain_key},
    rate::Rate,
    signals::HostPort,
    storage::record::{DestinationCensus, Suspension},
};

use super::Refusal;

/// The longest name of a host or domain, and a port.
const NAME_MAX: usize = 255 + ":65535".len();

/// The name of a destination: a domain, an address literal, a host and a port, or the path of a Unix socket.
///
/// *Shape*: as [`SchedulingKey::host`](crate::storage::record::SchedulingKey::host) returns it: in lower
/// case, except for a path, as in `unix:/run/dovecot/lmtp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DestinationName(Box<str>);

/// A request about destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationOperation {
    /// List the destinations that have queued mail or are suspended.
    List {
        /// How many at most; 0 for the default.
        limit: usize,
    },
    /// Show one.
    Show(DestinationName),
    /// Change one.
    Change(DestinationName, DestinationAction),
}

/// A change of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DestinationAction {
    /// Make no attempts until it is resumed.
    Suspend,
    /// End the suspension, and attempt its queued mail now.
    Resume,
    /// Attempt its queued mail now, and try its hosts even if they are known not to answer.
    Retry,
}

/// A list of destinations: first the suspended ones, then those with the most queued mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationsListed {
    /// The destinations.
    pub destinations: Vec<DestinationView>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// The state of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationView {
    /// Its queued mail, with its name.
    pub census: DestinationCensus,
    /// Since when and by whom it is suspended, if it is.
    pub suspension: Option<Suspension>,
    /// Its hosts that do not answer, if there are any.
    pub down: Option<HostsDown>,
    /// The limits of its host: the one with its name, or the one that was connected to last.
    pub room: Option<HostRoom>,
}

/// The limits of a host, as configured and as learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRoom {
    /// The host.
    pub host: HostPort,
    /// How many connections it may have now: less than `max_connections` for a while after it has refused
    /// one.
    pub connections: usize,
    /// How many connections it may have.
    pub max_connections: usize,
    /// How many connections it may have, for all replicas of the agent together.
    pub max_of_all: usize,
    /// The rate limit of messages, if there is one.
    pub rate: Option<Rate>,
}

/// Something that connects to hosts, and knows their limits.
pub trait HostRooms: fmt::Debug + Send + Sync + 'static {
    /// The limits of a host, if they are known or configured; with several connectors, the smallest.
    fn room(&self, host: &HostPort) -> Option<HostRoom>;
}

/// Hosts of a destination that do not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsDown {
    /// Since when queued mail waits for them.
    pub since: Timestamp,
    /// When they are tried again; this may be in the past.
    pub until: Timestamp,
    /// The hosts.
    pub hosts: Box<[HostPort]>,
}

impl DestinationName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`Refusal`] where it is invalid.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if is_socket(text) {
            return Ok(Self(text.into()));
        }
        let is_name = text.len() <= NAME_MAX && (is_domain(text) || is_host(text));
        match is_name {
            true => Ok(Self(domain_key(text).into())),
            false => Err(Refusal::malformed(
                "not a domain, an address literal in brackets, a host with its port, or a Unix socket, as in \
                 example.com, mx.example.com:25 or unix:/run/dovecot/lmtp",
            )),
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_domain(text: &str) -> bool {
    Domain::check(text).is_ok()
}

fn is_socket(text: &str) -> bool {
    let host = text.parse::<HostPort>();
    host.is_ok_and(|host| host.unix().is_some())
}

fn is_host(text: &str) -> bool {
    let host = text.parse::<HostPort>();
    host.is_ok_and(|host| host.host.parse::<IpAddr>().is_ok() || is_domain(&host.host))
}

impl DestinationAction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Suspend, Self::Resume, Self::Retry];

    /// The action in a word, as in the REST API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Retry => "retry",
        }
    }
}

impl DestinationView {
    /// The host with the destination's name, or the one that was connected to last.
    pub(crate) fn host(census: &DestinationCensus) -> Option<HostPort> {
        if let Ok(host) = census.host.parse() {
            return Some(host);
        }
        let remote = census.last_attempt.as_ref()?.remote.as_ref()?;
        Some(remote.host_port())
    }

    /// A word for the state, as in the REST API: `suspended`, `down` or `up`.
    pub fn state(&self) -> &'static str {
        match (&self.suspension, &self.down) {
            (Some(_), _) => "suspended",
            (None, Some(_)) => "down",
            (None, None) => "up",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_mail_may_go_to() {
        for (text, name) in [
            ("Example.COM", "example.com"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("[IPv6:::1]", "[ipv6:::1]"),
            ("mx.Example.com:25", "mx.example.com:25"),
            ("[::1]:2525", "[::1]:2525"),
            ("127.0.0.1:25", "127.0.0.1:25"),
            ("例え.jp", "xn--r8jz45g.jp"),
            ("BÜCHER.example:25", "xn--bcher-kva.example:25"),
            ("unix:/run/Dovecot/lmtp", "unix:/run/Dovecot/lmtp"),
        ] {
            assert_eq!(DestinationName::parse(text).unwrap().as_str(), name);
        }
        let long = format!("{}.example", "a.".repeat(200));
        for text in [
            "",
            " ",
            "a b",
            "x:70000",
            "a\n.example",
            "bob@x.example",
            "%",
            "/run/dovecot/lmtp",
            "unix:run/lmtp",
            "unix:/run/dovecot/",
            &long,
        ] {
            assert!(DestinationName::parse(text).is_err(), "{text:?}");
        }
    }
}
