//! MTA-STS: a domain declares which hosts take its mail, and that they have valid certificates.
//!
//! | the policy | a mail host that it names | a mail host that it does not name |
//! |---|---|---|
//! | `enforce` | TLS with a trusted certificate for its name, or no mail is sent there | is not tried; 451 4.7.5 if there is no other |
//! | `testing` | as the settings say; the log reports what would fail | the same |
//! | `none`, or there is none | as the settings say | the same |
//!
//! A policy is in force for as long as it says, even if it is gone or can no longer be fetched. Hosts that the
//! operator names have no policy: following the policies of domains is then the relay's task.
//!
//! *Source*: RFC 8461.

mod cache;
mod fetch;
mod policy;

pub(crate) use self::fetch::Network;
pub use self::policy::{MtaStsMode, MtaStsPolicy};

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use koukan_core::{
    network::{Resolver, to_ascii_domain},
    path::domain_key,
    reply::{Reply, TlsVerdict},
    signals::HostPort,
    tls::ClientTls,
};
use tokio::time::{Instant, timeout};

use self::cache::{Cache, Fetch, Known};
use super::{mail_hosts::NoHosts, security::Security};

/// What domains demand of TLS with their mail hosts, as far as it is known. Clones share it.
///
/// For each message to a domain, its TXT record `_mta-sts` is looked up. If it announces another policy than the
/// cached one, the policy is fetched from `https://mta-sts.DOMAIN/.well-known/mta-sts.txt`. All who wait for the same
/// policy share one fetch.
#[derive(Debug, Clone)]
pub struct MtaSts {
    shared: Arc<Shared>,
    rules: Rules,
}

/// For which domains policies are followed.
#[derive(Debug, Clone)]
struct Rules {
    named: Arc<HashMap<Box<str>, bool>>,
    default: bool,
}

#[derive(Debug)]
struct Shared {
    verified: ClientTls,
    lenient: ClientTls,
    cache: Mutex<Cache>,
}

impl MtaSts {
    /// Knows no policy yet. `tls` decides which certificates are trusted, of mail hosts and of the hosts from which
    /// policies are fetched.
    ///
    /// # Panics
    ///
    /// If `tls` does not [verify](ClientTls::is_verifying) certificates.
    pub fn new(tls: ClientTls) -> Self {
        assert!(tls.is_verifying(), "policies demand certificates");
        let shared = Arc::new(Shared {
            lenient: tls.lenient(),
            verified: tls,
            cache: Mutex::default(),
        });
        let rules = Rules {
            named: Arc::default(),
            default: true,
        };
        Self { shared, rules }
    }

    /// Sets for which domains policies are followed. The rule for the domain itself counts; without one, the longest
    /// rule for all domains below one (`.example.com`); without one, `default`. Default: for all domains.
    #[must_use]
    pub fn with_rules<'a>(
        mut self,
        default: bool,
        rules: impl IntoIterator<Item = (&'a str, bool)>,
    ) -> Self {
        let rules = rules.into_iter();
        let named = rules.map(|(name, follows)| (domain_key(name).into(), follows));
        self.rules = Rules {
            named: Arc::new(named.collect()),
            default,
        };
        self
    }

    /// Which of a domain's mail hosts may be used, and what TLS with each must be.
    ///
    /// # Errors
    ///
    /// [`NoHosts`] if the domain's policy names none of them.
    pub(crate) async fn judge(
        &self,
        domain: &HostPort,
        mut hosts: Vec<HostPort>,
        network: Network,
    ) -> Result<(Vec<HostPort>, Vec<Security>), NoHosts> {
        let Some(policy) = self.policy(&domain.host, network).await else {
            let securities = vec![Security::AsSet; hosts.len()];
            return Ok((hosts, securities));
        };
        let domain = &*domain.host;
        let security = match policy.mode {
            MtaStsMode::None => Security::AsSet,
            MtaStsMode::Testing => {
                for host in hosts.iter().filter(|host| !policy.names(&host.host)) {
                    tracing::warn!(domain, %host, "a policy does not name a mail host, which will matter later");
                }
                Security::Wanted(self.shared.lenient.clone())
            }
            MtaStsMode::Enforce => {
                hosts.retain(|host| {
                    let is_named = policy.names(&host.host);
                    if !is_named {
                        tracing::warn!(domain, %host, "a policy does not name a mail host, which is not tried");
                    }
                    is_named
                });
                if hosts.is_empty() {
                    let text = format!("the policy of {domain} names none of its mail hosts");
                    return Err(NoHosts(Reply::tls_failed().with_text(text)));
                }
                Security::Demanded(self.shared.verified.clone(), TlsVerdict::MtaSts)
            }
        };
        let securities = vec![security; hosts.len()];
        Ok((hosts, securities))
    }

    /// The policy that is now in force for a domain.
    async fn policy(&self, domain: &str, network: Network) -> Option<Arc<MtaStsPolicy>> {
        let domain = to_ascii_domain(domain).ok()?;
        // An address literal has no policy.
        if domain.parse::<IpAddr>().is_ok() || !self.rules.follow(&domain) {
            return None;
        }
        let name = format!("_mta-sts.{domain}");
        let records = timeout(network.resolve, network.resolver.txt(&name)).await;
        let records = records.ok().and_then(Result::ok);
        let id = records.and_then(|answer| policy::id_of(&answer.records));
        let known = self
            .cache()
            .look(&domain, id.as_deref(), Instant::now(), || {
                let id = id.clone().unwrap_or_default();
                self.fetch(domain.clone().into(), id, network)
            });
        match known {
            Known::Policy(policy) => policy,
            Known::Fetch(fetch, old) => fetch.await.or(old),
        }
    }

    /// Whether policies are followed for the domain, and the DNS announces one. The policy is not fetched.
    pub(crate) async fn is_announced(
        &self,
        domain: &str,
        resolver: &dyn Resolver,
        patience: Duration,
    ) -> bool {
        let Ok(domain) = to_ascii_domain(domain) else {
            return false;
        };
        if domain.parse::<IpAddr>().is_ok() || !self.rules.follow(&domain) {
            return false;
        }
        let records = timeout(patience, resolver.txt(&format!("_mta-sts.{domain}"))).await;
        let records = records.ok().and_then(Result::ok);
        records.is_some_and(|answer| policy::id_of(&answer.records).is_some())
    }

    /// Starts to fetch a policy, for all who wait for it.
    fn fetch(&self, domain: Box<str>, id: Box<str>, network: Network) -> Fetch {
        let shared = Arc::clone(&self.shared);
        let fetch = async move {
            let fetched = fetch::fetch(&domain, &network, &shared.verified).await;
            let fetched = match fetched {
                Ok(policy) => Some(Arc::new(policy)),
                Err(error) => {
                    let error = koukan_core::causes::Causes(&*error);
                    tracing::warn!(%domain, %error, "cannot fetch the policy of a domain");
                    None
                }
            };
            let mut cache = shared.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.note(&domain, &id, fetched.clone(), Instant::now());
            fetched
        };
        fetch.boxed().shared()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        let cache = &self.shared.cache;
        cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rules {
    fn follow(&self, domain: &str) -> bool {
        let above = domain.match_indices('.').map(|(at, _)| &domain[at..]);
        let mut names = [domain].into_iter().chain(above);
        let found = names.find_map(|name| self.named.get(name));
        found.copied().unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::test_util::Authority;

    use super::*;

    #[test]
    fn the_nearest_rule_decides_whether_a_policy_is_looked_for() {
        let rules = [
            ("Example.com", false),
            (".example.com", true),
            (".b.example.com", false),
            ("bücher.example", true),
            (".Bücher.example", true),
        ];
        let mta_sts = MtaSts::new(Authority::new().client()).with_rules(false, rules);
        for (domain, expected) in [
            ("example.com", false),
            ("a.example.com", true),
            ("b.example.com", true),
            ("c.b.example.com", false),
            ("example.net", false),
            ("xn--bcher-kva.example", true),
            ("a.xn--bcher-kva.example", true),
        ] {
            assert_eq!(mta_sts.rules.follow(domain), expected, "{domain}");
        }
    }
}
