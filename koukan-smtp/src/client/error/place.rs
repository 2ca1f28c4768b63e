//! The place of a failure, in the words of replies and logs.

use std::fmt;

use koukan_core::{
    reply::{Concerning, RemoteMta, Reply},
    signals::HostPort,
};

/// The host that a failure is about, and its address if one was chosen.
///
/// *Shape* as text: `mx.example.com (192.0.2.1:25)`; `192.0.2.1:25` if the host is an address literal;
/// `mx.example.com:25` if no address was chosen; `unix:/run/dovecot/lmtp` for a Unix socket.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Host(HostPort),
    Address(RemoteMta),
}

impl Place {
    /// Adds to a reply of our own which host it is about. That host has not sent it.
    pub(super) fn concern(&self, reply: Reply) -> Reply {
        match self {
            Self::Host(_) => reply,
            Self::Address(remote) => reply.with_extension(Concerning(remote.clone())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::Address(RemoteMta { host, address }) => {
                let is_named = address.ip().is_some_and(|ip| host.parse() != Ok(ip));
                if is_named {
                    write!(f, "{host} ({address})")
                } else {
                    address.fmt(f)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_once() {
        let at = |host: &str| {
            Place::Address(RemoteMta {
                host: host.into(),
                address: ([192, 0, 2, 1], 25).into(),
            })
        };
        assert_eq!(at("mx.example").to_string(), "mx.example (192.0.2.1:25)");
        assert_eq!(at("192.0.2.1").to_string(), "192.0.2.1:25");
        let socket = "unix:/run/dovecot/lmtp";
        let remote = RemoteMta {
            host: socket.into(),
            address: socket.parse().unwrap(),
        };
        assert_eq!(Place::Address(remote).to_string(), socket);
        assert_eq!(Place::Host(socket.parse().unwrap()).to_string(), socket);
        let host = "[2001:db8::1]:25";
        assert_eq!(Place::Host(host.parse().unwrap()).to_string(), host);
    }
}
