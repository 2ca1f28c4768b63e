//! Finds the hosts that take mail for a domain.
//!
//! | the DNS says | the hosts, or the reply |
//! |---|---|
//! | MX records | their hosts, by preference; those with the same preference in random order |
//! | one of them is this host | those that are preferred to it; 554 5.4.6 if there is none |
//! | a null MX | 556 5.1.10 |
//! | no MX record, and the domain has an address | the domain |
//! | neither | 550 5.1.2 |
//! | the name does not exist | 550 5.1.2 |
//! | nothing, or too late | 451 4.4.3 |
//! | that the name is an alias of itself | 451 4.4.3 |
//!
//! *Source*: RFC 5321 section 5.1, RFC 7505; for aliases RFC 1034 section 3.6.2, which calls a circle of them an error. Most
//! DNS servers say SERVFAIL then, and whoever follows aliases itself must not come to another result: the zone can be
//! mended.

use std::net::IpAddr;

use koukan_core::{
    network::{LookupError, Mx, Proof, Resolver, to_ascii_domain},
    random::Random,
    reply::Reply,
    signals::HostPort,
};

use super::security::Asked;

/// The most hosts of one domain that are known.
const HOSTS_MAX: usize = 100;
/// The most of them that are tried for one message, since each may take long. Those that do not exist, or must not be
/// connected to, take no time and do not count.
pub(crate) const TRIED_MAX: usize = 20;

/// No host takes mail for a domain, or the hosts are unknown; the reply says why.
#[derive(Debug)]
pub(crate) struct NoHosts(pub(crate) Reply);

/// The hosts that take mail for a domain.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order in which to try them.
    pub(crate) hosts: Vec<HostPort>,
    /// Whether the domain has more of them.
    pub(crate) is_cut: bool,
    /// The domain as it is written in the DNS and in certificates.
    pub(crate) domain: Box<str>,
    /// Whether DNSSEC proves that these are the hosts.
    pub(crate) is_proved: bool,
}

/// The hosts that take the mail of domains.
#[derive(Debug, Default)]
pub(crate) struct MailHosts {
    /// In the order in which to try them.
    pub(crate) hosts: Vec<HostPort>,
    /// What is known of each as a mail host of its domain; nothing if that is not to be found out.
    pub(crate) asked: Vec<Asked>,
    /// Whether there are more of them.
    pub(crate) is_cut: bool,
}

/// The hosts that take mail for a domain. An address literal is its own host.
pub(crate) async fn of(
    domain: &HostPort,
    resolver: &dyn Resolver,
    random: &dyn Random,
    own_name: &str,
) -> Result<Found, NoHosts> {
    let name = &*domain.host;
    if name.parse::<IpAddr>().is_ok() {
        return Ok(Found {
            hosts: vec![domain.clone()],
            is_cut: false,
            domain: name.into(),
            is_proved: false,
        });
    }
    let Ok(ascii) = to_ascii_domain(name) else {
        return Err(NoHosts::because(
            Reply::no_such_domain(),
            name,
            "is no domain",
        ));
    };
    let (records, proof) = match resolver.mx(&ascii).await {
        Ok(answer) => (answer.records, answer.proof),
        Err(error) => return Err(NoHosts::of(name, error)),
    };
    // A domain without MX records can be proved as well: their absence is an answer too.
    let mut hosts = match records.is_empty() {
        true => vec![itself(name, ascii.clone(), resolver).await?],
        false => in_order(records, random, own_name).map_err(|why| why.of(name))?,
    };
    let is_cut = hosts.len() > HOSTS_MAX;
    hosts.truncate(HOSTS_MAX);
    let port = domain.port;
    let hosts = hosts.into_iter().map(|host| HostPort { host, port });
    Ok(Found {
        hosts: hosts.collect(),
        is_cut,
        domain: ascii.into(),
        is_proved: proof == Proof::Secure,
    })
}

/// The domain as its own host: it has an address.
async fn itself(name: &str, ascii: String, resolver: &dyn Resolver) -> Result<Box<str>, NoHosts> {
    let found = resolver.addresses(&ascii).await;
    let found = found.map_err(|error| NoHosts::of(name, error))?;
    match found.records.is_empty() {
        false => Ok(ascii.into()),
        true => {
            let why = "has neither an MX record nor an address";
            Err(NoHosts::because(Reply::no_such_domain(), name, why))
        }
    }
}

/// Why MX records name no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unusable {
    /// The domain has a null MX.
    Null,
    /// The best host is this one.
    Ourselves,
}

/// The hosts of MX records, of which there is at least one: as many as are known, and one more if there are more.
fn in_order(
    mut records: Vec<Mx>,
    random: &dyn Random,
    own_name: &str,
) -> Result<Vec<Box<str>>, Unusable> {
    let host = |record: &Mx| record.host.trim_end_matches('.').to_ascii_lowercase();
    // A null MX beside others is ignored: RFC 7505 section 3.
    records.retain(|record| !host(record).is_empty());
    if records.is_empty() {
        return Err(Unusable::Null);
    }
    let own_name = own_name.trim_end_matches('.').to_ascii_lowercase();
    let own = records.iter().filter(|record| host(record) == own_name);
    if let Some(own) = own.map(|record| record.preference).min() {
        records.retain(|record| record.preference < own);
    }
    let mut records: Vec<_> = records
        .iter()
        .map(|record| (record.preference, random.unit(), host(record)))
        .collect();
    records.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut hosts: Vec<Box<str>> = Vec::new();
    for (_, _, host) in records {
        if hosts.len() <= HOSTS_MAX && !hosts.iter().any(|known| **known == *host) {
            hosts.push(host.into());
        }
    }
    match hosts.is_empty() {
        true => Err(Unusable::Ourselves),
        false => Ok(hosts),
    }
}

impl Unusable {
    fn of(self, domain: &str) -> NoHosts {
        match self {
            Self::Null => NoHosts::because(Reply::domain_takes_no_mail(), domain, "takes no mail"),
            Self::Ourselves => {
                let why = "has this host for its best mail host";
                NoHosts::because(Reply::loops_back(), domain, why)
            }
        }
    }
}

impl NoHosts {
    /// The look-up took too long.
    pub(crate) fn late(domain: &HostPort) -> Self {
        let why = "could not be looked up in time, try again later";
        Self::because(Reply::directory_failed(), &domain.host, why)
    }

    fn of(domain: &str, error: LookupError) -> Self {
        let (reply, why) = match error {
            LookupError::NoSuchName => (Reply::no_such_domain(), "does not exist"),
            LookupError::Unsupported => (
                Reply::misconfigured(),
                "cannot be looked up: the resolver knows no MX records",
            ),
            _ => (
                Reply::directory_failed(),
                "could not be looked up, try again later",
            ),
        };
        Self::because(reply, domain, why)
    }

    fn because(reply: Reply, domain: &str, why: &str) -> Self {
        Self(reply.with_text(format!("domain {domain} {why}")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use koukan_core::{network::DnsAnswer, random::SystemRandom, test_util::ScriptedResolver};

    use super::*;

    fn zone() -> ScriptedResolver {
        let address = || ["192.0.2.1".parse::<IpAddr>().unwrap()];
        ScriptedResolver::new()
            .with_mx(
                "two.example",
                [Mx::new(20, "b.example"), Mx::new(10, "A.example.")],
            )
            .with_mx("null.example", [Mx::new(0, "")])
            .with_mx("dot.example", [Mx::new(0, ".")])
            .with_mx("odd.example", [Mx::new(0, ""), Mx::new(10, "a.example")])
            .with_mx(
                "twice.example",
                [Mx::new(5, "a.example"), Mx::new(7, "a.example")],
            )
            .with_mx("ours.example", [Mx::new(10, "ME.example")])
            .with_mx(
                "backup.example",
                [
                    Mx::new(20, "me.example"),
                    Mx::new(10, "a.example"),
                    Mx::new(20, "b.example"),
                    Mx::new(30, "c.example"),
                ],
            )
            .with_mx("plain.example", [])
            .with_addresses("plain.example", address())
            .with_mx("bare.example", [])
            .with_addresses("bare.example", [])
            .with_mx("xn--bcher-kva.example", [Mx::new(1, "mx.example")])
            .with_failure("down.example")
    }

    async fn found(domain: &str) -> String {
        let domain = HostPort {
            host: domain.into(),
            port: 25,
        };
        match of(&domain, &zone(), &SystemRandom, "me.example").await {
            Ok(found) => {
                let hosts: Vec<_> = found.hosts.iter().map(HostPort::to_string).collect();
                hosts.join(" ")
            }
            Err(NoHosts(reply)) => {
                assert!(reply.text().contains(&*domain.host), "{reply}");
                reply.to_string().chars().take(9).collect()
            }
        }
    }

    #[tokio::test]
    async fn the_dns_says_who_takes_mail_for_a_domain() {
        for (domain, expected) in [
            ("two.example", "a.example:25 b.example:25"),
            ("null.example", "556 5.1.1"),
            ("dot.example", "556 5.1.1"),
            ("odd.example", "a.example:25"),
            ("twice.example", "a.example:25"),
            ("ours.example", "554 5.4.6"),
            ("backup.example", "a.example:25"),
            ("plain.example", "plain.example:25"),
            ("bare.example", "550 5.1.2"),
            ("none.example", "550 5.1.2"),
            ("down.example", "451 4.4.3"),
            ("bücher.example", "mx.example:25"),
            ("192.0.2.7", "192.0.2.7:25"),
            ("2001:db8::1", "[2001:db8::1]:25"),
        ] {
            assert_eq!(found(domain).await, expected, "{domain}");
        }
    }

    #[tokio::test]
    async fn a_domain_is_named_as_in_certificates() {
        let domain = "bücher.example:25".parse().unwrap();
        let found = of(&domain, &zone(), &SystemRandom, "me.example").await;
        assert_eq!(&*found.unwrap().domain, "xn--bcher-kva.example");
    }

    #[tokio::test]
    async fn there_are_not_too_many_hosts_and_it_is_known_whether_there_are_more() {
        for (count, expected) in [(HOSTS_MAX, false), (HOSTS_MAX + 1, true), (4000, true)] {
            // Each is there twice.
            let hosts = (0..count).chain(0..count);
            let records = hosts.map(|host| Mx::new(1, format!("{host}.example")));
            let zone = ScriptedResolver::new();
            let zone = zone.with_mx("many.example", DnsAnswer::insecure(records));
            let domain = "many.example:25".parse().unwrap();
            let found = of(&domain, &zone, &SystemRandom, "me.example").await;
            let found = found.unwrap();
            assert_eq!((found.hosts.len(), found.is_cut), (HOSTS_MAX, expected));
        }
    }

    #[test]
    fn hosts_of_one_preference_share_the_mail() {
        let records: Vec<_> = (0..100)
            .map(|host| Mx::new(host / 4, format!("{host}.example")))
            .collect();
        let order = || in_order(records.clone(), &SystemRandom, "me.example").unwrap();
        let first: BTreeSet<_> = (0..1000).map(|_| order()[0].clone()).collect();
        assert_eq!(first.len(), 4, "{first:?}");
        let second: BTreeSet<_> = (0..1000).map(|_| order()[4].clone()).collect();
        assert!(first.is_disjoint(&second));
    }
}
