//! What a server sends first.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most octets that are kept: those of a reply in one line (RFC 5321 section 4.5.3.1.5).
const OCTETS_MAX: usize = 512;

/// The first octets that a server sends, as they arrive together. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstOctets(Arc<OnceLock<Box<[u8]>>>);

/// A stream that notes the first octets that are read from it.
pub(super) struct NotesFirst<Io> {
    io: Io,
    first: Option<FirstOctets>,
}

impl FirstOctets {
    /// The octets, if they are the beginning of a reply. A record of TLS never begins with a digit (RFC 8446
    /// section 5.1).
    pub(super) fn as_reply(&self) -> Option<&[u8]> {
        let first = self.0.get()?;
        first[0].is_ascii_digit().then_some(&**first)
    }
}

impl<Io> NotesFirst<Io> {
    pub(super) fn new(io: Io, first: FirstOctets) -> Self {
        let first = Some(first);
        Self { io, first }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for NotesFirst<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        let read = &buffer.filled()[before..];
        if !read.is_empty()
            && let Some(first) = self.first.take()
        {
            let kept = &read[..read.len().min(OCTETS_MAX)];
            let _ = first.0.set(kept.into());
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for NotesFirst<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_reply_is_told_from_a_record_of_tls() {
        for (sent, expected) in [
            (&b"220 mx.example ESMTP\r\n"[..], true),
            (b"554", true),
            (b"\x16\x03\x03\x00\x7a", false),
            (b"\x15\x03\x01\x00\x02\x02\x46", false),
            (b"", false),
        ] {
            let first = FirstOctets::default();
            let mut io = NotesFirst::new(sent, first.clone());
            let mut read = Vec::new();
            io.read_to_end(&mut read).await.unwrap();
            assert_eq!(read, sent);
            let expected = expected.then_some(sent);
            assert_eq!(first.as_reply(), expected, "{}", sent.escape_ascii());
        }
    }

    #[tokio::test]
    async fn only_what_comes_first_is_kept_and_not_too_much_of_it() {
        let first = FirstOctets::default();
        let sent = [b"2".repeat(600), b"5".repeat(10)].concat();
        let mut io = NotesFirst::new(&*sent, first.clone());
        let mut read = [0; 600];
        io.read_exact(&mut read).await.unwrap();
        io.read_exact(&mut read[..10]).await.unwrap();
        assert_eq!(first.as_reply(), Some(&*b"2".repeat(OCTETS_MAX)));
    }
}
