//! STARTTLS: encrypts a connection.

use koukan_core::network::BoxWire;

use crate::{
    client::{ClientError, Phase, security::Begin},
    codec::{Capabilities, ReplyParser},
};

use super::{Connection, handshake::accepted};

impl Connection<BoxWire> {
    /// Sends STARTTLS, begins with TLS, and sends EHLO again: the server's earlier offer no longer
    /// holds. After any failure except [`ClientError::Refused`] the connection cannot be used.
    ///
    /// *Source*: RFC 3207 section 4.
    pub(crate) async fn start_tls(
        &mut self,
        begin: &Begin,
        helo_name: &str,
    ) -> Result<(), ClientError> {
        self.encoder().0.starttls();
        let reply = self.exchange(Phase::StartTls).await?;
        accepted(reply, Phase::StartTls)?;
        // Someone on the network path may have added what came after the reply.
        self.input.clear();
        self.parser = ReplyParser::default();
        self.shake_hands(begin, Phase::StartTls).await?;
        let reply = accepted(self.hello(helo_name).await?, Phase::Ehlo)?;
        self.note_name(&reply, helo_name);
        self.offered = Capabilities::parse(&reply);
        self.capabilities = self.offered.clone();
        Ok(())
    }
}
