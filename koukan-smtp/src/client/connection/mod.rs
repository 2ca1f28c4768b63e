//! One connection to a server.

mod authenticate;
#[cfg(feature = "tls")]
mod begin_tls;
mod farewell;
#[cfg(feature = "tls")]
mod first_octets;
mod handshake;
mod log;
mod patience;
mod recording;
mod send_queue;
#[cfg(feature = "tls")]
mod start_tls;

pub(crate) use self::send_queue::SendQueue;

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::BytesMut;
use koukan_core::reply::{Extensions, RemoteMta, Reply, Speaker};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use crate::{
    Protocol,
    codec::{Capabilities, CommandEncoder, InvalidReply, ReplyParser},
};

use self::{log::Log, patience::Patience};
use super::{ClientError, ClientTimeouts, HostFailure, Phase, Place, Wire, security::Terms};

/// Octets to make room for before reading.
const READ_SIZE: usize = 1024;

/// A connection after the greeting and EHLO.
///
/// Commands and octets are put into its output, and replies are taken from its input. The caller
/// has to know which reply answers which command.
///
/// # Cancel safety
///
/// Nothing is lost between two polls. A caller that stops within a transaction must end the
/// transaction, or drop the connection.
#[derive(Debug)]
pub(crate) struct Connection<Io> {
    io: Io,
    protocol: Protocol,
    input: BytesMut,
    parser: ReplyParser,
    output: SendQueue,
    /// Whether something was written since the last flush.
    is_unflushed: bool,
    /// Whether writing has failed; what the server still sends may be read.
    is_write_broken: bool,
    /// Whether the server has closed the connection, or said that it will, or cannot be understood any more.
    is_ended: bool,
    /// Whether it uses TLS.
    is_secure: bool,
    /// How it is secured, if it uses TLS.
    #[cfg(feature = "tls")]
    verdict: Option<koukan_core::reply::TlsVerdict>,
    /// Whether the client has used an identity that is for this server only.
    has_own_identity: bool,
    /// Whether the server has sent its greeting.
    is_greeted: bool,
    /// Counts writes and replies, to show progress.
    progress: u64,
    patience: Patience,
    timeouts: Arc<ClientTimeouts>,
    remote: RemoteMta,
    /// What is attached to each reply: that it is from `remote`.
    signature: Extensions,
    /// The extensions that the server offers.
    offered: Capabilities,
    /// Those of them that are used.
    capabilities: Capabilities,
    /// Whether the server calls itself by the client's own name.
    has_our_name: bool,
    /// Whether each command waits for the previous reply even if the server offers PIPELINING.
    is_careful: bool,
    /// The number of mail transactions that were begun.
    transactions: u32,
    /// Whether a mail transaction may be open, which RSET must end before the next one.
    needs_reset: bool,
    /// The dialogue so far.
    log: Log,
    /// Where in the output's tail the commands begin that are not in the log yet.
    unlogged: Option<usize>,
}

impl<Io: Wire> Connection<Io> {
    fn new(io: Io, remote: RemoteMta, timeouts: Arc<ClientTimeouts>, protocol: Protocol) -> Self {
        Self {
            io,
            protocol,
            input: BytesMut::new(),
            parser: ReplyParser::default(),
            output: SendQueue::default(),
            is_unflushed: false,
            is_write_broken: false,
            is_ended: false,
            is_secure: false,
            #[cfg(feature = "tls")]
            verdict: None,
            has_own_identity: false,
            is_greeted: false,
            progress: 0,
            patience: Patience::default(),
            timeouts,
            signature: Extensions::of(remote.clone()),
            remote,
            offered: Capabilities::default(),
            capabilities: Capabilities::default(),
            has_our_name: false,
            is_careful: false,
            transactions: 0,
            needs_reset: false,
            log: Log::default(),
            unlogged: None,
        }
    }

    pub(crate) fn remote(&self) -> &RemoteMta {
        &self.remote
    }

    /// Whether the server speaks LMTP.
    pub(crate) fn is_lmtp(&self) -> bool {
        self.protocol.is_lmtp()
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Sets whether each command waits for the previous reply, and the message for the replies to the whole
    /// envelope. This is for servers whose replies could otherwise not be matched to commands.
    ///
    /// The message is then sent after DATA, whose own reply proves that both sides count alike.
    pub(crate) fn set_careful(&mut self, is_careful: bool, is_binary: bool) {
        if !self.is_careful && !is_careful {
            return;
        }
        self.is_careful = is_careful;
        self.capabilities = self.offered.clone();
        if is_careful {
            self.capabilities.pipelining = false;
            // A binary message can only be sent with BDAT.
            self.capabilities.chunking &= is_binary;
        }
    }

    /// Whether the server has sent its greeting, so that QUIT may be sent.
    pub(crate) fn is_greeted(&self) -> bool {
        self.is_greeted
    }

    /// Whether the server has closed the connection, or said that it will, or cannot be understood any more.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Whether it is as secure as required, and authenticated with the required identity.
    pub(crate) fn meets(&self, terms: Terms<'_>) -> bool {
        #[cfg(feature = "tls")]
        if !terms.security.is_met_by(self.verdict) {
            return false;
        }
        self.has_own_identity == terms.identity.is_some()
    }

    /// Notes whether an identity was used that is for this server only.
    pub(crate) fn note_identity(&mut self, is_own: bool) {
        self.has_own_identity = is_own;
    }

    /// Whether the server calls itself by the client's own name: then it is probably this agent itself.
    pub(crate) fn has_our_name(&self) -> bool {
        self.has_our_name
    }

    pub(crate) fn transactions(&self) -> u32 {
        self.transactions
    }

    pub(crate) fn needs_reset(&self) -> bool {
        self.needs_reset
    }

    pub(crate) fn begin_transaction(&mut self) {
        self.transactions += 1;
        self.needs_reset = true;
    }

    pub(crate) fn end_transaction(&mut self) {
        self.needs_reset = false;
    }

    /// The output, for what is not a command.
    pub(crate) fn output(&mut self) -> &mut SendQueue {
        self.log_commands();
        &mut self.output
    }

    /// An encoder for commands, and the capabilities on which they depend.
    pub(crate) fn encoder(&mut self) -> (CommandEncoder<'_>, &Capabilities) {
        let tail = self.output.tail();
        self.unlogged.get_or_insert(tail.len());
        (CommandEncoder::new(tail), &self.capabilities)
    }

    /// Whether the server has sent something that was not read yet.
    pub(crate) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the server is in the middle of a reply.
    pub(crate) fn is_amid_reply(&self) -> bool {
        self.has_input() || self.parser.is_amid_reply()
    }

    /// The next reply, if it was already received; reads nothing for it.
    pub(crate) fn buffered_reply(&mut self) -> Option<Reply> {
        self.parser.parse(&mut self.input).ok().flatten()
    }

    /// Whether both sides have read everything that the other has sent.
    pub(crate) fn is_quiet(&self) -> bool {
        self.output.is_empty() && !self.is_amid_reply() && !self.is_write_broken && !self.is_ended
    }

    /// Whether the server has kept an idle connection open and sent nothing.
    pub(crate) fn is_alive(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.is_quiet() && self.poll_read(&mut cx).is_pending()
    }

    /// Writes until the output is empty, or has to wait.
    ///
    /// After an error the output is dropped. Reading then shows what happened to the connection,
    /// and the server may have sent a reason.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.log_commands();
        if self.is_write_broken {
            self.output.clear();
            return Poll::Ready(());
        }
        let result = ready!(self.poll_write_all(cx));
        if result.is_err() {
            self.is_write_broken = true;
            self.output.clear();
        }
        Poll::Ready(())
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.is_empty() {
            let octets = ready!(pin!(self.io.write_buf(&mut self.output)).poll(cx))?;
            if octets == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.progress += 1;
            self.is_unflushed = true;
        }
        if self.is_unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads the next reply; errors name `phase`.
    ///
    /// After [`ClientError::InvalidReply`] the next reply may be read, unless the dialogue [is
    /// over](Connection::is_ended).
    pub(crate) fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
    ) -> Poll<Result<Reply, ClientError>> {
        loop {
            let parsed = self.parser.parse(&mut self.input);
            if let Some(reply) = self.taken(parsed, phase)? {
                return Poll::Ready(Ok(reply));
            }
            match ready!(self.poll_read(cx)) {
                Ok(0) | Err(_) => {
                    self.is_ended = true;
                    let parsed = self.parser.parse_end(&mut self.input);
                    let last = self.taken(parsed, phase)?;
                    return Poll::Ready(last.ok_or(ClientError::Disconnected(phase)));
                }
                Ok(_) => {}
            }
        }
    }

    fn taken(
        &mut self,
        parsed: Result<Option<Reply>, InvalidReply>,
        phase: Phase,
    ) -> Result<Option<Reply>, ClientError> {
        let parsed = parsed.map_err(|source| {
            self.is_ended |= source == InvalidReply::Endless;
            ClientError::InvalidReply { phase, source }
        })?;
        Ok(parsed.map(|reply| {
            self.progress += 1;
            self.is_ended |= reply.closes_connection();
            tracing::trace!(%reply, %phase, "reply");
            let reply = self.sign(reply);
            match reply.is_negative() {
                true => reply.with_extension(self.log.recording()),
                false => reply,
            }
        }))
    }

    /// Adds to a reply which host it is from.
    pub(crate) fn sign(&self, reply: Reply) -> Reply {
        reply.with_extensions(&self.signature)
    }

    /// A failure on this connection.
    pub(crate) fn failure(&mut self, error: ClientError) -> HostFailure {
        let place = Place::Address(self.remote.clone());
        HostFailure::new(place, error).heard(self.heard())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.reserve(READ_SIZE);
        let read = pin!(self.io.read_buf(&mut self.input)).poll(cx);
        if let Poll::Ready(Ok(octets)) = read {
            let known = self.input.len() - octets;
            self.log.note(Speaker::Server, &self.input[known..]);
        }
        read
    }

    /// Fails when the server has made no progress for the timeout of `phase`. Poll this last.
    pub(crate) fn poll_timeout(&mut self, cx: &mut Context<'_>, phase: Phase) -> Poll<ClientError> {
        let elapsed = self
            .patience
            .poll_elapsed(cx, phase, self.progress, &self.timeouts);
        if self.log.is_untimed() {
            let looked_at = self.patience.begun();
            self.log.time(looked_at.unwrap_or_else(Instant::now));
        }
        elapsed.map(|()| ClientError::Timeout(phase))
    }

    /// In which phase, and for how long, the server has been silent when it should have sent something.
    pub(crate) fn silence(&self) -> Option<(Phase, Duration)> {
        self.patience.silence(&self.timeouts)
    }

    /// Stops waiting.
    pub(crate) fn rest(&mut self) {
        if self.log.is_untimed() {
            self.log.time(Instant::now());
        }
        self.patience.rest();
    }

    /// Writes the output and reads one reply.
    pub(crate) fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
    ) -> Poll<Result<Reply, ClientError>> {
        let _ = self.poll_flush(cx);
        if let Poll::Ready(result) = self.poll_reply(cx, phase) {
            return Poll::Ready(result);
        }
        self.poll_timeout(cx, phase).map(Err)
    }
}
