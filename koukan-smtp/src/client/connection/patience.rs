//! The timer of a connection.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::client::{Phase, Timeouts};

/// Ends when the server made no progress for the timeout of a phase.
///
/// The timer is set anew only when it rings too early, so that the usual short wait costs no
/// more than a look at the clock.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// The phase and the progress that is waited for since when the deadline was set.
    watched: Option<(Phase, u64)>,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Ready when `phase` has lasted too long without a change of `progress`.
    pub(super) fn poll_elapsed(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        progress: u64,
        timeouts: &Timeouts,
    ) -> Poll<()> {
        let watched = Some((phase, progress));
        let deadline = match self.deadline {
            Some(deadline) if self.watched == watched => deadline,
            _ => Instant::now() + timeouts.of(phase),
        };
        self.watched = watched;
        self.deadline = Some(deadline);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Waits for nothing.
    pub(super) fn rest(&mut self) {
        self.watched = None;
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_and_phases_set_the_deadline_anew() {
        let (timeouts, start) = (Timeouts::default(), Instant::now());
        let mut patience = Patience::default();
        let mut is_elapsed = async |phase, progress| {
            poll_fn(|cx| {
                Poll::Ready(
                    patience
                        .poll_elapsed(cx, phase, progress, &timeouts)
                        .is_ready(),
                )
            })
            .await
        };
        assert!(!is_elapsed(Phase::EndOfData, 0).await);
        assert!(!is_elapsed(Phase::Data, 0).await);
        advance(Duration::from_secs(119)).await;
        assert!(!is_elapsed(Phase::Data, 0).await);
        assert!(!is_elapsed(Phase::Data, 1).await);
        advance(Duration::from_secs(119)).await;
        assert!(!is_elapsed(Phase::Data, 1).await);
        advance(Duration::from_secs(1)).await;
        assert!(is_elapsed(Phase::Data, 1).await);
        assert_eq!(start.elapsed(), Duration::from_secs(239));
    }
}
