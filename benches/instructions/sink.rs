//! A destination that accepts everything, and does as little as it can for it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use koukan_core::network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const PIPE: usize = 256 << 10;

/// A network where every host is this sink.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sink(Arc<AtomicUsize>);

impl Sink {
    /// How many messages arrived.
    pub(crate) fn messages(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connector for Sink {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        let (ours, theirs) = duplex(PIPE);
        tokio::spawn(serve(theirs, self.clone()));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Sink {
    async fn addresses(&self, _: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        Err(LookupError::NoSuchName)
    }
}

async fn serve(mut io: DuplexStream, sink: Sink) -> io::Result<()> {
    let mut input = Vec::with_capacity(PIPE);
    let mut replies = Vec::with_capacity(4096);
    // Octets of a chunk that are still missing, and the reply once they have arrived.
    let mut chunk = 0;
    let mut is_in_message = false;
    io.write_all(b"220 sink\r\n").await?;
    while io.read_buf(&mut input).await? > 0 {
        let mut rest = &input[..];
        while !rest.is_empty() {
            if is_in_message {
                // Nothing follows a message before its reply.
                if rest.ends_with(b"\r\n.\r\n") {
                    rest = &[];
                    is_in_message = false;
                    sink.0.fetch_add(1, Ordering::Relaxed);
                    replies.extend_from_slice(b"250 ok\r\n");
                } else {
                    rest = &rest[rest.len().saturating_sub(4)..];
                }
                break;
            }
            let skipped = chunk.min(rest.len());
            rest = &rest[skipped..];
            chunk -= skipped;
            if chunk > 0 {
                break;
            }
            let Some(end) = rest.iter().position(|octet| *octet == b'\n') else {
                break;
            };
            let line = &rest[..=end];
            rest = &rest[end + 1..];
            replies.extend_from_slice(match &line[..4] {
                b"EHLO" => b"250-sink\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 PIPELINING\r\n",
                b"DATA" => {
                    is_in_message = true;
                    b"354 go on\r\n"
                }
                b"BDAT" => {
                    chunk = size(line);
                    sink.0
                        .fetch_add(usize::from(line.ends_with(b" LAST\r\n")), Ordering::Relaxed);
                    b"250 ok\r\n"
                }
                _ => b"250 ok\r\n",
            });
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        // A chunk is answered when it is complete.
        if chunk == 0 && !replies.is_empty() {
            io.write_all(&replies).await?;
            replies.clear();
        }
    }
    Ok(())
}

/// The size that a BDAT command names.
fn size(line: &[u8]) -> usize {
    let digits = line[5..].iter().take_while(|octet| octet.is_ascii_digit());
    digits.fold(0, |size, digit| size * 10 + usize::from(digit - b'0'))
}
