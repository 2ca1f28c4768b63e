//! A timer whose deadline moves.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::{
    task::coop::has_budget_remaining,
    time::{Instant, Sleep, sleep_until},
};

/// Fires at a deadline, which may be a different one at each poll.
///
/// It is for deadlines that are postponed often and rarely reached. The timer underneath is moved only
/// if it is later than the deadline or fires too early, and it is polled only after it has fired. So
/// whatever ends in time costs two comparisons. Keep one alarm for many waits; it lives as long as its
/// owner.
#[derive(Debug, Default)]
pub struct Alarm(Option<Set>);

/// A timer that was set.
#[derive(Debug)]
struct Set {
    sleep: Pin<Box<Sleep>>,
    /// The waker to wake when it fires.
    waker: Option<Waker>,
}

impl Alarm {
    /// Ready once the deadline has passed.
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
            // When the task's budget is used up, the timer does not report to it.
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
