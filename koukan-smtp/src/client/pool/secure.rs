//! TLS on new connections, as far as it is required.

use koukan_core::{
    causes::Causes,
    network::BoxWire,
    reply::{RemoteMta, TlsVerdict},
    signals::HostPort,
    tls::ClientTls,
};

use crate::client::{
    ClientError, HostIdentity, Phase,
    connection::Connection,
    security::{Asked, Begin, Security, Terms},
    tls_policy::TlsPolicies,
};

use super::{Lease, Pool};

impl Pool {
    /// Sets how much TLS is required of each host.
    pub(crate) fn with_tls(mut self, policies: TlsPolicies) -> Self {
        self.tls = policies;
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
        host: &HostPort,
        found: Security,
        known: Option<&Asked>,
    ) -> Result<Security, ClientError> {
        if let Security::Demanded(_, TlsVerdict::Dane | TlsVerdict::MtaSts) = found {
            return Ok(found);
        }
        if known.is_some_and(|known| !known.is_proved) {
            return Err(ClientError::NotProved);
        }
        let set = self.tls.of(host).tls().filter(|tls| tls.is_verifying());
        let tls = set.or(self.trust.as_ref()).ok_or(ClientError::NoTrust)?;
        Ok(Security::Demanded(tls.clone(), TlsVerdict::Verified))
    }

    /// How to begin with TLS at a host on these terms; `None` if TLS is not used.
    fn begin(&self, host: &HostPort, terms: Terms<'_>) -> Option<Begin> {
        let begin = self.tls.of(host).with(terms.security)?;
        let own = terms.identity.and_then(HostIdentity::certificates);
        Some(match own {
            Some(own) => Begin {
                tls: begin.tls.with_certificates(own.clone()),
                ..begin
            },
            None => begin,
        })
    }

    /// Whether a host is to greet before TLS begins, if it begins at all.
    pub(super) fn awaits_greeting_in_clear(&self, host: &HostPort) -> bool {
        !self.tls.of(host).is_immediate()
    }

    /// Begins with TLS on a connection on which nothing was said yet, if it is to begin so with that host. There is
    /// no other way then: if it fails, nothing is sent in clear. A Unix socket has no TLS.
    ///
    /// *Source*: RFC 8314 section 3.3.
    pub(super) async fn begin_tls(
        &self,
        connection: &mut Connection<BoxWire>,
        host: &HostPort,
        terms: Terms<'_>,
    ) -> Result<(), ClientError> {
        if self.awaits_greeting_in_clear(host) {
            return Ok(());
        }
        match self.begin(host, terms) {
            Some(begin) if connection.remote().address.unix().is_none() => {
                connection.begin_tls(&begin).await
            }
            _ => Err(ClientError::NoTls),
        }
    }

    /// Begins with TLS on a connection after EHLO, unless it has begun before. If TLS is not required and fails,
    /// another connection is opened, in clear. A Unix socket has no TLS.
    ///
    /// *Source*: RFC 3207 section 4.1, RFC 7435 section 4.
    pub(super) async fn secure(
        &self,
        lease: &mut Lease<BoxWire>,
        host: &HostPort,
        remote: RemoteMta,
        terms: Terms<'_>,
    ) -> Result<(), ClientError> {
        let begin = match self.awaits_greeting_in_clear(host) {
            true => self.begin(host, terms),
            false => None,
        };
        let Some(begin) = begin else {
            return Ok(());
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
            true => connection.start_tls(&begin, &self.helo_name).await,
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
    pub(super) fn is_about_demand(
        &self,
        host: &HostPort,
        error: &ClientError,
        security: &Security,
    ) -> bool {
        let is_demanded = security.is_demanded() && !self.tls.of(host).is_required();
        is_demanded && error.is_at_starttls()
    }
}
