//! The octets of a session: input, output, and the transport between.

use std::{
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BytesMut;
use koukan_core::{clock::Alarm, reply::Reply};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::End;
use crate::{
    codec,
    server::{Upgrade, Upgraded},
};

/// Octets to make room for when the next command is awaited.
const COMMAND_READ: usize = 1024;
/// Octets to make room for when a message begins; doubled while reads fill the room. Memory that no
/// read fills is never touched. Fewer and larger reads save work in every later step.
const BODY_READ: usize = 32 * 1024;
/// The largest buffer, in octets, that is kept between messages.
const KEPT: usize = 8 * 1024;
/// The most octets of commands that are read ahead.
const READ_AHEAD: usize = 16 * 1024;
/// The most octets that are read and dropped after a final 421.
const LINGER_OCTETS: usize = 64 * 1024;
/// How long a client may take to read a final 421.
const LINGER: Duration = Duration::from_secs(2);

/// A transport with a buffer in either direction.
#[derive(Debug)]
pub(super) struct Connection<IO> {
    io: IO,
    input: BytesMut,
    is_eof: bool,
    /// Octets to make room for when little room is left.
    read_size: usize,
    output: Vec<u8>,
    /// Octets at the front of `output` that were already written.
    written: usize,
    write_timeout: Duration,
    /// Until when the client has to accept what is being written; set only if it does not accept it at once.
    write_deadline: Option<Instant>,
    /// Whether an upgrade of the transport has begun and not yet succeeded. Nothing can be sent meanwhile.
    is_upgrading: bool,
    /// What the last upgrade has told about the client.
    upgraded: Upgraded,
    /// The timer for whatever the session waits for.
    alarm: Alarm,
}

impl<IO: Upgrade> Connection<IO> {
    /// A connection on a transport of which `input` was already read.
    pub(super) fn new(io: IO, input: BytesMut, write_timeout: Duration) -> Self {
        Self {
            io,
            input,
            is_eof: false,
            read_size: COMMAND_READ,
            output: Vec::new(),
            written: 0,
            write_timeout,
            write_deadline: None,
            is_upgrading: false,
            upgraded: Upgraded::default(),
            alarm: Alarm::default(),
        }
    }

    /// Input that was not used yet.
    pub(super) fn input_mut(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// Octets of input that were not used yet.
    pub(super) fn input_len(&self) -> usize {
        self.input.len()
    }

    /// Whether the client will send no more.
    pub(super) fn is_eof(&self) -> bool {
        self.is_eof
    }

    /// Whether the client will send no more, and no whole line of it is left to carry out.
    pub(super) fn has_said_all(&self) -> bool {
        self.is_eof && memchr::memchr(b'\n', &self.input).is_none()
    }

    /// Whether there is so little unused input that more may be read.
    pub(super) fn may_read_ahead(&self) -> bool {
        self.input.len() < READ_AHEAD
    }

    /// Appends a reply to the output.
    pub(super) fn reply(&mut self, reply: &Reply, with_enhanced: bool) {
        codec::encode_reply(reply, with_enhanced, &mut self.output);
    }

    /// Writes the output.
    ///
    /// # Errors
    ///
    /// [`End::Gone`] if the transport fails or the client does not accept what is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if let Poll::Ready(result) = self.poll_write(cx) {
            self.write_deadline = None;
            return Poll::Ready(result);
        }
        // The clock is only read if the client does not accept the output at once.
        let deadline = || Instant::now() + self.write_timeout;
        let deadline = *self.write_deadline.get_or_insert_with(deadline);
        ready!(self.alarm.poll(cx, deadline));
        Poll::Ready(Err(End::Gone))
    }

    /// Ready when the client's time is up. For use when there is no output left to write.
    pub(super) fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<End> {
        let late = |()| End::Closed(Reply::idle_too_long());
        self.alarm.poll(cx, deadline).map(late)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        if self.output.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.written < self.output.len() {
            let rest = &self.output[self.written..];
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(End::Gone)),
                written => self.written += written,
            }
        }
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.output.clear();
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Reads what has arrived into the input.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let room = self.input.capacity() - self.input.len();
        // If a big buffer has some room left, one more read fits; a very small rest is not worth a read.
        if room < self.read_size / 8 {
            self.input.reserve(self.read_size);
        }
        self.is_eof = ready!(pin!(self.io.read_buf(&mut self.input)).poll(cx))? == 0;
        Poll::Ready(Ok(()))
    }

    /// Upgrades the transport; there must be no output left. Input that was read before is dropped,
    /// since someone on the network path may have put it there.
    pub(super) fn poll_upgrade(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        self.is_upgrading = true;
        self.input.clear();
        self.upgraded = ready!(Pin::new(&mut self.io).poll_upgrade(cx))?;
        self.is_upgrading = false;
        self.is_eof = false;
        Poll::Ready(Ok(()))
    }

    /// What is known of the client since the upgrade.
    pub(super) fn take_upgraded(&mut self) -> Upgraded {
        mem::take(&mut self.upgraded)
    }

    /// Whether an upgrade has begun that has not ended well.
    pub(super) fn is_upgrading(&self) -> bool {
        self.is_upgrading
    }

    /// Whether the transport can still be upgraded.
    pub(super) fn is_upgradable(&self) -> bool {
        self.io.is_upgradable()
    }

    /// Prepares to receive a message of about `size` octets, if the size is known.
    pub(super) fn begin_body(&mut self, size: Option<u64>, buffer_max: usize) {
        let max = buffer_max.max(COMMAND_READ);
        let size = size.map_or(0, |size| usize::try_from(size).unwrap_or(usize::MAX));
        self.read_size = size.clamp(BODY_READ.min(max), max);
    }

    /// Lets reads of a message grow up to `buffer_max` octets while they fill the room.
    pub(super) fn grow_body(&mut self, buffer_max: usize) {
        if self.input.len() == self.input.capacity() {
            self.read_size = (self.read_size * 2).min(buffer_max.max(COMMAND_READ));
        }
    }

    /// Goes back to reading commands; a large buffer is released.
    pub(super) fn end_body(&mut self) {
        if self.input.capacity() > KEPT && self.input.len() <= COMMAND_READ {
            self.input = BytesMut::from(&self.input[..]);
        }
        self.read_size = COMMAND_READ;
    }

    /// Writes the rest of the output and closes.
    ///
    /// If a socket is closed while input is unread, the peer may lose the last reply. So input from
    /// a client that may have sent more is read for a moment.
    pub(super) async fn close(mut self, may_have_sent_more: bool) {
        let is_flushed = poll_fn(|cx| self.poll_flush(cx)).await.is_ok();
        let is_closed = is_flushed && self.io.shutdown().await.is_ok();
        if !is_closed || !may_have_sent_more {
            return;
        }
        let _ = timeout(LINGER, async {
            let mut octets = 0;
            while !self.is_eof && octets < LINGER_OCTETS {
                self.input.clear();
                if poll_fn(|cx| self.poll_read(cx)).await.is_err() {
                    break;
                }
                octets += self.input.len();
            }
        })
        .await;
    }
}
