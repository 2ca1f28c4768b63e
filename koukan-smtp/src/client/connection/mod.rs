//! One connection to a server.

mod authenticate;
mod farewell;
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

/// A connection on which the server has greeted, and been greeted.
///
/// Commands and octets are put into its output, replies taken off its input; which reply answers
/// which command is the caller's business.
///
/// # Cancel safety
///
/// Nothing is lost between two polls; whoever stops amid a transaction must end it, or drop the
/// connection.
#[derive(Debug)]
pub(crate) struct Connection<Io> {
    io: Io,
    protocol: Protocol,
    input: BytesMut,
    parser: ReplyParser,
    output: SendQueue,
    /// Whether something was written since the last flush.
    is_unflushed: bool,
    /// Whether writing failed: what the server still says may be read.
    is_write_broken: bool,
    /// Whether the server has ended the connection, or said that it does.
    is_ended: bool,
    /// Whether it has TLS.
    is_secure: bool,
    /// How it is secured, where it has TLS.
    #[cfg(feature = "tls")]
    verdict: Option<koukan_core::reply::TlsVerdict>,
    /// Whether the server was told who we are to it alone.
    has_own_identity: bool,
    /// Whether the server has said its first word.
    is_greeted: bool,
    /// Counts writes and replies, to tell that something happens.
    progress: u64,
    patience: Patience,
    timeouts: Arc<ClientTimeouts>,
    remote: RemoteMta,
    /// What each reply has attached: that it is of `remote`.
    signature: Extensions,
    /// What the server offers.
    offered: Capabilities,
    /// What of it is used.
    capabilities: Capabilities,
    /// Whether the server calls itself by the name that we call ourselves by.
    has_our_name: bool,
    /// Whether commands wait for one another, though the server offers PIPELINING.
    is_careful: bool,
    /// Mail transactions that were begun.
    transactions: u32,
    /// Whether a mail transaction may be open that RSET must end before the next one.
    needs_reset: bool,
    /// What was said.
    log: Log,
    /// Where commands begin in the output's tail that are not in the log yet.
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

    /// Whether to have each reply before the next command goes, and the message only after those
    /// to the whole envelope: with a server whose replies cannot be told apart otherwise.
    ///
    /// Then the message goes after DATA, whose own reply proves that both sides count alike.
    pub(crate) fn set_careful(&mut self, is_careful: bool, is_binary: bool) {
        if !self.is_careful && !is_careful {
            return;
        }
        self.is_careful = is_careful;
        self.capabilities = self.offered.clone();
        if is_careful {
            self.capabilities.pipelining = false;
            // A binary message cannot do without.
            self.capabilities.chunking &= is_binary;
        }
    }

    /// Whether the server has said its first word, so that QUIT may be said to it.
    pub(crate) fn is_greeted(&self) -> bool {
        self.is_greeted
    }

    /// Whether the server has ended the connection, or said that it does.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Whether it is as secure as it is to be, and the server takes us for who we are to be.
    pub(crate) fn meets(&self, terms: Terms<'_>) -> bool {
        #[cfg(feature = "tls")]
        if !terms.security.is_met_by(self.verdict) {
            return false;
        }
        self.has_own_identity == terms.identity.is_some()
    }

    /// Notes whether the server was told who we are to it alone.
    pub(crate) fn note_identity(&mut self, is_own: bool) {
        self.has_own_identity = is_own;
    }

    /// Whether the server calls itself by our name: then it is most likely ourselves.
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

    /// Where what is written is no command.
    pub(crate) fn output(&mut self) -> &mut SendQueue {
        self.log_commands();
        &mut self.output
    }

    /// An encoder of commands, with what they depend on.
    pub(crate) fn encoder(&mut self) -> (CommandEncoder<'_>, &Capabilities) {
        let tail = self.output.tail();
        self.unlogged.get_or_insert(tail.len());
        (CommandEncoder::new(tail), &self.capabilities)
    }

    /// Whether the server has said something that nobody has looked at.
    pub(crate) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether the server has begun to say something, and has not ended.
    pub(crate) fn is_amid_reply(&self) -> bool {
        self.has_input() || self.parser.is_amid_reply()
    }

    /// The next reply if it was read already; nothing is read for it.
    pub(crate) fn buffered_reply(&mut self) -> Option<Reply> {
        self.parser.parse(&mut self.input).ok().flatten()
    }

    /// Whether neither side has said anything that the other has not taken.
    pub(crate) fn is_quiet(&self) -> bool {
        self.output.is_empty() && !self.is_amid_reply() && !self.is_write_broken && !self.is_ended
    }

    /// Whether the server has kept silent and open an idle connection.
    pub(crate) fn is_alive(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.is_quiet() && self.poll_read(&mut cx).is_pending()
    }

    /// Writes until the output is empty, or it must wait.
    ///
    /// After an error the output is thrown away: what became of the connection shows on reading,
    /// where the server may have left a reason.
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

    /// Reads the next reply; `phase` is what an error says it happened in.
    ///
    /// After [`ClientError::InvalidReply`] the next one may be asked for.
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
        let parsed = parsed.map_err(|source| ClientError::InvalidReply { phase, source })?;
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

    /// Says which host has given a reply.
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

    /// Fails when the server has made no progress for the timeout of `phase`; to be polled after
    /// all else.
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

    /// In which phase, and for how long, the server has been silent that was to say something.
    pub(crate) fn silence(&self) -> Option<(Phase, Duration)> {
        self.patience.silence(&self.timeouts)
    }

    /// There is nothing to wait for.
    pub(crate) fn rest(&mut self) {
        if self.log.is_untimed() {
            self.log.time(Instant::now());
        }
        self.patience.rest();
    }

    /// Writes what is in the output and reads one reply.
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
