//! The first and the last words on a connection.

use std::{future::poll_fn, sync::Arc};

use koukan_core::reply::{RemoteMta, Reply};
use tokio::time::timeout;

use crate::{
    client::{ClientError, Connect, Phase, Timeouts, Wire},
    codec::Capabilities,
};

use super::Connection;

impl<Io: Wire> Connection<Io> {
    /// Connects, waits for the greeting, and greets with EHLO, or with HELO where the server
    /// does not know EHLO.
    ///
    /// *Source*: RFC 5321 sections 3.1 and 3.2.
    pub(crate) async fn open(
        connect: &impl Connect<Io = Io>,
        remote: RemoteMta,
        helo_name: &str,
        timeouts: Arc<Timeouts>,
    ) -> Result<Self, ClientError> {
        let address = remote.address;
        let io = timeout(timeouts.connect, connect.connect(address))
            .await
            .map_err(|_| ClientError::Timeout(Phase::Connect))?
            .map_err(|source| ClientError::ConnectFailed { address, source })?;
        let mut connection = Self::new(io, remote, timeouts);
        accepted(connection.exchange(Phase::Greeting).await?)?;
        connection.greet(helo_name).await?;
        tracing::debug!(remote = %address, "connected");
        Ok(connection)
    }

    async fn greet(&mut self, helo_name: &str) -> Result<(), ClientError> {
        self.encoder().0.ehlo(helo_name);
        let reply = self.exchange(Phase::Ehlo).await?;
        if reply.is_permanent() {
            self.encoder().0.helo(helo_name);
            return accepted(self.exchange(Phase::Ehlo).await?).map(drop);
        }
        self.capabilities = Capabilities::parse(&accepted(reply)?);
        Ok(())
    }

    /// Says QUIT, and waits a little for the answer, so that it does not come to a closed port.
    pub(crate) async fn quit(mut self) {
        self.encoder().0.quit();
        let _ = self.exchange(Phase::Quit).await;
    }

    async fn exchange(&mut self, phase: Phase) -> Result<Reply, ClientError> {
        poll_fn(|cx| self.poll_exchange(cx, phase)).await
    }
}

fn accepted(reply: Reply) -> Result<Reply, ClientError> {
    if reply.is_positive() {
        return Ok(reply);
    }
    if reply.is_negative() {
        return Err(ClientError::Refused(reply));
    }
    Err(ClientError::UnexpectedReply {
        phase: Phase::Greeting,
        code: reply.code(),
    })
}
