//! A transport that passes for TLS from when the client says STARTTLS, and stays what it is.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use koukan_core::context::Tls;
use koukan_smtp::server::{Upgrade, Upgraded};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

pub(crate) struct BecomesTls {
    io: DuplexStream,
    is_secure: bool,
}

impl BecomesTls {
    pub(crate) fn new(io: DuplexStream) -> Self {
        Self {
            io,
            is_secure: false,
        }
    }
}

impl Upgrade for BecomesTls {
    fn is_upgradable(&self) -> bool {
        !self.is_secure
    }

    fn poll_upgrade(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<Upgraded>> {
        self.is_secure = true;
        Poll::Ready(Ok(Upgraded::to_tls(Tls {
            version: "TLSv1.3".into(),
            cipher: "none".into(),
            client: None,
        })))
    }
}

impl AsyncRead for BecomesTls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for BecomesTls {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
