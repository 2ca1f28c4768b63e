//! The handshake of TLS, and connections that begin with it.

use std::{io, mem};

use bytes::BytesMut;
use koukan_core::{
    network::BoxWire,
    reply::{Encryption, Speaker},
};
use tokio::time::timeout;

use crate::{
    client::{ClientError, Phase, security::Begin},
    codec::ReplyParser,
};

use super::{
    Connection,
    first_octets::{FirstOctets, NotesFirst},
};

impl Connection<BoxWire> {
    /// Begins with TLS on a connection on which nothing was said yet. After a failure it cannot be used.
    ///
    /// # Errors
    ///
    /// [`ClientError::GreetsInClear`] if the server has sent a greeting in place of its part of the handshake,
    /// [`ClientError::Refused`] if it has sent a refusal there, as servers do that have too many connections.
    ///
    /// *Source*: RFC 8314 section 3.3.
    pub(crate) async fn begin_tls(&mut self, begin: &Begin) -> Result<(), ClientError> {
        self.log_event("TLS begins with the first octet");
        let first = FirstOctets::default();
        let io = self.take_io();
        self.io = Box::new(NotesFirst::new(io, first.clone()));
        let begun = self.shake_hands(begin, Phase::TlsHandshake).await;
        let Err(error) = begun else { return Ok(()) };
        if let Some(said) = first.as_reply() {
            self.log.note(Speaker::Server, said);
            return Err(said_in_clear(said));
        }
        Err(match error {
            // There is no greeting yet, so the host may be as far away as one that does not greet.
            ClientError::TlsFailed(error) if is_end(&error) => {
                ClientError::Disconnected(Phase::TlsHandshake)
            }
            error => error,
        })
    }

    /// Performs the handshake.
    pub(super) async fn shake_hands(
        &mut self,
        begin: &Begin,
        phase: Phase,
    ) -> Result<(), ClientError> {
        self.is_ended = true;
        let io = self.take_io();
        let handshake = begin.tls.connect(&self.remote.host, io);
        let begun = timeout(self.timeouts.of(phase), handshake).await;
        let begun = begun.map_err(|_| ClientError::Timeout(phase))?;
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
        let (address, verdict) = (&self.remote.address, begin.verdict);
        tracing::debug!(remote = %address, version, cipher, %verdict, "TLS has begun");
        Ok(())
    }

    fn take_io(&mut self) -> BoxWire {
        mem::replace(&mut self.io, Box::new(tokio::io::empty()))
    }
}

/// What the beginning of a reply means in place of TLS.
fn said_in_clear(said: &[u8]) -> ClientError {
    let phase = Phase::TlsHandshake;
    if !matches!(said.first(), Some(b'4' | b'5')) {
        return ClientError::GreetsInClear;
    }
    let (mut parser, mut input) = (ReplyParser::default(), BytesMut::from(said));
    let reply = match parser.parse(&mut input) {
        Ok(None) => parser.parse_end(&mut input),
        parsed => parsed,
    };
    match reply {
        Ok(Some(reply)) => ClientError::Refused { phase, reply },
        _ => ClientError::Disconnected(phase),
    }
}

/// Whether the connection has ended.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(
        error.kind(),
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
    )
}
