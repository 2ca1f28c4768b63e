//! Reads the PROXY header, in which a proxy names its client.

use std::io;

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::error::Elapsed,
};

use crate::codec::{InvalidProxyHeader, ProxyHeader};

/// How many octets to make room for at a time. What the client sends after the header may come along.
const READ: usize = 512;

/// Why a proxy has not named its client.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoHeader {
    /// The proxy has closed or reset the connection without sending anything.
    #[error("nothing was said")]
    Nothing,
    /// The proxy has closed the connection in the middle of the header.
    #[error("PROXY header is cut off")]
    CutOff,
    #[error("no PROXY header in time")]
    Late,
    #[error(transparent)]
    Invalid(#[from] InvalidProxyHeader),
    #[error("connection lost before the PROXY header")]
    Lost(#[from] io::Error),
}

/// Reads the header of a proxy. What comes after the header is left in `input`.
pub(super) async fn read(
    io: &mut (impl AsyncRead + Unpin),
    input: &mut BytesMut,
) -> Result<ProxyHeader, NoHeader> {
    loop {
        if let Some(header) = ProxyHeader::decode(input)? {
            return Ok(header);
        }
        input.reserve(READ);
        match io.read_buf(input).await {
            // Some proxies reset the connection once they have seen that the server listens.
            Ok(0) | Err(_) if input.is_empty() => return Err(NoHeader::Nothing),
            Ok(0) => return Err(NoHeader::CutOff),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl From<Elapsed> for NoHeader {
    fn from(_: Elapsed) -> Self {
        Self::Late
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        task::{Context, Poll},
    };

    use tokio::io::ReadBuf;

    use super::*;

    /// A connection that was reset.
    struct Reset;

    impl AsyncRead for Reset {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }

    /// Some health checks end a connection like this.
    #[tokio::test]
    async fn a_reset_before_the_first_octet_is_nothing_and_later_it_is_a_loss() {
        let header = read(&mut Reset, &mut BytesMut::new()).await;
        assert!(matches!(header, Err(NoHeader::Nothing)), "{header:?}");
        let mut io = b"PROXY".as_slice().chain(Reset);
        let header = read(&mut io, &mut BytesMut::new()).await;
        assert!(matches!(header, Err(NoHeader::Lost(_))), "{header:?}");
    }
}
