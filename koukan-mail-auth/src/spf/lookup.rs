//! The DNS queries of SPF, and their limits: RFC 7208 sections 4.6.4 and 5.

use std::net::IpAddr;

use koukan_core::network::{DnsAnswer, LookupError, Resolver};

use crate::domain::is_name;

/// How many terms may ask the DNS.
const TERMS_MAX: u32 = 10;
/// How many queries may find nothing.
const VOID_MAX: u32 = 2;
/// How many names of a client, or hosts of a domain, are looked at.
pub(super) const NAMES_MAX: usize = 10;

/// Why an evaluation ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The DNS does not answer, so nothing is known for now.
    Temporary,
    /// The record is malformed, or needs too many queries.
    Permanent,
}

/// Asks the DNS, and counts the queries.
pub(super) struct Lookups<'a> {
    resolver: &'a dyn Resolver,
    terms: u32,
    voids: u32,
}

impl<'a> Lookups<'a> {
    pub(super) fn new(resolver: &'a dyn Resolver) -> Self {
        Self {
            resolver,
            terms: 0,
            voids: 0,
        }
    }

    /// Counts a term that asks the DNS.
    pub(super) fn term(&mut self) -> Result<(), Stop> {
        self.terms += 1;
        match self.terms > TERMS_MAX {
            true => Err(Stop::Permanent),
            false => Ok(()),
        }
    }

    /// TXT records. A missing record does not count as a query that found nothing.
    pub(super) async fn txt(&self, name: &str) -> Result<Vec<Box<[u8]>>, Stop> {
        if !is_name(name) {
            return Ok(Vec::new());
        }
        found(self.resolver.txt(name).await)
    }

    /// The addresses of a host, of the same family as `client`.
    pub(super) async fn addresses(
        &mut self,
        name: &str,
        like: IpAddr,
    ) -> Result<Vec<IpAddr>, Stop> {
        if !is_name(name) {
            return Ok(Vec::new());
        }
        let mut all = found(self.resolver.addresses(name).await)?;
        all.retain(|address| address.is_ipv4() == like.is_ipv4());
        self.count(all.is_empty())?;
        Ok(all)
    }

    /// The hosts that receive the domain's mail.
    pub(super) async fn mx(&mut self, name: &str) -> Result<Vec<Box<str>>, Stop> {
        if !is_name(name) {
            return Ok(Vec::new());
        }
        let mut hosts = found(self.resolver.mx(name).await)?;
        self.count(hosts.is_empty())?;
        hosts.sort_by_key(|mx| mx.preference);
        match hosts.len() > NAMES_MAX {
            true => Err(Stop::Permanent),
            false => Ok(hosts.into_iter().map(|mx| mx.host).collect()),
        }
    }

    /// The validated names of an address: of its first ten names, those that resolve to it. A name
    /// whose look-up fails is left out.
    pub(super) async fn validated(&mut self, address: IpAddr) -> Result<Vec<Box<str>>, Stop> {
        let names = found(self.resolver.ptr(address).await).unwrap_or_default();
        self.count(names.is_empty())?;
        let mut validated = Vec::new();
        for name in names.into_iter().take(NAMES_MAX) {
            if !is_name(&name) {
                continue;
            }
            let addresses = found(self.resolver.addresses(&name).await);
            if addresses.is_ok_and(|addresses| addresses.contains(&address)) {
                validated.push(name);
            }
        }
        Ok(validated)
    }

    fn count(&mut self, is_void: bool) -> Result<(), Stop> {
        self.voids += u32::from(is_void);
        match self.voids > VOID_MAX {
            true => Err(Stop::Permanent),
            false => Ok(()),
        }
    }
}

fn found<T>(answer: Result<DnsAnswer<T>, LookupError>) -> Result<Vec<T>, Stop> {
    match answer {
        Ok(answer) => Ok(answer.records),
        Err(LookupError::NoSuchName) => Ok(Vec::new()),
        Err(_) => Err(Stop::Temporary),
    }
}

/// Whether a domain can have a record: it has several labels, none of them empty or too long.
pub(super) fn is_domain(domain: &str) -> bool {
    is_name(domain) && domain.trim_end_matches('.').contains('.') && !domain.contains(['[', ']'])
}
