//! A transport that is upgraded to TLS.

use std::{
    fmt, io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use koukan_core::tls::{ServerStream, ServerTls};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::Accept;

use super::{Upgrade, Upgraded};

/// A transport that is upgraded to TLS when the client says STARTTLS, for
/// [`Server::serve_upgradable`](super::Server::serve_upgradable).
///
/// *Source*: RFC 3207.
pub struct Secured<IO>(State<IO>);

enum State<IO> {
    /// In clear; without TLS to upgrade to, it stays so.
    Clear(IO, Option<ServerTls>),
    /// In the middle of the handshake.
    Beginning(Box<Accept<IO>>),
    Secure(Box<ServerStream<IO>>),
    /// The handshake has failed.
    Broken,
}

impl<IO> Secured<IO> {
    /// A transport that can be upgraded.
    pub fn new(io: IO, tls: ServerTls) -> Self {
        Self::clear(io, Some(tls))
    }

    /// A transport that can be upgraded if there is TLS.
    pub(super) fn clear(io: IO, tls: Option<ServerTls>) -> Self {
        Self(State::Clear(io, tls))
    }

    /// A transport that uses TLS already.
    pub(super) fn secure(stream: ServerStream<IO>) -> Self {
        Self(State::Secure(Box::new(stream)))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Upgrade for Secured<IO> {
    fn is_upgradable(&self) -> bool {
        matches!(self.0, State::Clear(_, Some(_)))
    }

    fn poll_upgrade(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Upgraded>> {
        let state = &mut self.0;
        *state = match mem::replace(state, State::Broken) {
            State::Clear(io, Some(tls)) => State::Beginning(Box::new(tls.accept(io))),
            other => other,
        };
        let State::Beginning(accept) = state else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        let stream = ready!(Pin::new(&mut **accept).poll(cx));
        *state = State::Broken;
        let stream = stream?;
        let upgraded = Upgraded::to_tls(ServerTls::facts(&stream));
        *state = State::Secure(Box::new(stream));
        Poll::Ready(Ok(upgraded))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            State::Clear(io, _) => Pin::new(io).poll_read(cx, buffer),
            State::Secure(stream) => Pin::new(stream).poll_read(cx, buffer),
            State::Beginning(_) | State::Broken => Poll::Ready(Err(not_now())),
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            State::Clear(io, _) => Pin::new(io).poll_write(cx, octets),
            State::Secure(stream) => Pin::new(stream).poll_write(cx, octets),
            State::Beginning(_) | State::Broken => Poll::Ready(Err(not_now())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            State::Clear(io, _) => Pin::new(io).poll_flush(cx),
            State::Secure(stream) => Pin::new(stream).poll_flush(cx),
            State::Beginning(_) | State::Broken => Poll::Ready(Err(not_now())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            State::Clear(io, _) => Pin::new(io).poll_shutdown(cx),
            State::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
            State::Beginning(_) | State::Broken => Poll::Ready(Err(not_now())),
        }
    }
}

impl<IO> fmt::Debug for Secured<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.0 {
            State::Clear(..) => "clear",
            State::Beginning(_) => "beginning",
            State::Secure(_) => "secure",
            State::Broken => "broken",
        };
        f.debug_tuple("Secured").field(&state).finish()
    }
}

/// The error for reads and writes during the handshake or after it has failed; the server makes none then.
fn not_now() -> io::Error {
    io::ErrorKind::NotConnected.into()
}
