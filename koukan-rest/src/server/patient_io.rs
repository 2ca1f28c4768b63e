//! Input and output with time limits, for peers that are slow or expect an answer.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long a peer that is still sending has to read the last response.
const LINGER: Duration = Duration::from_secs(5);

/// A transport that fails if the peer does not accept what is written to it.
///
/// If the peer may still be sending after the last response, the end of the connection waits a
/// little for it to stop. Octets that arrive at a closed socket reset the connection, and the peer
/// may then lose the response that it has not read yet.
///
/// How long a peer may take to *send* something is limited elsewhere: it depends on what is
/// expected of the peer.
pub(super) struct PatientIo<I> {
    inner: I,
    timeout: Duration,
    sleep: Pin<Box<Sleep>>,
    is_waiting: bool,
    lingers: Lingers,
    is_shut_down: bool,
}

/// Sets whether the end of a connection waits for its peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Lingers(Arc<AtomicBool>);

impl Lingers {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<I> PatientIo<I> {
    pub(super) fn new(inner: I, timeout: Duration, lingers: Lingers) -> Self {
        Self {
            inner,
            timeout,
            sleep: Box::pin(sleep(timeout)),
            is_waiting: false,
            lingers,
            is_shut_down: false,
        }
    }

    /// Passes `poll` on, or fails if it has been pending for too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.is_waiting = false;
            return poll;
        }
        if !self.is_waiting {
            self.is_waiting = true;
            self.sleep.as_mut().reset(Instant::now() + self.timeout);
        }
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for PatientIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<I: AsyncRead + Unpin> PatientIo<I> {
    /// Ready when the peer has closed its half too, or its time is up.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut octets = [0; 8 << 10];
        while self.sleep.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut octets);
            let read = ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for PatientIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, octets);
        self.watch(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(cx, octets);
        self.watch(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Not limited: a socket flushes at once, whether or not the peer has accepted what was written.
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut_down {
            let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
            let shut_down = ready!(self.watch(cx, poll));
            if shut_down.is_err() || !self.lingers.is_set() {
                return Poll::Ready(shut_down);
            }
            self.is_shut_down = true;
            self.sleep.as_mut().reset(Instant::now() + LINGER);
        }
        self.poll_linger(cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (ours, _theirs) = duplex(4);
        let mut io = PatientIo::new(ours, Duration::from_secs(60), Lingers::default());
        let begun = Instant::now();
        let error = io.write_all(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_a_peer_that_is_still_sending() {
        for (lingers, waited) in [(false, 0), (true, LINGER.as_secs())] {
            let (ours, mut theirs) = duplex(1 << 10);
            let mut io = PatientIo::new(ours, Duration::from_secs(60), Lingers::default());
            if lingers {
                io.lingers.set();
            }
            theirs.write_all(&[b'x'; 1000]).await.unwrap();
            let begun = Instant::now();
            io.shutdown().await.unwrap();
            assert_eq!(begun.elapsed().as_secs(), waited);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_peer_ends_the_wait() {
        let (ours, theirs) = duplex(4);
        let mut io = PatientIo::new(ours, Duration::from_secs(60), Lingers::default());
        io.lingers.set();
        drop(theirs);
        let begun = Instant::now();
        io.shutdown().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
