//! The timer of a connection.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::clock::Alarm;
use tokio::time::Instant;

use crate::client::{ClientTimeouts, Phase};

/// A timer that ends when the server has made no progress for the timeout of a phase.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// The phase and the progress for which the deadline was set.
    watched: Option<(Phase, u64)>,
    deadline: Option<Instant>,
    /// The time, if it was read at the last poll.
    begun: Option<Instant>,
    alarm: Alarm,
}

impl Patience {
    /// Ready when `phase` has lasted too long without a change of `progress`.
    pub(super) fn poll_elapsed(
        &mut self,
        cx: &mut Context<'_>,
        phase: Phase,
        progress: u64,
        timeouts: &ClientTimeouts,
    ) -> Poll<()> {
        let watched = Some((phase, progress));
        let deadline = match self.deadline {
            Some(deadline) if self.watched == watched => {
                self.begun = None;
                deadline
            }
            _ => {
                let now = Instant::now();
                self.begun = Some(now);
                now + timeouts.of(phase)
            }
        };
        self.watched = watched;
        self.deadline = Some(deadline);
        self.alarm.poll(cx, deadline)
    }

    /// In which phase, and for how long, the server has made no progress; `None` if the timer is not running.
    pub(super) fn silence(&self, timeouts: &ClientTimeouts) -> Option<(Phase, Duration)> {
        let (phase, _) = self.watched?;
        let left = self.deadline?.saturating_duration_since(Instant::now());
        Some((phase, timeouts.of(phase).saturating_sub(left)))
    }

    /// The time, if the timer was set at the last poll.
    pub(super) fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// Stops the timer.
    pub(super) fn rest(&mut self) {
        self.watched = None;
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn progress_and_phases_set_the_deadline_anew() {
        let (timeouts, start) = (ClientTimeouts::default(), Instant::now());
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
        let silence = patience.silence(&timeouts);
        assert_eq!(silence, Some((Phase::Data, Duration::from_secs(120))));
        patience.rest();
        assert_eq!(patience.silence(&timeouts), None);
    }
}
