//! A timer whose deadline moves.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::{
    task::coop::has_budget_remaining,
    time::{Instant, Sleep, sleep_until},
};

/// Goes off at a deadline that may be another one each time it is polled.
///
/// For deadlines that are moved on again and again and hardly ever reached: the timer underneath is
/// moved only when it is too late for the deadline, or rings too early, and it is asked only after it
/// has rung; so that what ends in time costs two comparisons. It lasts as long as its owner; keep it for
/// many waits.
#[derive(Debug, Default)]
pub struct Alarm(Option<Set>);

/// A timer that was set.
#[derive(Debug)]
struct Set {
    sleep: Pin<Box<Sleep>>,
    /// Whom it wakes when it rings.
    waker: Option<Waker>,
}

impl Alarm {
    /// Ready when the deadline has come.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost between two polls.
    pub fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let Set { sleep, waker } = self.0.get_or_insert_with(|| Set {
            sleep: Box::pin(sleep_until(deadline)),
            waker: None,
        });
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        } else if !sleep.is_elapsed() && waker.as_ref().is_some_and(|own| own.will_wake(cx.waker()))
        {
            return Poll::Pending;
        }
        loop {
            // Where the task has used up what tokio lets it do in a row the timer does not hear of it.
            let is_heard = has_budget_remaining();
            if sleep.as_mut().poll(cx).is_pending() {
                *waker = is_heard.then(|| cx.waker().clone());
                return Poll::Pending;
            }
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use tokio::task::yield_now;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn goes_off_at_the_deadline_of_the_last_poll() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        for (first, last) in [(1, 3), (9, 4), (5, 5)] {
            let after = |seconds| start + Duration::from_secs(seconds);
            let begun = poll_fn(|cx| Poll::Ready(alarm.poll(cx, after(first)))).await;
            assert_eq!(begun, Poll::Pending);
            poll_fn(|cx| alarm.poll(cx, after(last))).await;
            assert_eq!(Instant::now(), after(last));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_the_task_that_has_polled_it_last() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        let deadline = start + Duration::from_secs(3);
        let begun = poll_fn(|cx| Poll::Ready(alarm.poll(cx, deadline))).await;
        assert_eq!(begun, Poll::Pending);
        let other = tokio::spawn(async move {
            poll_fn(|cx| alarm.poll(cx, deadline)).await;
            Instant::now()
        });
        yield_now().await;
        assert_eq!(other.await.unwrap(), deadline);
    }
}
