//! Deliberate faults around the agent, to test that the rules notice them.

use std::{
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A deliberate fault around the agent. For faults of storage see
/// [`Defect`](koukan_core::test_util::Defect).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Each connection of a client once fails to wake the task that waits for octets.
    LostWake,
    /// Each connection of a client sends one reply twice.
    AnsweredTwice,
}

/// How many wakes come before the lost one, and how many writes before the doubled one: the middle
/// of a message.
const BEFORE: u32 = 3;

/// A client's connection, at the agent's side.
pub(crate) struct Connection {
    io: DuplexStream,
    /// Stands between the pipe and the waiting task.
    forgetful: Option<Arc<Forgetful>>,
    /// Writes until the doubled one.
    writes: Option<u32>,
}

/// Passes on all wakes but one.
struct Forgetful {
    waiting: Mutex<Waker>,
    /// Wakes until the lost one.
    left: Mutex<Option<u32>>,
}

impl Fault {
    /// Puts the fault into a connection.
    pub(crate) fn apply(fault: Option<Self>, io: DuplexStream, number: u32) -> Connection {
        let before = BEFORE + number % 2;
        let forgetful = || {
            Arc::new(Forgetful {
                waiting: Mutex::new(Waker::noop().clone()),
                left: Mutex::new(Some(before)),
            })
        };
        Connection {
            io,
            forgetful: (fault == Some(Self::LostWake)).then(forgetful),
            writes: (fault == Some(Self::AnsweredTwice)).then_some(before),
        }
    }
}

/// Counts down by one. Returns whether this is the one.
fn is_now(left: &mut Option<u32>) -> bool {
    let Some(before) = *left else { return false };
    *left = before.checked_sub(1);
    left.is_none()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wake for Forgetful {
    fn wake(self: Arc<Self>) {
        if !is_now(&mut lock(&self.left)) {
            // The woken task may wait again at once.
            let waiting = lock(&self.waiting).clone();
            waiting.wake();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(forgetful) = &self.forgetful else {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        };
        let before = mem::replace(&mut *lock(&forgetful.waiting), cx.waker().clone());
        drop(before);
        let waker = Waker::from(Arc::clone(forgetful));
        Pin::new(&mut self.io).poll_read(&mut Context::from_waker(&waker), buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, octets);
        if matches!(written, Poll::Ready(Ok(len)) if len == octets.len())
            && is_now(&mut self.writes)
        {
            let _ = Pin::new(&mut self.io).poll_write(cx, octets);
        }
        written
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
    use super::*;

    /// Notes whether the waiting task's slot was free when it was woken.
    struct Waiting {
        forgetful: Mutex<Option<Arc<Forgetful>>>,
        found_free: Mutex<Vec<bool>>,
    }

    impl Wake for Waiting {
        fn wake(self: Arc<Self>) {
            let forgetful = lock(&self.forgetful).clone().unwrap();
            let is_free = forgetful.waiting.try_lock().is_ok();
            lock(&self.found_free).push(is_free);
        }
    }

    #[test]
    fn who_is_woken_may_wait_anew_at_once() {
        let waiting = Arc::new(Waiting {
            forgetful: Mutex::default(),
            found_free: Mutex::default(),
        });
        let forgetful = Arc::new(Forgetful {
            waiting: Mutex::new(Arc::clone(&waiting).into()),
            left: Mutex::new(Some(1)),
        });
        *lock(&waiting.forgetful) = Some(Arc::clone(&forgetful));
        for _ in 0..3 {
            Arc::clone(&forgetful).wake();
        }
        // One wake is lost.
        assert_eq!(*lock(&waiting.found_free), [true, true]);
        *lock(&waiting.forgetful) = None;
    }
}
