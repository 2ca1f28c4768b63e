//! Checks whether storage answers, for `/readyz`.

use std::{future::Future, time::Duration};

use koukan_core::{causes::Causes, storage::BackendError};
use koukan_rest::health::{Readiness, Trouble};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::supervisor::works;

/// How long to wait between an answer and the next question.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long storage may go without an answer before the agent is not ready.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is told of storage that is full.
const FULL: &str = "is full";
/// The name of storage in health checks.
const PART: &str = "storage";

/// What storage is there for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Whether the configuration promises to keep mail there.
    pub(crate) is_needed: bool,
    /// Whether it reserves space for the mail that is queued already.
    pub(crate) has_reserve: bool,
}

/// The trouble with storage that is told for an error. While storage is full, senders that keep mail take none, not
/// even for destinations that would take it at once; but what is queued is delivered where space is reserved for that.
fn trouble_of(error: &BackendError, kept: Kept) -> Trouble {
    let Kept {
        is_needed,
        has_reserve,
    } = kept;
    match error {
        BackendError::Full(_) if is_needed => Trouble {
            works: if has_reserve { &[works::QUEUED] } else { &[] },
            ..trouble(FULL, is_needed)
        },
        BackendError::Full(_) => trouble(FULL, is_needed),
        _ => trouble("fails", is_needed),
    }
}

/// The trouble to report when storage does not take mail. `is_needed` says whether the
/// configuration promises to keep mail there; otherwise the agent can do its work without storage.
fn trouble(what: &'static str, is_needed: bool) -> Trouble {
    Trouble {
        what,
        works: &[works::AT_ONCE],
        is_ready: !is_needed,
    }
}

/// Asks storage repeatedly whether it can take mail; never ends. There is one question at a time: a
/// question without an answer is waited for, however long that takes.
pub(crate) async fn probe_storage<Fut>(probe: impl Fn() -> Fut, readiness: Readiness, kept: Kept)
where
    Fut: Future<Output = Result<(), BackendError>>,
{
    let is_needed = kept.is_needed;
    // An earlier run of this task, which failed, may have set it.
    readiness.set_trouble(PART, None);
    let mut lost_at = Instant::now() + PATIENCE;
    let mut is_lost = false;
    loop {
        let mut asked = std::pin::pin!(probe());
        let answer = tokio::select! {
            biased;
            answer = &mut asked => answer,
            () = sleep_until(lost_at), if !is_lost => {
                is_lost = true;
                tracing::warn!(is_needed, "storage does not answer");
                readiness.set_trouble(PART, Some(trouble("does not answer", is_needed)));
                asked.await
            }
        };
        match answer {
            Ok(()) => {
                lost_at = Instant::now() + PATIENCE;
                if is_lost {
                    is_lost = false;
                    tracing::info!("storage answers again");
                    readiness.set_trouble(PART, None);
                }
            }
            Err(error) if Instant::now() >= lost_at => {
                let trouble = trouble_of(&error, kept);
                if !is_lost {
                    is_lost = true;
                    let what = trouble.what;
                    tracing::warn!(is_needed, error = %Causes(&error), "storage {what}");
                }
                readiness.set_trouble(PART, Some(trouble));
            }
            Err(_) => {}
        }
        sleep(INTERVAL).await;
    }
}

/// Reports that the agent is not ready while it may not work on the queue because it cannot show
/// other replicas that it is alive; never ends.
pub(crate) async fn tell_soundness(mut sound: watch::Receiver<bool>, readiness: Readiness) {
    const PART: &str = "session";
    loop {
        let lost = trouble(
            "cannot be kept: the database does not take what this agent writes; other agents that it serves take the queue over",
            true,
        );
        let is_sound = *sound.borrow_and_update();
        readiness.set_trouble(PART, (!is_sound).then_some(lost));
        if sound.changed().await.is_err() {
            // The storage was dropped, and so was the agent.
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use tokio::{sync::watch, time::advance};

    use super::*;

    const NEEDED: Kept = Kept {
        is_needed: true,
        has_reserve: true,
    };

    async fn pass(seconds: u64) {
        for _ in 0..seconds * 10 {
            advance(Duration::from_millis(100)).await;
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_answer_is_asked_once_and_makes_the_agent_unready() {
        let readiness = Readiness::default();
        readiness.set(true);
        let (opens, is_open) = watch::channel(true);
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        let probe = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            let mut is_open = is_open.clone();
            async move {
                let _ = is_open.wait_for(|is_open| *is_open).await;
                Ok(())
            }
        };
        tokio::spawn(probe_storage(probe, readiness.clone(), NEEDED));
        pass(20).await;
        assert!(readiness.is_ready());
        opens.send_replace(false);
        pass(4).await;
        assert!(readiness.is_ready());
        let before = asked.load(Ordering::Relaxed);
        pass(3).await;
        assert!(!readiness.is_ready());
        pass(600).await;
        assert_eq!(asked.load(Ordering::Relaxed), before, "it piles up");
        opens.send_replace(true);
        pass(1).await;
        assert!(readiness.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_for_a_moment_changes_nothing() {
        let readiness = Readiness::default();
        readiness.set(true);
        let failures = Arc::new(AtomicU32::new(3));
        let left = Arc::clone(&failures);
        let probe = move || {
            let less = |left: u32| left.checked_sub(1);
            let is_failing = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            let answer = match is_failing {
                Ok(_) => Err(BackendError::Failed("disk I/O error".into())),
                Err(_) => Ok(()),
            };
            std::future::ready(answer)
        };
        tokio::spawn(probe_storage(probe, readiness.clone(), NEEDED));
        for _ in 0..20 {
            pass(1).await;
            assert!(readiness.is_ready());
        }
        failures.store(u32::MAX, Ordering::Relaxed);
        pass(8).await;
        assert!(!readiness.is_ready());
        failures.store(0, Ordering::Relaxed);
        pass(2).await;
        assert!(readiness.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn what_works_is_told_for_each_trouble() {
        let full = || BackendError::Full("no space is left".into());
        let failed = || BackendError::Failed("disk I/O error".into());
        for (error, is_needed, has_reserve, what, work) in [
            (full(), true, true, "is full", &[works::QUEUED][..]),
            (full(), true, false, "is full", &[]),
            (full(), false, true, "is full", &[works::AT_ONCE]),
            (failed(), true, true, "fails", &[works::AT_ONCE]),
        ] {
            let kept = Kept {
                is_needed,
                has_reserve,
            };
            let trouble = trouble_of(&error, kept);
            assert_eq!((trouble.what, trouble.works), (what, work));
            assert_eq!(trouble.is_ready, !is_needed);
        }

        let readiness = Readiness::default();
        readiness.set(true);
        let probe = move || std::future::ready(Err(full()));
        tokio::spawn(probe_storage(probe, readiness.clone(), NEEDED));
        pass(20).await;
        assert!(!readiness.is_ready());
        let told = format!("{readiness:?}");
        assert!(
            told.contains(FULL) && told.contains(works::QUEUED),
            "{told}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_nobody_needs_costs_no_readiness() {
        let readiness = Readiness::default();
        readiness.set(true);
        let probe = std::future::pending;
        let kept = Kept {
            is_needed: false,
            ..NEEDED
        };
        tokio::spawn(probe_storage(probe, readiness.clone(), kept));
        pass(20).await;
        assert!(readiness.is_ready());
    }
}
