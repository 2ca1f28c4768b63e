//! Parts that run for as long as the process does: [`supervise`].

use std::{any::Any, fmt, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

/// How a part is started anew that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarts {
    /// How often in a row it is started anew, at most. Once more, and it is given up.
    pub max: u32,
    /// From the first loss to the restart; it doubles with each loss in a row.
    pub pause: Duration,
    /// From a loss to the restart, at most.
    pub longest_pause: Duration,
    /// A loss after so long is the first in a row.
    pub steady: Duration,
}

impl Restarts {
    /// For a part that cannot be started anew: the first loss is the last.
    pub const NEVER: Self = Self {
        max: 0,
        pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        steady: Duration::ZERO,
    };

    /// How long to wait after so many losses in a row; `None` where the part is given up.
    fn pause_after(&self, losses: u32) -> Option<Duration> {
        let doublings = losses.saturating_sub(1).min(31);
        let pause = self.pause.saturating_mul(1 << doublings);
        (losses <= self.max).then(|| pause.min(self.longest_pause))
    }
}

impl Default for Restarts {
    /// Five times, after 1, 2, 4, 8 and 10 seconds. What has run for a minute is steady.
    fn default() -> Self {
        Self {
            max: 5,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(10),
            steady: Duration::from_secs(60),
        }
    }
}

/// How a part was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// It ended, although nobody had told it to.
    Ended,
    /// It panicked, with this message. The message is for logs: it may tell of what is internal.
    Panicked(Box<str>),
}

/// A part was lost once more than it may be started anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {loss}, and was started anew {restarts} times before")]
#[non_exhaustive]
pub struct GivenUp {
    /// What the part is called.
    pub part: Box<str>,
    /// How it was lost the last time.
    pub loss: Loss,
    /// How often it had been started anew since it was steady.
    pub restarts: u32,
}

/// Runs a part until `stop` is ready, and starts it anew where it ends or panics before that.
///
/// `start` begins the part. It has to end the part when it sees the same stop; what the part has
/// still to do then is waited for. `notice` is told of each loss, and by `None` that the part runs
/// again. The log tells of both.
///
/// # Errors
///
/// [`GivenUp`] where the part was lost more often in a row than `restarts` says: whoever runs it is
/// to end the process.
///
/// # Cancel safety
///
/// Dropping it drops the part.
///
/// # Example
///
/// ```
/// use koukan_core::supervision::{Restarts, supervise};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let lost = supervise(
///     "the collector",
///     Restarts::default(),
///     std::future::pending(),
///     |_| {},
///     || async { panic!("out of ideas") },
/// );
/// let given_up = lost.await.unwrap_err();
/// assert_eq!(
///     given_up.to_string(),
///     "the collector panicked (out of ideas), and was started anew 5 times before"
/// );
/// # });
/// ```
pub async fn supervise<F: Future<Output = ()>>(
    part: &str,
    restarts: Restarts,
    stop: impl Future<Output = ()>,
    notice: impl Fn(Option<&Loss>),
    mut start: impl FnMut() -> F,
) -> Result<(), GivenUp> {
    let mut stop = pin!(stop);
    let mut losses = 0;
    loop {
        let begun = Instant::now();
        let ended = contain(async { start().await }).await;
        let loss = ended.err().unwrap_or(Loss::Ended);
        losses = if begun.elapsed() < restarts.steady {
            losses + 1
        } else {
            1
        };
        let has_stopped = stop.as_mut().now_or_never().is_some();
        if has_stopped {
            if loss != Loss::Ended {
                tracing::error!(part, %loss, "a part of the agent did not stop in good order");
            }
            return Ok(());
        }
        notice(Some(&loss));
        let Some(pause) = restarts.pause_after(losses) else {
            tracing::error!(part, %loss, "a part of the agent is lost");
            return Err(GivenUp {
                part: part.into(),
                loss,
                restarts: losses - 1,
            });
        };
        tracing::error!(part, %loss, ?pause, "a part of the agent is lost; starts it anew");
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            () = sleep(pause) => {}
        }
        tracing::info!(part, "started a part of the agent anew");
        notice(None);
    }
}

/// Waits for a future that may panic, and makes a value of the panic.
///
/// The future is dropped then. What it shares with others must not be left between two states by a
/// panic: the state of a part belongs to the part, and what is shared lies behind locks that are
/// held for a few lines.
///
/// # Errors
///
/// [`Loss::Panicked`].
///
/// # Cancel safety
///
/// That of the future.
pub async fn contain<F: Future>(future: F) -> Result<F::Output, Loss> {
    let ended = AssertUnwindSafe(future).catch_unwind().await;
    ended.map_err(|payload| Loss::Panicked(message(&*payload).into()))
}

/// What a panic says.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message")
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("ended"),
            Self::Panicked(message) => write!(f, "panicked ({message})"),
        }
    }
}
