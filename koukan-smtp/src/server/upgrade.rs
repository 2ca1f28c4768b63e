//! Transports that change in the middle of a session.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use koukan_core::context::Tls;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport that can become another one in the middle of a session, as a connection does whose
/// client says STARTTLS.
///
/// The server offers STARTTLS while [`Upgrade::is_upgradable`], says 220, writes all of that, throws
/// away what it has read, and then polls [`Upgrade::poll_upgrade`] until it is ready. From then on it
/// reads and writes the other transport, and knows nothing of what the client has said before. The
/// [`Greeter`](super::Greeter), the choice of the service and the transactions are told what
/// [`Upgraded`] says of the client.
///
/// See [`Server::serve_upgradable`](super::Server::serve_upgradable).
///
/// *Source*: RFC 3207.
pub trait Upgrade: AsyncRead + AsyncWrite + Unpin {
    /// Whether it can be upgraded, and was not.
    fn is_upgradable(&self) -> bool;

    /// Becomes the other transport; ready when that can be read and written.
    ///
    /// Nothing else is polled meanwhile.
    ///
    /// # Errors
    ///
    /// Where it fails the session ends, and the client hears nothing more.
    fn poll_upgrade(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Upgraded>>;
}

/// What is known of a client since its transport was upgraded, in place of what was known before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgraded {
    /// The parameters of TLS.
    pub tls: Option<Tls>,
    /// Who the client is, where the transport has proved it, as by a certificate.
    pub identity: Option<Box<str>>,
}

impl Upgraded {
    /// A transport that has TLS now.
    pub fn to_tls(tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            identity: None,
        }
    }

    /// Says who the client is.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Box<str>>) -> Self {
        self.identity = Some(identity.into());
        self
    }
}

/// A transport that stays what it is.
#[derive(Debug)]
pub(super) struct Unchanging<IO>(pub(super) IO);

impl<IO: AsyncRead + AsyncWrite + Unpin> Upgrade for Unchanging<IO> {
    fn is_upgradable(&self) -> bool {
        false
    }

    fn poll_upgrade(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Upgraded>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Unchanging<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Unchanging<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
