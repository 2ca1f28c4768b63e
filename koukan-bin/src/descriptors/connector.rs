//! A connector with a limit on connections to destinations.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use koukan_core::network::{BoxWire, Connector, SharedConnector};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Connects through another connector, to a limited number of addresses at the same time.
///
/// Beyond the limit it fails at once, with [`io::ErrorKind::ResourceBusy`]. If it waited, the
/// waiting task might hold what others need to finish.
#[derive(Debug)]
pub(crate) struct Counted {
    inner: SharedConnector,
    room: Arc<Semaphore>,
}

/// A connection, and its place in the limit.
struct Held {
    wire: BoxWire,
    _place: OwnedSemaphorePermit,
}

impl Counted {
    pub(crate) fn new(inner: SharedConnector, max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            inner,
            room: Arc::new(Semaphore::new(max)),
        }
    }

    /// Connects, and takes a place.
    async fn held(
        &self,
        connecting: impl Future<Output = io::Result<BoxWire>>,
    ) -> io::Result<BoxWire> {
        let place = Arc::clone(&self.room).try_acquire_owned();
        let place = place.map_err(|_| {
            let text = "there are as many connections as file descriptors allow";
            io::Error::new(io::ErrorKind::ResourceBusy, text)
        })?;
        let wire = connecting.await?;
        Ok(Box::new(Held {
            wire,
            _place: place,
        }))
    }
}

#[async_trait]
impl Connector for Counted {
    async fn connect(&self, address: SocketAddr) -> io::Result<BoxWire> {
        self.held(self.inner.connect(address)).await
    }

    async fn connect_from(&self, address: SocketAddr, source: IpAddr) -> io::Result<BoxWire> {
        self.held(self.inner.connect_from(address, source)).await
    }

    async fn connect_unix(&self, path: &Path) -> io::Result<BoxWire> {
        self.held(self.inner.connect_unix(path)).await
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.wire).poll_write_vectored(cx, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use koukan_core::network::TcpConnector;
    use tokio::net::{TcpListener, UnixListener};

    use super::*;

    #[tokio::test]
    async fn so_many_at_the_same_time_and_no_more() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = Counted::new(Arc::new(TcpConnector), 2);
        let first = counted.connect(address).await.unwrap();
        let _second = counted.connect(address).await.unwrap();
        let refused = counted.connect(address).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        let _third = counted.connect(address).await.unwrap();
        // A failed connection soon gives its place back.
        drop((listener, _third));
        assert_ne!(
            counted.connect(address).await.err().unwrap().kind(),
            io::ErrorKind::ResourceBusy
        );
        assert_eq!(counted.room.available_permits(), 1);
    }

    #[tokio::test]
    async fn those_from_a_named_address_are_among_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let source = "127.0.0.2".parse().unwrap();
        let counted = Counted::new(Arc::new(TcpConnector), 1);
        let _first = counted.connect_from(address, source).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().1.ip(), source);
        let refused = counted.connect_from(address, source).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
    }

    #[tokio::test]
    async fn those_to_unix_sockets_are_among_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        let counted = Counted::new(Arc::new(TcpConnector), 1);
        let first = counted.connect_unix(&path).await.unwrap();
        let refused = counted.connect_unix(&path).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        drop(first);
        counted.connect_unix(&path).await.unwrap();
    }
}
