//! Retrying while the backend fails.

use std::time::Duration;

use crate::{
    causes::Causes,
    repeats::Repeats,
    supervision::{Loss, contain},
};

use super::{BackendError, record::TransactionId};

/// The first and the longest delay after a failed call.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];

/// The interval between log lines; between them failures are counted.
const INTERVAL: Duration = Duration::from_secs(10);

static FAILING: Repeats = Repeats::new(INTERVAL, |times, interval| {
    let seconds = interval.as_secs();
    tracing::error!(
        times,
        seconds,
        "storage still fails; all of it is tried again"
    );
});

/// Waits longer each time.
pub(super) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(BACK_OFF[0])
    }
}

impl Patience {
    /// Logs a failure, and waits until the next try.
    pub(super) async fn failed(&mut self, id: TransactionId, what: &str, error: &BackendError) {
        if FAILING.is_first() {
            tracing::error!(%id, error = %Causes(error), "could not {what}, will try again");
        }
        let Self(back_off) = self;
        tokio::time::sleep(*back_off).await;
        *back_off = BACK_OFF[1].min(*back_off * 2);
    }
}

/// Calls the backend until it has room and does not fail.
pub(super) async fn keep_trying<T, F>(
    id: TransactionId,
    what: &'static str,
    call: impl Fn() -> F,
) -> Result<T, BackendError>
where
    F: Future<Output = Result<T, BackendError>>,
{
    let mut patience = Patience::default();
    loop {
        let answer = contain(async { call().await }).await;
        match answer.unwrap_or_else(|loss| Err(BackendError::of_loss(&loss))) {
            Err(
                error @ (BackendError::Full(_)
                | BackendError::Failed(_)
                | BackendError::SessionLost),
            ) => {
                patience.failed(id, what, &error).await;
            }
            answer => return answer,
        }
    }
}

impl BackendError {
    /// A call has panicked.
    pub(super) fn of_loss(loss: &Loss) -> Self {
        Self::Failed(loss.to_string().into())
    }
}
