//! STARTTLS: encrypts a connection.

use koukan_core::{network::BoxWire, reply::Encryption};
use tokio::time::timeout;

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
        begin: Begin<'_>,
        helo_name: &str,
    ) -> Result<(), ClientError> {
        self.encoder().0.starttls();
        let reply = self.exchange(Phase::StartTls).await?;
        accepted(reply, Phase::StartTls)?;
        // Someone on the network path may have added what came after the reply.
        self.input.clear();
        self.parser = ReplyParser::default();
        self.is_ended = true;
        let io = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        let begun = timeout(
            self.timeouts.starttls,
            begin.tls.connect(&self.remote.host, io),
        )
        .await;
        let begun = begun.map_err(|_| ClientError::Timeout(Phase::StartTls))?;
        let (io, facts) = begun.map_err(ClientError::TlsFailed)?;
        self.io = Box::new(io);
        self.is_secure = true;
        self.verdict = Some(begin.verdict);
        let (version, cipher) = (&*facts.version, &*facts.cipher);
        self.log_event(&format!("TLS has begun: {version}, {cipher}"));
        let encryption = Encryption {
            version: version.into(),
            cipher: cipher.into(),
            verdict: begin.verdict,
        };
        let signature = self.signature.clone().with(begin.verdict);
        self.signature = signature.with(encryption);
        self.is_ended = false;
        let reply = accepted(self.hello(helo_name).await?, Phase::Ehlo)?;
        self.note_name(&reply, helo_name);
        self.offered = Capabilities::parse(&reply);
        self.capabilities = self.offered.clone();
        let (address, verdict) = (&self.remote.address, begin.verdict);
        tracing::debug!(remote = %address, version, cipher, %verdict, "TLS has begun");
        Ok(())
    }
}
