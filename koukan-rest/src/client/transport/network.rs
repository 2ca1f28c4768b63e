//! Connects to the host of a URI over the network that the client was given.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use http::{Uri, uri::Scheme};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use koukan_core::network::{
    BoxWire, Connector, Dialing, SharedConnector, SharedResolver, alternating,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::{BoxError, Service};

/// Connects to the host of a URI, without TLS.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) connector: SharedConnector,
    pub(super) resolver: SharedResolver,
}

impl Network {
    async fn connect(self, uri: Uri) -> Result<TokioIo<Stream>, BoxError> {
        let host = uri.host().ok_or("the URI has no host")?;
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        // Only IPv6 addresses are in brackets.
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = match address.parse() {
            Ok(address) => vec![address],
            Err(_) => self.resolver.addresses(host).await?.records,
        };
        let addresses = alternating(addresses).into_iter();
        let addresses = addresses.map(|address| SocketAddr::new(address, port));
        let wire = connect_to_any(&*self.connector, addresses).await?;
        Ok(TokioIo::new(Stream(wire)))
    }
}

/// Connects to the first address that works.
async fn connect_to_any(
    connector: &dyn Connector,
    addresses: impl Iterator<Item = SocketAddr>,
) -> io::Result<BoxWire> {
    let mut dialing = Dialing::new(addresses, |address| connector.connect(address));
    let mut failure = None;
    while let Some((_, connected)) = dialing.next().await {
        match connected {
            Ok(wire) => return Ok(wire),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(without_address))
}

fn without_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the host has no address")
}

impl Service<Uri> for Network {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<TokioIo<Stream>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// A connection in the form that hyper needs.
pub(in crate::client) struct Stream(BoxWire);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
