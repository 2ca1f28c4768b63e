//! The first words on a connection.

use std::sync::Arc;

use koukan_core::reply::{RemoteMta, Reply};
use tokio::time::timeout;

use crate::{
    client::{ClientError, Connect, Phase, Timeouts, Wire},
    codec::Capabilities,
};

use super::Connection;

impl<Io: Wire> Connection<Io> {
    /// Connects, and says nothing yet.
    pub(crate) async fn connect(
        connect: &impl Connect<Io = Io>,
        remote: RemoteMta,
        timeouts: Arc<Timeouts>,
    ) -> Result<Self, ClientError> {
        let address = remote.address;
        let io = timeout(timeouts.connect, connect.connect(address))
            .await
            .map_err(|_| ClientError::Timeout(Phase::Connect))?
            .map_err(|source| ClientError::ConnectFailed { address, source })?;
        Ok(Self::new(io, remote, timeouts))
    }

    /// Waits for the greeting, and greets with EHLO, or with HELO where the server does not know
    /// EHLO.
    ///
    /// *Source*: RFC 5321 sections 3.1 and 3.2.
    pub(crate) async fn greet(&mut self, helo_name: &str) -> Result<(), ClientError> {
        let greeting = self.exchange(Phase::Greeting).await?;
        self.is_greeted = true;
        accepted(greeting, Phase::Greeting)?;
        self.encoder().0.ehlo(helo_name);
        let reply = self.exchange(Phase::Ehlo).await?;
        if reply.is_permanent() {
            self.encoder().0.helo(helo_name);
            let reply = self.exchange(Phase::Ehlo).await?;
            return accepted(reply, Phase::Ehlo).map(drop);
        }
        self.offered = Capabilities::parse(&accepted(reply, Phase::Ehlo)?);
        self.capabilities = self.offered.clone();
        tracing::debug!(remote = %self.remote.address, "connected");
        Ok(())
    }
}

fn accepted(reply: Reply, phase: Phase) -> Result<Reply, ClientError> {
    if reply.is_positive() {
        return Ok(reply);
    }
    if reply.is_negative() {
        return Err(ClientError::Refused { phase, reply });
    }
    let code = reply.code();
    Err(ClientError::UnexpectedReply { phase, code })
}
