//! Counts the octets written to a connection.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use koukan_core::network::BoxWire;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Counts the octets that a connection has taken. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<AtomicU64>);

impl Written {
    /// Wraps the connection. Its octets are counted from now on.
    pub(crate) fn count(&self, wire: BoxWire) -> BoxWire {
        Box::new(Counted {
            inner: wire,
            written: self.clone(),
        })
    }

    /// The number of octets so far.
    pub(crate) fn octets(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted {
    inner: BoxWire,
    written: Written,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.inner).poll_write(cx, octets))?;
        self.written.0.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
