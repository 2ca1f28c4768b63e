//! TLS on new connections, as far as it is asked for.

use std::sync::Arc;

use koukan_core::{
    causes::Causes,
    network::BoxWire,
    reply::{RemoteMta, TlsVerdict},
    tls::ClientTls,
};

use crate::client::{
    ClientError, HostIdentity, Phase, TlsPolicy,
    connection::Connection,
    security::{Asked, Begin, Security, Terms},
};

use super::{Lease, Pool};

impl Pool {
    /// Sets how much of TLS is asked of hosts.
    pub(crate) fn with_tls(mut self, policy: TlsPolicy) -> Self {
        self.tls = policy;
        self
    }

    /// Sets whose certificates are believed of hosts to which messages go that need TLS.
    pub(crate) fn with_trust(mut self, trust: Option<ClientTls>) -> Self {
        self.trust = trust;
        self
    }

    /// What TLS with a host must be for a message that goes over TLS only, where `found` is what it must be
    /// for others: with a certificate that is believed, at a host that somebody vouches for.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where nobody does.
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

    /// Has TLS begin on a connection on which both sides have greeted. Where it need not, and fails,
    /// there is another connection, in clear. There is none with a Unix socket.
    ///
    /// *Source*: RFC 3207 section 4.1, RFC 7435 section 4.
    pub(super) async fn secure(
        &self,
        lease: &mut Lease<BoxWire>,
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
            // Nobody is between, and there is no name that a certificate could be for.
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
        let host = &remote.host;
        tracing::info!(%host, error = %Causes(&error), "no TLS with a host, mail goes in clear");
        let is_refused =
            matches!(error, ClientError::Refused { phase, .. } if phase == Phase::StartTls);
        if is_refused && !lease.connection().is_ended() {
            return Ok(());
        }
        lease.give_up();
        let timeouts = Arc::clone(&self.timeouts);
        let connect = Connection::connect(&*self.connector, remote, timeouts, self.protocol);
        let connection = lease.put(connect.await?);
        connection.log_event("this connection is in clear: TLS has failed on one before");
        connection.greet(&self.helo_name).await
    }

    /// Whether a host has failed at what is demanded here, and not of all hosts: that says nothing of it to
    /// those who ask for less.
    pub(super) fn is_about_demand(&self, error: &ClientError, security: &Security) -> bool {
        security.is_demanded() && !self.tls.is_required() && error.is_at_starttls()
    }
}
