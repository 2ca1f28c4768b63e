//! TLS on new connections, as far as it is required.

use koukan_core::{
    causes::Causes,
    network::BoxWire,
    reply::{RemoteMta, TlsVerdict},
    signals::HostPort,
    tls::ClientTls,
};

use crate::client::{
    ClientError, HostIdentity, Phase, TlsPolicy,
    security::{Asked, Begin, Security, Terms},
};

use super::{Lease, Pool};

impl Pool {
    /// Sets how much TLS is required of hosts.
    pub(crate) fn with_tls(mut self, policy: TlsPolicy) -> Self {
        self.tls = policy;
        self
    }

    /// Sets which certificates are trusted for messages that need TLS.
    pub(crate) fn with_trust(mut self, trust: Option<ClientTls>) -> Self {
        self.trust = trust;
        self
    }

    /// What TLS with a host must be for a message that must only be sent over TLS: with a trusted
    /// certificate, at a host that is proved. `found` is what it must be for other messages.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if there is no such proof.
    ///
    /// *Source*: RFC 8689 section 4.2.1.
    pub(super) fn sure(
        &self,
        found: Security,
        known: Option<&Asked>,
    ) -> Result<Security, ClientError> {
        if let Security::Demanded(_, TlsVerdict::Dane | TlsVerdict::MtaSts) = found {
            return Ok(found);
        }
        if known.is_some_and(|known| !known.is_proved) {
            return Err(ClientError::NotProved);
        }
        let set = self.tls.tls().filter(|tls| tls.is_verifying());
        let tls = set.or(self.trust.as_ref()).ok_or(ClientError::NoTrust)?;
        Ok(Security::Demanded(tls.clone(), TlsVerdict::Verified))
    }

    /// Begins with TLS on a connection after EHLO. If TLS is not required and fails, another
    /// connection is opened, in clear. A Unix socket has no TLS.
    ///
    /// *Source*: RFC 3207 section 4.1, RFC 7435 section 4.
    pub(super) async fn secure(
        &self,
        lease: &mut Lease<BoxWire>,
        host: &HostPort,
        remote: RemoteMta,
        terms: Terms<'_>,
    ) -> Result<(), ClientError> {
        let Some(begin) = self.tls.with(terms.security) else {
            return Ok(());
        };
        let own = terms.identity.and_then(HostIdentity::certificates);
        let shown = own.map(|own| begin.tls.clone().with_certificates(own.clone()));
        let begin = match &shown {
            Some(tls) => Begin { tls, ..begin },
            None => begin,
        };
        if remote.address.unix().is_some() {
            // Nobody is in between, and there is no name that a certificate could be for.
            return match begin.is_required {
                true => Err(ClientError::NoTls),
                false => Ok(()),
            };
        }
        let connection = lease.connection();
        let begun = match connection.capabilities().starttls {
            true => connection.start_tls(begin, &self.helo_name).await,
            false => Err(ClientError::NoTls),
        };
        let error = match begun {
            Ok(()) => return Ok(()),
            Err(error) if begin.is_required => return Err(error),
            Err(ClientError::NoTls) => return Ok(()),
            Err(error) => error,
        };
        tracing::info!(host = %remote.host, error = %Causes(&error), "no TLS with a host, mail goes in clear");
        let is_refused =
            matches!(error, ClientError::Refused { phase, .. } if phase == Phase::StartTls);
        if is_refused && !lease.connection().is_ended() {
            return Ok(());
        }
        lease.give_up();
        let connection = lease.put(self.dial(host, remote).await?);
        connection.log_event("this connection is in clear: TLS has failed on one before");
        connection.greet(&self.helo_name).await
    }

    /// Whether a host has failed at a demand that is not made of all hosts: this says nothing about
    /// it for messages that demand less.
    pub(super) fn is_about_demand(&self, error: &ClientError, security: &Security) -> bool {
        security.is_demanded() && !self.tls.is_required() && error.is_at_starttls()
    }
}
