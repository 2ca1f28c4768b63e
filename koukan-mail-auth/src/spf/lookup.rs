//! What SPF asks the DNS, and how often: RFC 7208 sections 4.6.4 and 5.

use std::net::IpAddr;

use koukan_core::network::{DnsAnswer, LookupError, Resolver};

use crate::domain::is_name;

/// Terms that ask the DNS, at most.
const TERMS_MAX: u32 = 10;
/// Look-ups that find nothing, at most.
const VOID_MAX: u32 = 2;
/// Names of a client, and hosts of a domain, that are looked at.
pub(super) const NAMES_MAX: usize = 10;

/// Why an evaluation ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It cannot be found out just now.
    Temporary,
    /// The record makes no sense, or asks for too much.
    Permanent,
}

/// Asks, and counts.
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

    /// Texts, without counting what is not there.
    pub(super) async fn txt(&self, name: &str) -> Result<Vec<Box<[u8]>>, Stop> {
        if !is_name(name) {
            return Ok(Vec::new());
        }
        found(self.resolver.txt(name).await)
    }

    /// The addresses of a host of the same kind as one.
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

    /// The hosts that take a domain's mail.
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

    /// The names of an address that have it: those of the first ten. What fails has none.
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

/// Whether a domain can be one that has a record: several labels, none empty or too long.
pub(super) fn is_domain(domain: &str) -> bool {
    is_name(domain) && domain.trim_end_matches('.').contains('.') && !domain.contains(['[', ']'])
}
