//! The settings of an endpoint.

use std::sync::Arc;

use koukan_core::{
    message::downgrade::Signatures,
    path::{Domain, InvalidMailbox},
    random::{SharedRandom, SystemRandom},
    signals::{Destination, HostPort},
};

use crate::{
    Protocol,
    client::{ClientTimeouts, Guard, HostIdentities, Login, PoolSettings, SourceAddresses},
};

/// The settings of an [`SmtpEndpoint`](super::SmtpEndpoint).
#[derive(Debug, Clone)]
pub struct ClientSettings {
    pub(super) helo_name: Arc<str>,
    pub(super) destination: Option<Arc<Destination>>,
    pub(super) timeouts: ClientTimeouts,
    pub(super) pool: PoolSettings,
    pub(super) guard: Guard,
    pub(super) random: SharedRandom,
    pub(super) login: Option<Login>,
    pub(super) identities: HostIdentities,
    pub(super) sources: SourceAddresses,
    pub(super) protocol: Protocol,
    pub(super) downgrade: Option<Signatures>,
    #[cfg(feature = "tls")]
    pub(super) tls: crate::client::tls_policy::TlsPolicies,
    #[cfg(feature = "tls")]
    pub(super) has_dane: bool,
    #[cfg(feature = "tls")]
    pub(super) trust: Option<koukan_core::tls::ClientTls>,
    #[cfg(feature = "mta-sts")]
    pub(super) mta_sts: Option<crate::client::MtaSts>,
}

impl ClientSettings {
    /// Settings with the name for EHLO, which is a domain or an address literal in brackets, and
    /// the defaults for everything else.
    ///
    /// # Errors
    ///
    /// [`InvalidMailbox`] if the name is neither.
    pub fn new(helo_name: &str) -> Result<Self, InvalidMailbox> {
        Domain::check(helo_name)?;
        Ok(Self {
            helo_name: helo_name.into(),
            destination: None,
            timeouts: ClientTimeouts::default(),
            pool: PoolSettings::default(),
            guard: Guard::default(),
            random: Arc::new(SystemRandom),
            login: None,
            identities: HostIdentities::default(),
            sources: SourceAddresses::default(),
            protocol: Protocol::Smtp,
            downgrade: None,
            #[cfg(feature = "tls")]
            tls: crate::client::tls_policy::TlsPolicies::default(),
            #[cfg(feature = "tls")]
            has_dane: false,
            #[cfg(feature = "tls")]
            trust: None,
            #[cfg(feature = "mta-sts")]
            mta_sts: None,
        })
    }

    /// Sends everything to these hosts, tried in this order, whatever the signals say.
    #[must_use]
    pub fn with_hosts(mut self, hosts: impl IntoIterator<Item = HostPort>) -> Self {
        self.destination = Some(Arc::new(Destination::of_operator(hosts)));
        self
    }

    /// Sets the timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: ClientTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets where connections may lead if the operator has not named the destination.
    #[must_use]
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Sets the source of random numbers. They spread the times at which hosts that are down are
    /// tried again.
    #[must_use]
    pub fn with_random(mut self, random: SharedRandom) -> Self {
        self.random = random;
        self
    }

    /// Authenticates to the hosts that are [named here](Self::with_hosts), on each connection, but
    /// not to hosts that signals name. Without TLS it authenticates only to hosts on this machine,
    /// unless [`Login::in_clear`] says otherwise; other hosts are passed over.
    #[must_use]
    pub fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Sets separate credentials for single hosts, in place of those for all. They are also used if
    /// a signal names the host, as long as [the operator](koukan_core::signals::NamedBy::Operator)
    /// has done so.
    #[must_use]
    pub fn with_identities(mut self, identities: HostIdentities) -> Self {
        self.identities = identities;
        self
    }

    /// Sets the addresses from which connections are made. Each endpoint has its own connections, and uses one source
    /// address of a family for each host, so no connection from another address is reused. If an address is not one of
    /// this machine, mail for the host is deferred. Default: the system chooses.
    #[must_use]
    pub fn with_sources(mut self, sources: SourceAddresses) -> Self {
        self.sources = sources;
        self
    }

    /// Sets the protocol of the hosts. With [`Protocol::Lmtp`], a domain in place of hosts is the
    /// name of a host: its MX records are not looked up. Default: SMTP.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Encodes messages with BODY=8BITMIME or BODY=BINARYMIME for hosts that do not offer it (RFC 6152 section 3,
    /// RFC 3030 section 3), part by part; see [`downgrade`](koukan_core::message::downgrade). `signatures` decides
    /// about signed content. Default: such messages fail.
    #[must_use]
    pub fn with_downgrade(mut self, signatures: Signatures) -> Self {
        self.downgrade = Some(signatures);
        self
    }

    /// Sets how much TLS is required of hosts, and when it begins. Default: none.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, policy: crate::client::TlsPolicy) -> Self {
        self.tls.general = policy;
        self
    }

    /// Sets policies for single hosts, in place of [that for all](Self::with_tls), whoever names the host. What a
    /// domain demands of its mail hosts ([DANE](Self::with_dane), [MTA-STS](Self::with_mta_sts)) is demanded of these
    /// hosts too.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_host_tls(mut self, hosts: crate::client::HostTls) -> Self {
        self.tls.hosts = hosts;
        self
    }

    /// Asks the DNS for the certificates of hosts that it [names
    /// itself](koukan_core::signals::NamedBy::Domain) (DANE, RFC 7672). If it proves that they have
    /// some, these are required, whatever the other settings of TLS are. This needs a resolver that
    /// says what is [proved](koukan_core::network::Proof). Default: it is not asked.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_dane(mut self) -> Self {
        self.has_dane = true;
        self
    }

    /// Sets whose certificates are trusted for messages that may only be sent over TLS (REQUIRETLS,
    /// RFC 8689), if neither DANE nor a policy of the domain decides that. Default: those of a
    /// [`TlsPolicy`](crate::client::TlsPolicy) that verifies, or else nobody's.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_trust(mut self, trust: koukan_core::tls::ClientTls) -> Self {
        self.trust = Some(trust);
        self
    }

    /// Follows the policies of domains whose [mail hosts the DNS
    /// names](koukan_core::signals::NamedBy::Domain). Default: they are not looked up.
    #[cfg(feature = "mta-sts")]
    #[must_use]
    pub fn with_mta_sts(mut self, mta_sts: crate::client::MtaSts) -> Self {
        self.mta_sts = Some(mta_sts);
        self
    }

    /// Sets the limits of the connections.
    #[must_use]
    pub fn with_pool(mut self, pool: PoolSettings) -> Self {
        self.pool = pool;
        self
    }
}
