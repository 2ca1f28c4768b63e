//! Destinations as whoever operates the agent sees and changes them.

use std::{fmt, net::IpAddr};

use jiff::Timestamp;

use crate::{
    path::Domain,
    rate::Rate,
    signals::HostPort,
    storage::record::{DestinationCensus, Suspension},
};

use super::Refusal;

/// The longest name of a host or domain, and a port.
const NAME_MAX: usize = 255 + ":65535".len();

/// The name of a destination: a domain, an address literal, or a host and a port.
///
/// *Shape*: in lower case, as [`SchedulingKey::host`](crate::storage::record::SchedulingKey::host) tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DestinationName(Box<str>);

/// What is asked of destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationOperation {
    /// List those for which something is queued, or which are suspended.
    List {
        /// How many at most; 0 for as many as is usual.
        limit: usize,
    },
    /// Show one.
    Show(DestinationName),
    /// Change one.
    Change(DestinationName, DestinationAction),
}

/// What is to become of what goes to a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DestinationAction {
    /// No attempt is made until it is resumed.
    Suspend,
    /// It is not suspended any longer, and what is queued for it is attempted now.
    Resume,
    /// What is queued for it is attempted now; its hosts are tried also where they are known not to answer.
    Retry,
}

/// Some destinations: those that are suspended first, then those for which most is queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationsListed {
    /// Them.
    pub destinations: Vec<DestinationView>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// How a destination stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationView {
    /// What is queued for it; the name stands there.
    pub census: DestinationCensus,
    /// Since when and by whom it is suspended, where it is.
    pub suspension: Option<Suspension>,
    /// What is known of its hosts, where they do not answer.
    pub down: Option<HostsDown>,
    /// What its host takes: the one that is its name, or that was connected to last.
    pub room: Option<HostRoom>,
}

/// What a host takes, as it was configured and found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRoom {
    /// The host.
    pub host: HostPort,
    /// Connections that there may be to it now, at most: less than `max_connections` for a while where it has
    /// refused one.
    pub connections: usize,
    /// Connections to it, at most.
    pub max_connections: usize,
    /// Connections to it, at most, of all replicas of the agent together.
    pub max_of_all: usize,
    /// Messages that may go to it in a time, where that is limited.
    pub rate: Option<Rate>,
}

/// Whoever connects to hosts, and knows what they take.
pub trait HostRooms: fmt::Debug + Send + Sync + 'static {
    /// What a host takes, where that is known or configured; of several who connect to it the least.
    fn room(&self, host: &HostPort) -> Option<HostRoom>;
}

/// Hosts of a destination that do not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostsDown {
    /// Since when what is queued waits for them.
    pub since: Timestamp,
    /// When they are tried again; that may have passed.
    pub until: Timestamp,
    /// Them.
    pub hosts: Box<[HostPort]>,
}

impl DestinationName {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// [`Refusal`], where it is none.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let is_name = text.len() <= NAME_MAX && (is_domain(text) || is_host(text));
        match is_name {
            true => Ok(Self(text.to_ascii_lowercase().into())),
            false => Err(Refusal::malformed(
                "not a domain, an address literal in brackets, or a host with its port, as in \
                 example.com or mx.example.com:25",
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
    /// The host that is its name, or that was connected to last.
    pub(crate) fn host(census: &DestinationCensus) -> Option<HostPort> {
        if let Ok(host) = census.host.parse() {
            return Some(host);
        }
        let remote = census.last_attempt.as_ref()?.remote.as_ref()?;
        Some(remote.host_port())
    }

    /// How it stands in a word, as in the REST API: `suspended`, `down` or `up`.
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
            ("例え.jp", "例え.jp"),
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
            &long,
        ] {
            assert!(DestinationName::parse(text).is_err(), "{text:?}");
        }
    }
}
