//! Recipients to their own domain.

use crate::{
    path::{Domain, ForwardPath},
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
};

use super::{Decision, Policy};

/// Routes each recipient to the host that is called as its domain, or to its address literal.
#[derive(Debug, Clone, Copy)]
pub struct DestDomain {
    port: u16,
}

impl DestDomain {
    /// Routes to port 25.
    pub fn new() -> Self {
        Self { port: 25 }
    }

    /// Routes to another port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }
}

impl Default for DestDomain {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for DestDomain {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let Some(mailbox) = recipient.mailbox() else {
            return Decision::Pass;
        };
        let host = match mailbox.domain() {
            // Recipients of one domain go together however it is written.
            Domain::Name(name) => name.to_ascii_lowercase().into(),
            Domain::Address(address) => address.to_string().into(),
            Domain::General(_) => return Decision::Reject(Rejection::new(Reply::no_route())),
        };
        let port = self.port;
        Decision::Route(Destination::of_other([HostPort { host, port }]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_address_literals_have_a_host() {
        let route = |recipient: &str| match DestDomain::new().decide(&recipient.parse().unwrap()) {
            Decision::Route(destination) => destination.hosts[0].to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(route("a@example.com"), "example.com:25");
        assert_eq!(route("a@Example.COM"), "example.com:25");
        assert_eq!(route("a@[127.0.0.1]"), "127.0.0.1:25");
        assert_eq!(route("a@[IPv6:::1]"), "[::1]:25");
        assert_eq!(route("postmaster"), "Pass");
        assert!(route("a@[x:y]").starts_with("Reject"));
    }
}
