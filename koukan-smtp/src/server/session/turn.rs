//! Waiting: the one loop in which everything of a session is polled.
//!
//! Whatever a session waits for, it waits here, and each turn of the loop polls all of it. Nothing is
//! waited for but what this turn has polled, so every way out names who wakes the task. What is woken
//! within a turn makes another turn; what was woken between two waits is polled by the first turn of the
//! second anyhow, and makes none.
//!
//! | step | where it is not ready, the task is woken by |
//! |---|---|
//! | what upstream is to do: a reply, room, the end; the call goes on with it | the call, or who answers |
//! | what the greeter is to answer | the greeter, or the clock |
//! | write what is to go out | the transport, or the clock for who takes nothing |
//! | read, where more may be read, or upgrade the transport | the transport |
//! | the time that the client has | the clock |
//! | the end of the server | the server, or the clock |
//!
//! In the middle of a message the client comes first; see [`Expected`]. While upstream alone is waited
//! for, a client that is gone or slow makes no difference: nothing is read then, no time runs, and
//! writing may fail.

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

/// How the client is waited for, beside upstream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) expected: Expected,
    /// Until when.
    pub(super) deadline: Instant,
    /// How long it may be silent once the server stops; `None` where it is owed a reply.
    pub(super) stopping: Option<Duration>,
}

/// What the client is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing: it was read far enough ahead.
    Nothing,
    /// To send commands. The replies that are there at once go out with those before them.
    Commands,
    /// To send octets of a message. What has come of it is read before the call is polled, which then
    /// gets it in one go.
    Octets,
    /// To take part in the upgrade of the transport.
    Upgrade,
}

/// What a wait has ended with.
#[derive(Debug)]
pub(super) enum Event<T> {
    /// Upstream, or the greeter, has done what it was to do.
    Upstream(T),
    /// So has the client, or it has closed its half of the connection.
    Client,
}

impl<IO, M> Session<IO, M>
where
    IO: Upgrade,
    M: MakeMailService,
{
    /// Waits for `upstream`, and for what the client sends; whatever is ready first.
    ///
    /// # Errors
    ///
    /// [`End::Closed`] when the client's time is up, [`End::Gone`] when the transport fails or the
    /// client does not take what is written, [`End::Stopped`].
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

    /// Waits for `upstream` alone, whatever the client does meanwhile; `None` without a call.
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
                // That the client is gone shows when it is waited for.
                let _ = connection.poll_flush(cx);
            }
            done
        };
        Some(poll_fn(|cx| turns.poll(cx, &mut turn)).await)
    }
}

/// Gives the client some time to say something, which begins with the first poll.
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

/// Writes what is to go out, and lets the client do what it is to do, in its time.
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
