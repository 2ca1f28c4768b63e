//! TLS on new connections, as far as it is asked for.

use std::sync::Arc;

use koukan_core::{causes::Causes, network::BoxWire, reply::RemoteMta};

use crate::client::{ClientError, Phase, TlsPolicy, connection::Connection, security::Security};

use super::{Lease, Pool};

impl Pool {
    /// Sets how much of TLS is asked of hosts.
    pub(crate) fn with_tls(mut self, policy: TlsPolicy) -> Self {
        self.tls = policy;
        self
    }

    /// Has TLS begin on a connection on which both sides have greeted. Where it need not, and fails,
    /// there is another connection, in clear.
    ///
    /// *Source*: RFC 3207 section 4.1, RFC 7435 section 4.
    pub(super) async fn secure(
        &self,
        lease: &mut Lease<BoxWire>,
        remote: RemoteMta,
        security: &Security,
    ) -> Result<(), ClientError> {
        let Some(begin) = self.tls.with(security) else {
            return Ok(());
        };
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
        let connection = connect.await?;
        lease.put(connection).greet(&self.helo_name).await
    }

    /// Whether a host has failed at what is demanded here, and not of all hosts: that says nothing of it to
    /// those who ask for less.
    pub(super) fn is_about_demand(&self, error: &ClientError, security: &Security) -> bool {
        security.is_demanded() && !self.tls.is_required() && error.is_at_starttls()
    }
}
