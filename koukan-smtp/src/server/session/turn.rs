//! Waiting: the one loop that polls everything in a session.
//!
//! All waiting of a session happens in this loop, and each turn of the loop polls everything. The task only sleeps on
//! what this turn has polled, so each return of `Pending` names who wakes the task. If something is woken within a
//! turn, the loop makes another turn. If something is woken between two waits, the first turn of the second wait
//! polls it anyway, so no extra turn is made.
//!
//! | step | where it is not ready, the task is woken by |
//! |---|---|
//! | poll what upstream is to do: a reply, room, the end; this also runs the call | the call, or who answers |
//! | poll the greeter's answer | the greeter, or the clock |
//! | write the output | the transport, or the clock if the client accepts nothing |
//! | read, where more may be read, or upgrade the transport | the transport |
//! | check the client's time | the clock |
//! | check whether the server stops | the server, or the clock |
//!
//! In the middle of a message the client is polled first; see [`Expected`]. While the session waits for upstream
//! alone, a client that is gone or slow does not matter: nothing is read, the client's time does not run, and a
//! failed write is ignored.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{self, Poll, ready},
    time::Duration,
};

use koukan_core::transaction::Driver;
use tokio::time::{Instant, Sleep, sleep};

use super::{End, Session, connection::Connection, replies::Replies};
use crate::server::{MakeMailService, Upgrade};

/// How to wait for the client, in addition to upstream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) expected: Expected,
    /// When the client's time is up.
    pub(super) deadline: Instant,
    /// How long the client may be silent once the server stops; `None` if the client is owed a reply.
    pub(super) stopping: Option<Duration>,
}

/// What the client is expected to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing: enough was read ahead.
    Nothing,
    /// Send commands. Replies that are ready at once go out together with earlier ones.
    Commands,
    /// Send octets of a message. What has arrived is read before the call is polled, so that the call gets all of it at once.
    Octets,
    /// Take part in the upgrade of the transport.
    Upgrade,
}

/// What ended a wait.
#[derive(Debug)]
pub(super) enum Event<T> {
    /// What the session waited for from upstream, or from the greeter, has happened.
    Upstream(T),
    /// The client has done what it was expected to do, or has closed its half of the connection.
    Client,
}

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Waits for `upstream` and for the client's input; ends with whichever is ready first.
    ///
    /// # Errors
    ///
    /// [`End::Closed`] when the client's time is up, [`End::Gone`] when the transport fails or the client does not
    /// accept what is written, [`End::Stopped`] when the server stops.
    pub(super) async fn wait_for<T>(
        &mut self,
        client: Client,
        mut upstream: impl FnMut(&mut Option<Driver>, &mut Replies, &mut task::Context<'_>) -> Poll<T>,
    ) -> Result<Event<T>, End> {
        let Self {
            connection,
            driver,
            replies,
            stopping,
            turns,
            ..
        } = self;
        let mut silence = None;
        let is_client_first = client.expected == Expected::Octets;
        let mut turn = |cx: &mut task::Context<'_>| {
            if is_client_first && poll_client(connection, &client, cx)?.is_ready() {
                return Poll::Ready(Ok(Event::Client));
            }
            if let Poll::Ready(done) = upstream(driver, replies, cx) {
                return Poll::Ready(Ok(Event::Upstream(done)));
            }
            if !is_client_first && poll_client(connection, &client, cx)?.is_ready() {
                return Poll::Ready(Ok(Event::Client));
            }
            if let Some(patience) = client.stopping {
                ready!(stopping.poll(cx));
                ready!(poll_silence(&mut silence, patience, cx));
                return Poll::Ready(Err(End::Stopped));
            }
            Poll::Pending
        };
        poll_fn(|cx| turns.poll(cx, &mut turn)).await
    }

    /// Waits for `upstream` alone, whatever the client does; `None` without a call.
    pub(super) async fn wait_upstream<T>(
        &mut self,
        mut upstream: impl FnMut(&mut Driver, &mut Replies, &mut task::Context<'_>) -> Poll<T>,
    ) -> Option<T> {
        let Self {
            connection,
            driver,
            replies,
            turns,
            ..
        } = self;
        let driver = driver.as_mut()?;
        let mut turn = |cx: &mut task::Context<'_>| {
            let done = upstream(driver, replies, cx);
            if done.is_pending() {
                // A lost client is noticed when the session next waits for it.
                let _ = connection.poll_flush(cx);
            }
            done
        };
        Some(poll_fn(|cx| turns.poll(cx, &mut turn)).await)
    }
}

/// Limits how long the client may be silent; the time begins with the first poll.
fn poll_silence(
    silence: &mut Option<Pin<Box<Sleep>>>,
    patience: Duration,
    cx: &mut task::Context<'_>,
) -> Poll<()> {
    if patience.is_zero() {
        return Poll::Ready(());
    }
    let silence = silence.get_or_insert_with(|| Box::pin(sleep(patience)));
    silence.as_mut().poll(cx)
}

/// Writes the output, and polls the client for what it is expected to do within its time.
fn poll_client<IO: Upgrade>(
    connection: &mut Connection<IO>,
    client: &Client,
    cx: &mut task::Context<'_>,
) -> Poll<Result<(), End>> {
    ready!(connection.poll_flush(cx))?;
    let done = match client.expected {
        Expected::Nothing => Poll::Pending,
        Expected::Commands | Expected::Octets => connection.poll_read(cx)?,
        Expected::Upgrade => connection.poll_upgrade(cx)?,
    };
    if done.is_ready() {
        return Poll::Ready(Ok(()));
    }
    Poll::Ready(Err(ready!(connection.poll_deadline(cx, client.deadline))))
}
