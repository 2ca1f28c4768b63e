use std::net::IpAddr;

use crate::{
    context::Context,
    network::{LookupError, Network, Resolver},
    path::ReversePath,
};

/// A DNS list.
#[derive(Debug, Clone)]
pub struct Zone {
    domain: Box<str>,
    name: Box<str>,
    subject: Subject,
    codes: Vec<Network>,
    weight: i32,
}

/// What a list contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// Addresses of clients.
    Client,
    /// Domains of reverse-paths.
    MailFrom,
    /// Names that clients give in HELO or EHLO.
    Helo,
}

/// A list's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Listed, with this code.
    Listed(IpAddr),
    NotListed,
    /// It did not answer, or refused to.
    Unknown,
}

impl Zone {
    /// A list at this domain, which contains this kind of name. Its weight is 1.
    pub fn new(domain: impl Into<Box<str>>, subject: Subject) -> Self {
        let domain = domain.into();
        Self {
            name: domain.clone(),
            domain,
            subject,
            codes: Vec::new(),
            weight: 1,
        }
    }

    /// Sets its name in signals, since the domain may be a secret.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Only these addresses count as answers; those in 127.255.255.0/24 never do.
    #[must_use]
    pub fn with_codes(mut self, codes: impl IntoIterator<Item = Network>) -> Self {
        self.codes.extend(codes);
        self
    }

    /// Sets what it adds to the score.
    #[must_use]
    pub fn with_weight(mut self, weight: i32) -> Self {
        self.weight = weight;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn weight(&self) -> i32 {
        self.weight
    }

    /// The name to query; `None` where there is nothing to ask.
    pub(super) fn question(&self, context: &Context, path: &ReversePath) -> Option<String> {
        let domain = &self.domain;
        let subject = match self.subject {
            Subject::Client => reversed(public(context.remote_host?.ip())?),
            Subject::MailFrom => host(path.mailbox()?.domain_text())?,
            Subject::Helo => host(&context.client_name.as_ref()?.name)?,
        };
        Some(format!("{subject}.{domain}"))
    }

    pub(super) async fn ask(&self, resolver: &dyn Resolver, question: &str) -> Answer {
        match resolver.addresses(question).await {
            Ok(answer) => {
                let loopback =
                    |address: &&IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 127);
                let mut codes = answer.records.iter().filter(loopback);
                let is_named = |code: IpAddr| {
                    let named = self.codes.iter().any(|network| network.holds(code));
                    named || self.codes.is_empty()
                };
                let is_told = |code: &&IpAddr| !is_refusal(**code) && is_named(**code);
                let refuses = codes.clone().any(|code| is_refusal(*code));
                match codes.find(is_told) {
                    Some(code) => Answer::Listed(*code),
                    None if refuses => Answer::Unknown,
                    None => Answer::NotListed,
                }
            }
            Err(LookupError::NoSuchName) => Answer::NotListed,
            Err(_) => Answer::Unknown,
        }
    }
}

/// Whether the answer means that the list refuses to answer: lists that limit access use 127.255.255.0/24.
fn is_refusal(code: IpAddr) -> bool {
    matches!(code, IpAddr::V4(v4) if v4.octets()[..3] == [127, 255, 255])
}

/// An address as its name in a list: RFC 5782 sections 2.1 and 2.4.
fn reversed(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(address) => {
            let digits = format!("{:032x}", address.to_bits());
            let digits = digits.chars().rev().map(String::from);
            digits.collect::<Vec<_>>().join(".")
        }
    }
}

/// The address, if a list can know it: not a private, local or unspecified one. Every network uses those, and a query
/// would reveal them.
///
/// *Source*: RFC 1918, RFC 3927, RFC 4193, RFC 4291, RFC 6598.
fn public(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let is_local = match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || a == 0 || is_shared
        }
        IpAddr::V6(v6) => {
            let is_local = v6.is_unique_local() || v6.is_unicast_link_local();
            v6.is_loopback() || v6.is_unspecified() || is_local
        }
    };
    (!is_local).then_some(address)
}

/// A domain in ASCII that can be queried; not an address literal.
fn host(domain: &str) -> Option<String> {
    let domain = domain.trim_end_matches('.');
    let is_name = domain.contains('.')
        && domain.len() <= 253
        && domain.parse::<IpAddr>().is_err()
        && domain
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-._".contains(&octet));
    is_name.then(|| domain.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_domains_are_asked_for_by_their_names() {
        for (address, name) in [
            ("192.0.2.99", "99.2.0.192"),
            ("::ffff:192.0.2.99", "99.2.0.192"),
            (
                "2001:db8:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2",
            ),
        ] {
            assert_eq!(reversed(address.parse().unwrap()), name);
        }
        for (address, is_public) in [
            ("192.0.2.1", true),
            ("100.63.255.255", true),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("100.128.0.1", true),
            ("10.1.2.3", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("169.254.1.1", false),
            ("127.0.0.1", false),
            ("0.1.2.3", false),
            ("::ffff:10.1.2.3", false),
            ("::1", false),
            ("::", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fdff::1", false),
            ("2001:db8::1", true),
        ] {
            let found = public(address.parse().unwrap());
            assert_eq!(found.is_some(), is_public, "{address}");
        }
        assert_eq!(host("Example.COM.").as_deref(), Some("example.com"));
        for none in ["[192.0.2.1]", "192.0.2.1", "localhost", "", "a b.example"] {
            assert_eq!(host(none), None, "{none}");
        }
    }
}
