//! Transports that are upgraded in the middle of a session.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use koukan_core::context::Tls;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport that can be upgraded in the middle of a session, for example to TLS when the client
/// says STARTTLS.
///
/// The server offers STARTTLS while [`Upgrade::is_upgradable`]. At STARTTLS it says 220, writes all
/// its output, drops all input that it has read, and then polls [`Upgrade::poll_upgrade`] until it
/// is ready. From then on it uses the upgraded transport, and forgets what the client said before.
/// The [`Greeter`](super::Greeter), the choice of the service and the transactions are told what
/// [`Upgraded`] says of the client.
///
/// See [`Server::serve_upgradable`](super::Server::serve_upgradable).
///
/// *Source*: RFC 3207.
pub trait Upgrade: AsyncRead + AsyncWrite + Unpin {
    /// Whether the transport can be upgraded and has not been yet.
    fn is_upgradable(&self) -> bool;

    /// Upgrades the transport; ready when it can be read and written again.
    ///
    /// The server polls nothing else meanwhile.
    ///
    /// # Errors
    ///
    /// If the upgrade fails, the session ends and the client gets no further reply.
    fn poll_upgrade(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Upgraded>>;
}

/// What is known of a client after its transport was upgraded; replaces what was known before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgraded {
    /// The parameters of TLS.
    pub tls: Option<Tls>,
    /// Who the client is, where the transport has proved it, for example by a certificate.
    pub identity: Option<Box<str>>,
}

impl Upgraded {
    /// A transport that now uses TLS.
    pub fn to_tls(tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            identity: None,
        }
    }

    /// Sets who the client is.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Box<str>>) -> Self {
        self.identity = Some(identity.into());
        self
    }
}

/// A transport that cannot be upgraded.
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
