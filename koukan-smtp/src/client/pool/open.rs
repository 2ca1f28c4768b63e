//! Opening connections.

use std::{net::IpAddr, sync::Arc};

#[cfg(feature = "tls")]
use koukan_core::reply::TlsVerdict;
use koukan_core::{
    network::{BoxWire, Dialing, RemoteAddress, alternating},
    reply::RemoteMta,
    signals::HostPort,
};
use tokio::time::timeout;

#[cfg(feature = "tls")]
use crate::client::dane;
#[cfg(feature = "mta-sts")]
use crate::client::mta_sts::Network;
use crate::client::{
    ClientError, Guard, HostFailure, Phase, Place,
    connection::Connection,
    mail_hosts::{self, MailHosts, NoHosts},
    security::{Asked, Security, Terms},
};

use super::{Lease, Pool, admit, at, beside::Beside, opening::Opening};

/// The most addresses of a host that are tried for one connection: many silent ones must not hold a recipient and its
/// permit for long. Those that the guard refuses take no time, and do not count.
const ADDRESSES_MAX: usize = 10;

/// The port of submission over TLS, where it begins with the first octet: RFC 8314 section 7.3.
const TLS_PORT: u16 = 465;

impl Pool {
    /// Opens a connection to the first of the host's addresses that works. While one is silent, the next is tried as
    /// well; SMTP is spoken on one connection at a time.
    pub(super) async fn open(
        &self,
        lease: &mut Lease<BoxWire>,
        host: &HostPort,
        failed: &[RemoteAddress],
        terms: Terms<'_>,
    ) -> Result<(), HostFailure> {
        let addresses = self.addresses(host).await;
        let addresses = addresses.map_err(|error| at(host, error))?;
        let opening = Opening::begin(self, host);
        let opened = self.open_at(addresses, lease, host, failed, terms).await;
        opening.end();
        opened
    }

    async fn open_at(
        &self,
        addresses: Vec<RemoteAddress>,
        lease: &mut Lease<BoxWire>,
        host: &HostPort,
        failed: &[RemoteAddress],
        terms: Terms<'_>,
    ) -> Result<(), HostFailure> {
        let addresses = addresses.into_iter();
        let addresses = addresses.filter(|address| !failed.contains(address));
        let (addresses, mut failure) = permitted(addresses, host, terms);
        let name: Arc<str> = host.host.as_ref().into();
        let remotes = addresses.into_iter().map(|address| RemoteMta {
            host: Arc::clone(&name),
            address,
        });
        let beside = Beside::default();
        let mut dialing = Dialing::new(remotes, |remote| self.connect(host, remote, &beside));
        while let Some((remote, connected)) = dialing.next().await {
            let begun = async {
                lease.put(connected?);
                #[cfg(feature = "tls")]
                self.begin_tls(lease.connection(), host, terms).await?;
                lease.connection().greet(&self.helo_name).await?;
                #[cfg(feature = "tls")]
                self.secure(lease, host, remote.clone(), terms).await?;
                self.log_in(lease, terms).await
            };
            let begun = begun.await;
            match begun.and_then(|()| admit(lease.connection(), terms)) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let heard = lease.heard();
                    lease.give_up();
                    let failed = if error.is_guards() {
                        at(host, error)
                    } else {
                        HostFailure::new(Place::Address(remote), error)
                    };
                    let failed = match self.awaits_greeting_in_clear(host) && host.port == TLS_PORT
                    {
                        true => failed.at_port_of_tls(),
                        false => failed,
                    };
                    let failed = failed.heard(heard);
                    match *failed.error {
                        // The operator can correct it.
                        ClientError::SourceNotHere(_) => {
                            tracing::warn!(error = %failed, "no session with a host");
                        }
                        _ => tracing::info!(error = %failed, "no session with a host"),
                    }
                    failure = Some(failed.after(failure));
                }
            }
        }
        Err(failure.unwrap_or_else(|| at(host, ClientError::NoAddress(host.host.clone()))))
    }

    /// Connects to one address. If there is no room for another connection, one that nobody uses makes room for it, or one
    /// of the other addresses of the host that are tried: those that are silent must not keep it from the one that answers.
    async fn connect(
        &self,
        host: &HostPort,
        remote: RemoteMta,
        beside: &Beside,
    ) -> Result<Connection<BoxWire>, ClientError> {
        let attempt = beside.begin();
        let dial = || attempt.connect(self.dial(host, remote.clone()));
        let mut connected = dial().await;
        if matches!(connected, Err(ClientError::NoRoom)) && self.idle.make_room().await {
            connected = dial().await;
        }
        while matches!(connected, Err(ClientError::NoRoom)) && attempt.another_has_ended().await {
            connected = dial().await;
        }
        connected
    }

    /// Connects to one address, from the source address that is set for the host.
    pub(super) async fn dial(
        &self,
        host: &HostPort,
        remote: RemoteMta,
    ) -> Result<Connection<BoxWire>, ClientError> {
        let source = self.sources.find(host, &remote.address);
        let timeouts = Arc::clone(&self.timeouts);
        Connection::connect(&*self.connector, remote, source, timeouts, self.protocol).await
    }

    async fn log_in(
        &self,
        lease: &mut Lease<BoxWire>,
        terms: Terms<'_>,
    ) -> Result<(), ClientError> {
        let connection = lease.connection();
        connection.note_identity(terms.identity.is_some());
        match self.login(terms.identity) {
            Some(login) => connection.authenticate(login, &self.blocking).await,
            None => Ok(()),
        }
    }

    /// The hosts that take mail for domains, in the order in which to try them, and the requirements for TLS with
    /// each. `guard` checks the addresses that are connected to for finding those requirements. Without a guard
    /// they are not looked up.
    pub(crate) async fn mail_hosts(
        &self,
        domains: &[HostPort],
        guard: Option<&Guard>,
    ) -> Result<MailHosts, NoHosts> {
        let mut all = MailHosts::default();
        for domain in domains {
            let ask = mail_hosts::of(domain, &*self.resolver, &*self.random, &self.helo_name);
            let found = timeout(self.timeouts.resolve, ask).await;
            let found = found.unwrap_or_else(|_| Err(NoHosts::late(domain)))?;
            all.is_cut |= found.is_cut;
            let Some(guard) = guard else {
                all.hosts.extend(found.hosts);
                continue;
            };
            let (is_proved, named) = (found.is_proved, Arc::<str>::from(found.domain));
            let (hosts, securities) = self.judged(domain, found.hosts, guard).await?;
            all.hosts.extend(hosts);
            all.asked
                .extend(securities.into_iter().map(|security| Asked {
                    security,
                    is_proved,
                    domain: Arc::clone(&named),
                }));
        }
        Ok(all)
    }

    /// The mail hosts that a domain's policy allows, and the requirements for TLS with each.
    async fn judged(
        &self,
        #[cfg_attr(
            not(feature = "mta-sts"),
            expect(unused, reason = "there are no policies")
        )]
        domain: &HostPort,
        hosts: Vec<HostPort>,
        #[cfg_attr(
            not(feature = "mta-sts"),
            expect(unused, reason = "nothing else is connected to")
        )]
        guard: &Guard,
    ) -> Result<(Vec<HostPort>, Vec<Security>), NoHosts> {
        #[cfg(feature = "mta-sts")]
        if let Some(mta_sts) = &self.mta_sts {
            let network = Network {
                connector: Arc::clone(&self.connector),
                resolver: Arc::clone(&self.resolver),
                guard: guard.clone(),
                resolve: self.timeouts.resolve,
            };
            return mta_sts.judge(domain, hosts, network).await;
        }
        let securities = vec![Security::AsSet; hosts.len()];
        Ok((hosts, securities))
    }

    /// The requirements for TLS with a host, for one message. `known` is what is known of the host as a mail host of
    /// a domain.
    ///
    /// # Errors
    ///
    /// [`HostFailure`] if the requirements cannot be found out; the message may not be sent there.
    pub(crate) async fn security_for(
        &self,
        host: &HostPort,
        known: Option<&Asked>,
        is_requiretls: bool,
    ) -> Result<Security, HostFailure> {
        let security = self.security(host, known).await?;
        if is_requiretls {
            let sure = self.sure(host, security, known);
            return sure.map_err(|error| at(host, error).for_requiretls());
        }
        Ok(security)
    }

    /// Without the feature `tls` there is no TLS, whatever a host offers.
    #[cfg(not(feature = "tls"))]
    fn sure(&self, _: &HostPort, _: Security, _: Option<&Asked>) -> Result<Security, ClientError> {
        Err(ClientError::NoTls)
    }

    /// Without the feature `tls` every host is to greet in clear.
    #[cfg(not(feature = "tls"))]
    pub(super) fn awaits_greeting_in_clear(&self, _: &HostPort) -> bool {
        true
    }

    /// As [`Self::security_for`], for messages without requirements of their own.
    async fn security(
        &self,
        #[cfg_attr(not(feature = "tls"), expect(unused, reason = "there is no TLS"))]
        host: &HostPort,
        known: Option<&Asked>,
    ) -> Result<Security, HostFailure> {
        let Some(known) = known else {
            return Ok(Security::AsSet);
        };
        #[cfg(feature = "tls")]
        if self.has_dane && known.is_proved && host.host.parse::<IpAddr>().is_err() {
            let ask = dane::of(host, &known.domain, &*self.resolver, self.timeouts.resolve);
            let found = ask.await.map_err(|source| {
                let name = host.host.clone();
                let error = ClientError::ResolveFailed { host: name, source };
                at(host, error)
            })?;
            return Ok(match (found, &known.security) {
                // Unusable records do not weaken a policy's requirements.
                (
                    Some(Security::Demanded(_, TlsVerdict::Unverified)),
                    own @ Security::Demanded(..),
                ) => own.clone(),
                (Some(found), _) => found,
                (None, own) => own.clone(),
            });
        }
        Ok(known.security.clone())
    }

    /// Sets whether the DNS is asked for certificates.
    #[cfg(feature = "tls")]
    pub(crate) fn with_dane(mut self, has_dane: bool) -> Self {
        self.has_dane = has_dane;
        self
    }

    /// Sets the source of the domains' policies.
    #[cfg(feature = "mta-sts")]
    pub(crate) fn with_mta_sts(mut self, mta_sts: Option<crate::client::MtaSts>) -> Self {
        self.mta_sts = mta_sts;
        self
    }

    pub(super) async fn addresses(
        &self,
        host: &HostPort,
    ) -> Result<Vec<RemoteAddress>, ClientError> {
        if let Some(path) = host.unix() {
            return Ok(vec![RemoteAddress::Unix(path.into())]);
        }
        if let Ok(address) = host.host.parse::<IpAddr>() {
            return Ok(vec![(address, host.port).into()]);
        }
        let found = timeout(self.timeouts.resolve, self.resolver.addresses(&host.host)).await;
        let found = found.map_err(|_| ClientError::Timeout(Phase::Resolve))?;
        let found = found.map_err(|source| ClientError::ResolveFailed {
            host: host.host.clone(),
            source,
        })?;
        let addresses = alternating(found.records).into_iter();
        let addresses = addresses.map(|address| (address, host.port).into());
        Ok(addresses.collect())
    }
}

/// The addresses that are tried, in their order; and if the guard refuses others, that.
fn permitted(
    addresses: impl Iterator<Item = RemoteAddress>,
    host: &HostPort,
    terms: Terms<'_>,
) -> (Vec<RemoteAddress>, Option<HostFailure>) {
    let (mut permitted, mut refused, mut failure) = (Vec::new(), 0_usize, None);
    for address in addresses {
        if permitted.len() == ADDRESSES_MAX {
            break;
        }
        match terms.guard.map(|guard| guard.check(&address)) {
            Some(Err(error)) => {
                refused += 1;
                failure = Some(at(host, error).after(failure));
            }
            _ => permitted.push(address),
        }
    }
    if let Some(HostFailure { error, .. }) = &failure {
        tracing::warn!(%host, refused, %error, "refused to connect to addresses of a host");
    }
    (permitted, failure)
}
