//! Runs parts that live as long as the process does: [`supervise`].

use std::{any::Any, fmt, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

/// How a part that was lost is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarts {
    /// The maximum number of restarts in a row. At the next loss the part is given up.
    pub max: u32,
    /// The time from the first loss to the restart; it doubles with each loss in a row.
    pub pause: Duration,
    /// The longest time from a loss to the restart.
    pub longest_pause: Duration,
    /// A loss after this time counts as the first in a row.
    pub steady: Duration,
}

impl Restarts {
    /// For a part that cannot be restarted: the first loss is the last.
    pub const NEVER: Self = Self {
        max: 0,
        pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        steady: Duration::ZERO,
    };

    /// How long to wait after this number of losses in a row; `None` if the part is given up.
    fn pause_after(&self, losses: u32) -> Option<Duration> {
        let doublings = losses.saturating_sub(1).min(31);
        let pause = self.pause.saturating_mul(1 << doublings);
        (losses <= self.max).then(|| pause.min(self.longest_pause))
    }
}

impl Default for Restarts {
    /// Five restarts, after 1, 2, 4, 8 and 10 seconds. A part that has run for a minute is steady.
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
    /// It ended although nobody had told it to.
    Ended,
    /// It panicked with this message. The message is for logs: it may contain internals.
    Panicked(Box<str>),
}

/// A part was lost once more than it may be restarted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part} {loss}, and was restarted {restarts} times before")]
#[non_exhaustive]
pub struct GivenUp {
    /// The name of the part.
    pub part: Box<str>,
    /// How it was lost the last time.
    pub loss: Loss,
    /// How often it had been restarted since it was steady.
    pub restarts: u32,
}

/// Runs a part until `stop` is ready, and restarts it if it ends or panics before.
///
/// `start` begins the part, which must end when it sees the same stop; `supervise` waits for what
/// the part still has to do then. `notice` is told of each loss, and with `None` that the part runs
/// again. Both are logged as well.
///
/// # Errors
///
/// [`GivenUp`] if the part was lost more often in a row than `restarts` allows: the caller should
/// then end the process.
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
///     "the collector panicked (out of ideas), and was restarted 5 times before"
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
        tracing::error!(part, %loss, ?pause, "a part of the agent is lost; restarting it");
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            () = sleep(pause) => {}
        }
        tracing::info!(part, "restarted a part of the agent");
        notice(None);
    }
}

/// Awaits a future that may panic, and returns the panic as a value.
///
/// After a panic the future is dropped. A panic must not leave shared state half changed: a part
/// owns its state, and what it shares is behind locks that are held for a few lines only.
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

/// The message of a panic.
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
