//! Messages that arrive so slowly that others wait in vain for their connections.
//!
//! A client need not hang to hold a connection for hours: a few octets a second are enough. So while others wait
//! for a connection to the host, the call of a message that arrives more slowly than [`FLOOR`] is dropped. Its end
//! was not sent by then, so nothing was delivered. The octets are still kept as they arrive, and once the message
//! is complete the recipients are asked again, as after a message that did not come at all. If the octets cannot be
//! read twice, the transaction ends, and its client must try again.
//!
//! The time is measured from when the message has started, or when it was last seen to be fast enough. Nobody looks
//! while nobody waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    blob::Blob,
    body::{Body, Holdings, Observer},
    clock::Alarm,
};

use super::{
    demand::{Demand, Listener},
    group::Group,
};

/// The rate, in octets a second, with which a message keeps its connection while others wait for
/// one.
const FLOOR: u64 = 1024;

/// How long a message may be slower than that.
const PATIENCE: Duration = Duration::from_secs(10);

/// A run whose message has started and is incomplete.
pub(super) struct Slow {
    pub(super) run: usize,
    message: Message,
    /// Whether the call was dropped, so that the end of the message is awaited.
    is_parked: bool,
    since: Instant,
    /// Octets that had arrived then.
    octets: u64,
    listener: Listener,
    alarm: Alarm,
}

/// What is known of the octets.
enum Message {
    /// Octets that can be read again from another copy of the body.
    Blob(Blob, Body),
    /// Octets that can be read only once.
    Passing(Arc<Passed>),
}

/// The octets that the endpoint has got.
#[derive(Default)]
struct Passed {
    octets: AtomicU64,
    is_ended: AtomicBool,
}

/// What is to be done.
pub(super) enum Way {
    /// Drop the call, and continue with this body when it is complete.
    Park(Body),
    /// Drop the call, and end.
    End,
    /// Ask the recipients again.
    Resume,
    /// Stop looking: the message is complete.
    Forget,
}

impl Slow {
    /// Watches a message that is still arriving. Returns the body to send.
    pub(super) fn watch(run: usize, body: Body, demand: &Demand) -> (Body, Option<Self>) {
        if body.len().is_some() {
            return (body, None);
        }
        let copy = body.growing().zip(body.again());
        let (body, message) = match copy {
            Some((blob, again)) => (body, Message::Blob(blob, again)),
            None => {
                let passed = Arc::new(Passed::default());
                let body = body.observe(Passing(Arc::clone(&passed)));
                (body, Message::Passing(passed))
            }
        };
        let slow = Self {
            run,
            is_parked: false,
            since: Instant::now(),
            octets: message.octets(),
            message,
            listener: demand.listener(),
            alarm: Alarm::default(),
        };
        (body, Some(slow))
    }

    pub(super) fn poll(&mut self, group: &Group, cx: &mut Context<'_>) -> Poll<Way> {
        if self.is_parked {
            // If it does not end cleanly, the next call finds that out.
            return self.message.poll_ended(cx).map(|()| Way::Resume);
        }
        match group.is_answered(self.run) {
            None => return Poll::Ready(Way::Forget),
            // Then the delay is not for lack of octets.
            Some(false) => return Poll::Pending,
            Some(true) => {}
        }
        let destination = group.key.destination.as_deref();
        let of = (&Holdings::default(), &*group.key.context);
        let found = self.listener.find(destination, of, cx.waker());
        if found.is_none() {
            return Poll::Pending;
        }
        loop {
            if self.message.poll_ended(cx).is_ready() {
                return Poll::Ready(Way::Forget);
            }
            ready!(self.alarm.poll(cx, self.since + PATIENCE));
            let (now, octets) = (Instant::now(), self.message.octets());
            let seconds = now.duration_since(self.since).as_secs();
            if octets - self.octets < FLOOR * seconds {
                return Poll::Ready(self.message.give_up());
            }
            (self.since, self.octets) = (now, octets);
        }
    }

    /// Notes that the call was dropped: from now on the end of the message is awaited.
    pub(super) fn parked(mut self) -> Self {
        self.is_parked = true;
        self
    }
}

impl Message {
    /// How many octets have arrived.
    fn octets(&self) -> u64 {
        match self {
            Self::Blob(blob, _) => blob.written(),
            Self::Passing(passed) => passed.octets.load(Ordering::Relaxed),
        }
    }

    /// Ready when no more will arrive.
    fn poll_ended(&self, cx: &Context<'_>) -> Poll<()> {
        match self {
            Self::Blob(blob, _) => blob.poll_ended(cx).map(drop),
            Self::Passing(passed) if passed.is_ended.load(Ordering::Relaxed) => Poll::Ready(()),
            Self::Passing(_) => Poll::Pending,
        }
    }

    fn give_up(&self) -> Way {
        match self {
            Self::Blob(_, body) => body.again().map_or(Way::End, Way::Park),
            Self::Passing(_) => Way::End,
        }
    }
}

/// Reports the octets that pass.
struct Passing(Arc<Passed>);

impl Observer for Passing {
    fn passed(&mut self, chunk: &Bytes) {
        let octets = &self.0.octets;
        octets.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }

    fn ended(&mut self) {
        self.0.is_ended.store(true, Ordering::Relaxed);
    }

    fn taken(&mut self, _: u64, _: &[Blob]) {
        self.ended();
    }
}
