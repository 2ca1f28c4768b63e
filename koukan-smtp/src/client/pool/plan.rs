//! Finds the way that a message would take, from the DNS only.

use koukan_core::{
    network::RemoteAddress,
    reply::Reply,
    resource::{HostWay, TlsWay},
    signals::{Destination, HostPort, NamedBy},
};
use tokio::time::timeout;

use crate::client::{
    ClientError, Guard, HostFailure,
    mail_hosts::{self, NoHosts, TRIED_MAX},
    security::{Asked, Security},
};

use super::{Pool, at};

/// The properties of a message that decide about TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes {
    /// It must only be sent over TLS.
    pub(crate) is_requiretls: bool,
    /// It is to be sent even without the TLS that would be demanded.
    pub(crate) is_waived: bool,
}

impl Pool {
    /// The hosts that would be tried for a message.
    ///
    /// # Errors
    ///
    /// [`NoHosts`] if there are none.
    pub(crate) async fn plan(
        &self,
        destination: &Destination,
        guard: &Guard,
        wishes: Wishes,
    ) -> Result<Vec<HostWay>, NoHosts> {
        if destination.named_by != NamedBy::Domain || self.is_lmtp() {
            let guard = (destination.named_by != NamedBy::Operator).then_some(guard);
            let mut ways = Vec::new();
            for host in &destination.hosts {
                let way = self.way(host, guard, None, false, wishes);
                let (way, failure) = way.await;
                ways.push(failed(way, failure.map(HostFailure::into_reply)));
            }
            return Ok(ways);
        }
        let mut ways = Vec::new();
        let mut tried = 0;
        for domain in &destination.hosts {
            let ask = mail_hosts::of(domain, &*self.resolver, &*self.random, &self.helo_name);
            let found = timeout(self.timeouts.resolve, ask).await;
            let found = found.unwrap_or_else(|_| Err(NoHosts::late(domain)))?;
            let is_asked = !wishes.is_waived || wishes.is_requiretls;
            let has_policy = is_asked && self.has_policy(domain).await;
            let asked = Asked {
                security: Security::AsSet,
                is_proved: found.is_proved,
                domain: (&*found.domain).into(),
            };
            for host in &found.hosts {
                if tried == TRIED_MAX {
                    break;
                }
                let asked = is_asked.then_some(&asked);
                let way = self.way(host, Some(guard), asked, has_policy, wishes);
                let (way, failure) = way.await;
                let mut refusals = way.addresses.iter().map(|(_, refusal)| refusal.is_some());
                let is_refused = !way.addresses.is_empty() && refusals.all(|is_refused| is_refused);
                let is_untried =
                    is_refused || failure.as_ref().is_some_and(HostFailure::is_untried);
                tried += usize::from(!is_untried);
                ways.push(failed(
                    way,
                    failure.map(HostFailure::into_reply_of_mail_host),
                ));
            }
        }
        Ok(ways)
    }

    /// The way to a host, and why it cannot be taken.
    async fn way(
        &self,
        host: &HostPort,
        guard: Option<&Guard>,
        asked: Option<&Asked>,
        has_policy: bool,
        wishes: Wishes,
    ) -> (HostWay, Option<HostFailure>) {
        let refused = |address: &RemoteAddress| {
            let checked = guard.map(|guard| guard.check(address));
            let error = checked.and_then(Result::err)?;
            Some(plain(at(host, error).into_reply()))
        };
        let (addresses, mut failed) = match self.addresses(host).await {
            Ok(addresses) if addresses.is_empty() => {
                let error = ClientError::NoAddress(host.host.clone());
                (addresses, Some(at(host, error)))
            }
            Ok(addresses) => (addresses, None),
            Err(error) => (Vec::new(), Some(at(host, error))),
        };
        let is_requiretls = wishes.is_requiretls && !self.is_lmtp();
        // What a policy demands is enough for it.
        let is_sure = is_requiretls && !has_policy;
        let tls = match self.security_for(host, asked, is_sure).await {
            Ok(_) if host.unix().is_some() => TlsWay::Never,
            Ok(security) => self.tls_way(host, &security, has_policy),
            Err(failure) => {
                failed = failed.or(Some(failure));
                TlsWay::Required
            }
        };
        let way = HostWay {
            host: host.clone(),
            addresses: addresses
                .into_iter()
                .map(|address| {
                    let refused = refused(&address);
                    (address, refused)
                })
                .collect(),
            failed: None,
            tls,
            is_immediate: !self.awaits_greeting_in_clear(host) && host.unix().is_none(),
        };
        (way, failed)
    }

    /// Whether a domain announces a policy, if policies are followed.
    #[cfg(feature = "mta-sts")]
    async fn has_policy(&self, domain: &HostPort) -> bool {
        match &self.mta_sts {
            Some(mta_sts) => {
                let (resolver, patience) = (&*self.resolver, self.timeouts.resolve);
                mta_sts.is_announced(&domain.host, resolver, patience).await
            }
            None => false,
        }
    }

    #[cfg(not(feature = "mta-sts"))]
    async fn has_policy(&self, _: &HostPort) -> bool {
        false
    }

    #[cfg(feature = "tls")]
    fn tls_way(&self, host: &HostPort, security: &Security, has_policy: bool) -> TlsWay {
        use koukan_core::reply::TlsVerdict;

        let Some(begin) = self.tls.of(host).with(security) else {
            return match has_policy {
                true => TlsWay::MtaSts,
                false => TlsWay::Never,
            };
        };
        match (begin.is_required, begin.verdict) {
            (_, TlsVerdict::Dane) => TlsWay::Dane,
            _ if has_policy => TlsWay::MtaSts,
            (false, _) => TlsWay::Opportunistic,
            (true, TlsVerdict::Unverified) => TlsWay::Required,
            (true, _) => TlsWay::Verified,
        }
    }

    #[cfg(not(feature = "tls"))]
    fn tls_way(&self, _: &HostPort, _: &Security, _: bool) -> TlsWay {
        TlsWay::Never
    }
}

fn failed(way: HostWay, reply: Option<Reply>) -> HostWay {
    HostWay {
        failed: reply.map(plain),
        ..way
    }
}

fn plain(reply: Reply) -> Reply {
    reply.without_extensions()
}
