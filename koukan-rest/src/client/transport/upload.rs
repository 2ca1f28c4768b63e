//! Streams the message to the server.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use koukan_core::body::{Body, BodyError};
use tokio::time::Instant;

/// A message that is uploaded by one request at a time.
pub(in super::super) struct Source {
    state: Mutex<State>,
    /// Kept outside the lock: whoever supplies octets may report so while they are being asked for.
    turns: Arc<Turns>,
}

struct State {
    body: Body,
    /// Octets that the connection has accepted.
    octets: u64,
    /// Whether the connection has accepted any octets, or the end.
    is_begun: bool,
    /// The error with which the message ended, if it did.
    error: Option<BodyError>,
    /// The request that may read the body: only the latest.
    request: u64,
    waker: Option<Waker>,
}

struct Turns(Mutex<Waiting>);

struct Waiting {
    turn: Turn,
    /// Whether the originator has supplied octets since it was last asked.
    is_given: bool,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The server has to accept octets, since that time.
    Server(Instant),
    /// The originator has to supply more of the message.
    Originator,
    /// The message has ended, and the server has to answer, since that time.
    Ended(Instant),
}

/// The message as the content of one request.
///
/// When the request is abandoned, the content fails, and so does the connection. So a part of the
/// message never looks complete to the server.
pub(in super::super) struct Upload {
    source: Arc<Source>,
    request: u64,
    len: Option<u64>,
    is_end: bool,
}

/// The upload ended early, or is no longer wanted.
#[derive(Debug, thiserror::Error)]
#[error("upload broke off")]
pub(in super::super) struct BrokenOff;

impl Source {
    pub(in super::super) fn new(body: Body) -> Self {
        let state = State {
            body,
            octets: 0,
            is_begun: false,
            error: None,
            request: 0,
            waker: None,
        };
        let waiting = Waiting {
            turn: Turn::Server(Instant::now()),
            is_given: false,
        };
        Self {
            state: Mutex::new(state),
            turns: Arc::new(Turns(Mutex::new(waiting))),
        }
    }

    /// The content of a new request; earlier requests get no more of the message.
    pub(super) fn upload(source: &Arc<Self>) -> Upload {
        source.revoke();
        source.turns().turn = Turn::Server(Instant::now());
        let state = source.lock();
        let len = state.body.len();
        Upload {
            source: Arc::clone(source),
            request: state.request,
            len,
            is_end: len == Some(0),
        }
    }

    /// Ends the content of all requests so far.
    pub(super) fn revoke(&self) {
        let waker = {
            let mut state = self.lock();
            state.request += 1;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Drops the message, since the connection may keep the request for longer.
    pub(in super::super) fn discard(&self) {
        self.revoke();
        let body = std::mem::replace(&mut self.lock().body, Body::empty());
        drop(body);
    }

    /// Whether nothing of the message was sent yet.
    pub(super) fn is_whole(&self) -> bool {
        !self.lock().is_begun
    }

    /// How many octets were sent.
    pub(in super::super) fn octets(&self) -> u64 {
        self.lock().octets
    }

    /// The error with which the message ended, if it did.
    pub(super) fn take_error(&self) -> Option<BodyError> {
        self.lock().error.take()
    }

    pub(super) fn turn(&self) -> Turn {
        self.turns().turn
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turns(&self) -> MutexGuard<'_, Waiting> {
        self.turns.lock()
    }
}

impl Turns {
    fn given(&self) {
        let mut waiting = self.lock();
        waiting.is_given = true;
        if waiting.turn == Turn::Originator {
            waiting.turn = Turn::Server(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notices that the originator has supplied octets; from then on it is the server's turn, even if
/// the connection asks for no octets because the server accepts none.
///
/// It holds no part of the message: the code that wakes it may hold a lock that the message takes
/// when it is dropped.
struct Given {
    turns: Arc<Turns>,
    waker: Waker,
}

impl Wake for Given {
    fn wake(self: Arc<Self>) {
        self.turns.given();
        self.waker.wake_by_ref();
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let source = Arc::clone(&self.source);
        let mut state = source.lock();
        if state.request != self.request || state.error.is_some() {
            return Poll::Ready(Some(Err(BrokenOff)));
        }
        let given = Waker::from(Arc::new(Given {
            turns: Arc::clone(&source.turns),
            waker: cx.waker().clone(),
        }));
        loop {
            source.turns().is_given = false;
            return match state.body.poll_chunk(&mut Context::from_waker(&given)) {
                Poll::Ready(Some(Ok(chunk))) => {
                    // An empty chunk would be taken for the end.
                    if chunk.is_empty() {
                        continue;
                    }
                    state.octets += chunk.len() as u64;
                    state.is_begun = true;
                    // A reader that knows the length does not ask for the end.
                    self.is_end = self.len == Some(state.octets);
                    source.turns().turn = if self.is_end {
                        Turn::Ended(Instant::now())
                    } else {
                        Turn::Server(Instant::now())
                    };
                    Poll::Ready(Some(Ok(Frame::data(chunk))))
                }
                Poll::Ready(Some(Err(error))) => {
                    state.is_begun = true;
                    state.error = Some(error);
                    Poll::Ready(Some(Err(BrokenOff)))
                }
                Poll::Ready(None) => {
                    state.is_begun = true;
                    source.turns().turn = Turn::Ended(Instant::now());
                    self.is_end = true;
                    Poll::Ready(None)
                }
                Poll::Pending => {
                    let mut turns = source.turns();
                    if !turns.is_given {
                        turns.turn = Turn::Originator;
                    }
                    drop(turns);
                    state.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_end
    }

    fn size_hint(&self) -> SizeHint {
        self.len.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{future::poll_fn, stream};
    use http_body::Body as _;

    use super::*;

    /// The waker of a message's reader may be called while the message is being read: by other
    /// readers of the same source, or because the task has used up its share of processor time.
    #[tokio::test]
    async fn whoever_gives_octets_may_say_so_while_they_are_asked_for() {
        let mut polls = 0;
        let octets = stream::poll_fn(move |cx| {
            polls += 1;
            match polls {
                1 => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                2 => Poll::Ready(Some(Ok(Bytes::from_static(b"hello")))),
                3 => Poll::Pending,
                _ => Poll::Ready(None),
            }
        });
        let source = Arc::new(Source::new(Body::from_stream(octets)));
        let mut upload = Source::upload(&source);
        let mut waits = Vec::new();
        let frame = poll_fn(|cx| {
            let frame = Pin::new(&mut upload).poll_frame(cx);
            waits.push(source.turn() == Turn::Originator);
            frame
        });
        let frame = frame.await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), "hello");
        // The octets were supplied at once.
        assert_eq!(waits, [false, false]);
        let nothing = poll_fn(|cx| Poll::Ready(Pin::new(&mut upload).poll_frame(cx).is_pending()));
        assert!(nothing.await);
        assert_eq!(source.turn(), Turn::Originator);
    }
}
