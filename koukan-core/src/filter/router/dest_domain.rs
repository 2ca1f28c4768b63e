//! Routes recipients to their own domain.

use crate::{
    path::{Domain, ForwardPath, domain_key},
    reply::{Rejection, Reply},
    signals::{Destination, HostPort},
};

use super::{Decision, Policy};

/// Routes each recipient to the host with the name of its domain, or to the hosts that accept mail
/// for it. Address literals are refused; [`AddressLiterals`](super::AddressLiterals) routes them.
#[derive(Debug, Clone, Copy)]
pub struct DestDomain {
    port: u16,
    is_by_mx: bool,
}

impl DestDomain {
    /// Routes to port 25.
    pub fn new() -> Self {
        Self {
            port: 25,
            is_by_mx: false,
        }
    }

    /// Routes to the hosts that accept mail for the domain by the DNS: those of its MX records, or
    /// without any the host of that name. The endpoint looks them up at each attempt.
    ///
    /// *Source*: RFC 5321 section 5.1.
    #[must_use]
    pub fn by_mx(mut self) -> Self {
        self.is_by_mx = true;
        self
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
            // Recipients of a domain have one destination, however the domain is written.
            Domain::Name(name) => domain_key(name).into(),
            Domain::Address(_) | Domain::General(_) => {
                return Decision::Reject(Rejection::new(Reply::no_route()));
            }
        };
        let host = HostPort {
            host,
            port: self.port,
        };
        Decision::Route(match self.is_by_mx {
            true => Destination::of_domain(host),
            false => Destination::of_other([host]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hosts_and_literals_are_none() {
        let route = |recipient: &str| match DestDomain::new().decide(&recipient.parse().unwrap()) {
            Decision::Route(destination) => destination.hosts[0].to_string(),
            other => format!("{other:?}"),
        };
        let by_mx = DestDomain::new()
            .by_mx()
            .decide(&"a@Example.com".parse().unwrap());
        let domain = Destination::of_domain("example.com:25".parse().unwrap());
        assert_eq!(by_mx, Decision::Route(domain));
        assert_eq!(route("a@example.com"), "example.com:25");
        assert_eq!(route("a@Example.COM"), "example.com:25");
        assert!(route("a@[127.0.0.1]").starts_with("Reject"));
        assert!(route("a@[IPv6:::1]").starts_with("Reject"));
        assert_eq!(route("postmaster"), "Pass");
        assert!(route("a@[x:y]").starts_with("Reject"));
    }
}
