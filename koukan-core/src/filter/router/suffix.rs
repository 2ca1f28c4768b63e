//! Routes recipients by a suffix of their domain.

use crate::{
    path::{Domain, ForwardPath, domain_key},
    signals::{Destination, HostPort},
};

use super::{Decision, Policy};

/// Octets of a domain, at most.
const DOMAIN_MAX: usize = 253;

/// Knows recipients whose domain ends with a text, for example `.example.com`. ASCII case does not matter.
///
/// It makes the same decision for all of them; or it replaces the suffix by another one, and the result is the name
/// of the next hop.
///
/// # Example
///
/// ```
/// use koukan_core::filter::router::{Decision, Policy, Suffix};
///
/// let inside = Suffix::replaced(".example.com", ".mail.internal");
/// let Decision::Route(to) = inside.decide(&"bob@Sales.example.com".parse()?) else {
///     panic!("it ends so");
/// };
/// assert_eq!(to.hosts[0].to_string(), "sales.mail.internal:25");
/// assert_eq!(inside.decide(&"bob@example.com".parse()?), Decision::Pass);
/// # Ok::<(), koukan_core::path::InvalidMailbox>(())
/// ```
#[derive(Debug, Clone)]
pub struct Suffix {
    suffix: Box<str>,
    then: Then,
}

#[derive(Debug, Clone)]
enum Then {
    Decide(Decision),
    Replace {
        by: Box<str>,
        port: u16,
        is_by_mx: bool,
    },
}

impl Suffix {
    /// Makes this decision for recipients whose domain ends with `suffix`. Every domain ends with
    /// the empty suffix.
    pub fn new(suffix: &str, decision: Decision) -> Self {
        Self {
            suffix: domain_key(suffix).into(),
            then: Then::Decide(decision),
        }
    }

    /// Routes to the host, on port 25, whose name is the domain with `by` instead of the suffix. If the result is
    /// empty or too long, the recipient is unknown.
    pub fn replaced(suffix: &str, by: &str) -> Self {
        Self {
            suffix: domain_key(suffix).into(),
            then: Then::Replace {
                by: domain_key(by).into(),
                port: 25,
                is_by_mx: false,
            },
        }
    }

    /// Sets the port, where the suffix is replaced.
    #[must_use]
    pub fn with_port(mut self, to: u16) -> Self {
        if let Then::Replace { port, .. } = &mut self.then {
            *port = to;
        }
        self
    }

    /// Where the suffix is replaced, routes to the hosts that accept mail for the resulting name by
    /// the DNS.
    #[must_use]
    pub fn by_mx(mut self) -> Self {
        if let Then::Replace { is_by_mx, .. } = &mut self.then {
            *is_by_mx = true;
        }
        self
    }
}

impl Policy for Suffix {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let Some(Domain::Name(name)) = recipient.mailbox().map(|mailbox| mailbox.domain()) else {
            return Decision::Pass;
        };
        let name = domain_key(name);
        let Some(rest) = name.strip_suffix(&*self.suffix) else {
            return Decision::Pass;
        };
        match &self.then {
            Then::Decide(decision) => decision.clone(),
            Then::Replace { by, port, is_by_mx } => {
                let host = format!("{rest}{by}");
                let host = host.trim_matches('.');
                if rest.is_empty() || host.is_empty() || host.len() > DOMAIN_MAX {
                    return Decision::Pass;
                }
                let host = HostPort {
                    host: host.into(),
                    port: *port,
                };
                // The rest of the domain comes from the recipient.
                Decision::Route(match is_by_mx {
                    true => Destination::of_domain(host),
                    false => Destination::of_other([host]),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signals::NamedBy;

    #[test]
    fn a_suffix_is_removed_or_replaced_and_whoever_names_the_rest_is_not_the_operator() {
        let route =
            |policy: &Suffix, recipient: &str| match policy.decide(&recipient.parse().unwrap()) {
                Decision::Route(to) => {
                    assert_ne!(to.named_by, NamedBy::Operator);
                    to.hosts[0].to_string()
                }
                other => format!("{other:?}"),
            };
        let removed = Suffix::replaced(".relay.example", "").with_port(2525);
        let replaced = Suffix::replaced(".Example.com", ".Mail.internal").by_mx();
        for (policy, recipient, to) in [
            (&removed, "a@example.org.RELAY.example", "example.org:2525"),
            (&removed, "a@relay.example", "Pass"),
            (&removed, "a@[192.0.2.1]", "Pass"),
            (&replaced, "a@sales.example.com", "sales.mail.internal:25"),
            (&replaced, "a@salesexample.com", "Pass"),
            (&replaced, "postmaster", "Pass"),
        ] {
            assert_eq!(route(policy, recipient), to, "{recipient}");
        }
        let long = Suffix::replaced("x", &".label".repeat(50));
        assert_eq!(route(&long, "a@b.x"), "Pass");
        let all = Suffix::new("", Decision::Accept);
        assert_eq!(
            all.decide(&"a@b.example".parse().unwrap()),
            Decision::Accept
        );
    }
}
