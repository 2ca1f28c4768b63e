//! Runs a test play with tokio's cooperative budget exhausted at one point after another.
//!
//! tokio gives a task a budget at each poll. Once it is used up, everything of tokio's (sockets,
//! timers, channels, join handles) returns `Pending` even if it is ready, and wakes the task to be
//! polled again. In a busy session this can happen anywhere, and code that takes that `Pending` to
//! mean "nothing is there, and I shall be woken" may lose a wake. [`in_every_budget`] makes it
//! happen everywhere.

use std::{
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    runtime::Builder,
    task::coop::{has_budget_remaining, poll_proceed},
    time::{Instant, timeout},
};
use tower::Service;

/// The budget that tokio gives a task at each poll.
const WHOLE: usize = 128;
/// The largest remaining budget that is tried: no poll of a play uses more.
const LEFT_MAX: usize = 12;
/// The maximum number of polls of one play: with more it is taken to be an endless loop.
const POLLS_MAX: usize = 20_000;
/// Longer than any wait in a play.
const FOR_EVER: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// At which polls of the wrapped futures the budget is exhausted. Clones count together.
#[derive(Debug, Clone)]
pub struct Budget {
    spent: Spent,
    polls: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spent {
    Never,
    /// At that poll, except for so much.
    At {
        poll: usize,
        left: usize,
    },
    /// At about every other poll, except for so much. At every poll, nothing would ever advance.
    Often {
        left: usize,
    },
}

/// Runs `play` with an untouched budget, then with one that is exhausted at about every other poll, and
/// then with one that is exhausted at each poll in turn: at the beginning of the poll, and after the
/// task has used one, two and more units, so that every await within the poll is hit.
///
/// Wrap the futures that are to be hit with [`Budget::around`]. Each run has a runtime of its own in
/// paused time.
///
/// # Panics
///
/// If a play has another result than with the untouched budget, or takes another time (as it does
/// if a lost wake is only resolved by a timeout); if it does not end; and if it polls nothing that
/// is wrapped.
pub fn in_every_budget<T: Debug + PartialEq>(play: impl AsyncFn(Budget) -> T) {
    let (expected, polls) = run(Spent::Never, &play);
    assert!(polls > 0, "nothing is wrapped with Budget::around");
    let mut spent = Vec::new();
    for left in 0..=LEFT_MAX {
        spent.push(Spent::Often { left });
        spent.extend((0..polls).map(|poll| Spent::At { poll, left }));
    }
    for spent in spent {
        let (result, _) = run(spent, &play);
        assert_eq!(result, expected, "the budget was spent: {spent:?}");
    }
}

/// The result with the time that it took, and the number of polls of wrapped futures.
fn run<T>(spent: Spent, play: &impl AsyncFn(Budget) -> T) -> ((T, Duration), usize) {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing of the system");
    let polls = Arc::new(AtomicUsize::new(0));
    let budget = Budget {
        spent,
        polls: Arc::clone(&polls),
    };
    let result = runtime.block_on(async {
        let begun = Instant::now();
        let result = timeout(FOR_EVER, play(budget)).await;
        let result = result.unwrap_or_else(|_| panic!("it waits for ever: {spent:?}"));
        (result, begun.elapsed())
    });
    (result, polls.load(Ordering::Relaxed))
}

impl Budget {
    /// Exhausts the budget before it polls `future`.
    ///
    /// The remaining budget counts from the beginning of the task's poll, so wrap a spawned future,
    /// or the first thing that a test awaits.
    pub fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Around {
            budget: self.clone(),
            inner: Box::pin(future),
        }
    }

    /// Exhausts the budget before it polls the calls of `service`.
    pub fn around_service<S>(&self, service: S) -> AroundService<S> {
        AroundService {
            budget: self.clone(),
            inner: service,
        }
    }

    /// Another poll begins.
    fn spend(&self, cx: &mut Context<'_>) {
        let poll = self.polls.fetch_add(1, Ordering::Relaxed);
        assert!(poll < POLLS_MAX, "it turns round: {:?}", self.spent);
        let left = match self.spent {
            Spent::At { poll: at, left } if at == poll => left,
            Spent::Often { left } if is_often(poll) => left,
            _ => return,
        };
        for _ in left..WHOLE {
            if !has_budget_remaining() {
                return;
            }
            if let Poll::Ready(spending) = poll_proceed(cx) {
                spending.made_progress();
            }
        }
    }
}

/// About every other poll, irregularly: of futures that are polled in turn none is always spared,
/// and none is always hit.
fn is_often(poll: usize) -> bool {
    (poll as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1
}

/// Exhausts the budget before each poll.
struct Around<F> {
    budget: Budget,
    inner: Pin<Box<F>>,
}

impl<F: Future> Future for Around<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.budget.spend(cx);
        self.inner.as_mut().poll(cx)
    }
}

/// Exhausts the budget before each poll of a service's calls; made by [`Budget::around_service`].
#[derive(Debug, Clone)]
pub struct AroundService<S> {
    budget: Budget,
    inner: S,
}

impl<R, S> Service<R> for AroundService<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        ready!(self.inner.poll_ready(cx))?;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        Box::pin(self.budget.around(self.inner.call(request)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{sync::mpsc, task::yield_now};

    use super::*;

    #[test]
    fn a_task_has_as_much_as_is_said_here() {
        let (_, _) = run(Spent::Never, &async |_| {
            yield_now().await;
            let mut count = 0;
            std::future::poll_fn(|cx| {
                while has_budget_remaining() {
                    let Poll::Ready(spending) = poll_proceed(cx) else {
                        break;
                    };
                    spending.made_progress();
                    count += 1;
                }
                Poll::Ready(())
            })
            .await;
            assert_eq!(count, WHOLE);
        });
    }

    /// Takes a receiver's `Pending` to mean "nothing is there", and does not poll it again.
    async fn forgetful(mut queue: mpsc::Receiver<u32>) -> Option<u32> {
        let mut is_asked = false;
        let first = std::future::poll_fn(|cx| {
            if is_asked {
                return Poll::Pending;
            }
            is_asked = true;
            queue.poll_recv(cx)
        });
        timeout(Duration::from_secs(60), first).await.ok().flatten()
    }

    #[test]
    #[should_panic(expected = "nothing is wrapped")]
    fn a_play_that_wraps_nothing_is_found() {
        in_every_budget(async |_| yield_now().await);
    }

    #[test]
    #[should_panic(expected = "the budget was spent")]
    fn whoever_forgets_to_ask_again_is_found() {
        in_every_budget(async |budget| {
            let (sender, queue) = mpsc::channel(1);
            sender.send(1).await.expect("there is room");
            budget.around(forgetful(queue)).await
        });
    }
}
