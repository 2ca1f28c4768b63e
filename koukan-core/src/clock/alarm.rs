//! A timer whose deadline moves.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Goes off at a deadline that may be another one each time it is polled.
///
/// For deadlines that are moved on again and again and hardly ever reached: the timer underneath is
/// moved only when it is too late for the deadline, or rings too early, so that what ends in time
/// costs a comparison. It lasts as long as its owner; keep it for many waits.
#[derive(Debug, Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when the deadline has come.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost between two polls.
    pub fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
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
}
