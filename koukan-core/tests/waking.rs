//! Parts of tasks wake each other, whichever task polls which part.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use koukan_core::{
    reply::Reply,
    test_util::{context, mail, rcpt},
    transaction::{Driver, Pending, Transaction},
    waking::Passes,
};
use tokio::{
    sync::Semaphore,
    task::{
        JoinHandle,
        coop::{has_budget_remaining, poll_proceed},
        yield_now,
    },
    time::timeout,
};
use tower::{BoxError, service_fn};

/// More passes than any part gets within one poll of its task.
const MANY: u32 = 100;

/// Counts how often it was woken.
#[derive(Default)]
struct Task(AtomicU32);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    fn new() -> (Arc<Self>, Waker) {
        let task = Arc::<Self>::default();
        (Arc::clone(&task), Waker::from(task))
    }

    /// How often it was woken since the last call of this.
    fn wakes(&self) -> u32 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// How often a part is polled that keeps its waker, wakes itself `wakes` times in a row, and never
/// ends.
fn polls(passes: &mut Passes, task: &Waker, mut wakes: u32, kept: &mut Option<Waker>) -> u32 {
    let mut polls = 0;
    let polled: Poll<()> = passes.poll(&mut Context::from_waker(task), |cx| {
        polls += 1;
        *kept = Some(cx.waker().clone());
        if wakes > 0 {
            wakes -= 1;
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    });
    assert!(polled.is_pending());
    polls
}

#[test]
fn a_part_is_polled_when_it_was_woken_and_not_otherwise() {
    let (task, waker) = Task::new();
    let (mut passes, mut own) = (Passes::new(), None);
    assert_eq!(polls(&mut passes, &waker, 0, &mut own), 1);
    assert_eq!(polls(&mut passes, &waker, 0, &mut own), 0);
    assert_eq!(task.wakes(), 0);
    let own_waker = own.clone().unwrap();
    own_waker.wake_by_ref();
    own_waker.wake_by_ref();
    assert_eq!(task.wakes(), 1);
    assert_eq!(polls(&mut passes, &waker, 0, &mut own), 1);
    assert_eq!(polls(&mut passes, &waker, 0, &mut own), 0);
    assert_eq!(task.wakes(), 0);
}

#[test]
fn a_wake_during_the_poll_makes_another_pass_and_wakes_nobody() {
    let (task, waker) = Task::new();
    let (mut passes, mut own) = (Passes::new(), None);
    assert_eq!(polls(&mut passes, &waker, 2, &mut own), 3);
    assert_eq!(task.wakes(), 0);
    own.clone().unwrap().wake();
    assert_eq!(task.wakes(), 1);
    assert_eq!(polls(&mut passes, &waker, 0, &mut own), 1);
}

#[test]
fn passes_have_a_bound_after_which_the_task_is_woken() {
    let (task, waker) = Task::new();
    let (mut passes, mut own) = (Passes::new(), None);
    let first = polls(&mut passes, &waker, u32::MAX, &mut own);
    assert!((2..MANY).contains(&first), "{first} passes");
    assert_eq!(task.wakes(), 1);
    assert_eq!(polls(&mut passes, &waker, 1, &mut own), 2);
    assert_eq!(task.wakes(), 0);
}

#[tokio::test]
async fn a_task_whose_budget_is_spent_is_woken_and_goes_on_later() {
    let (task, waker) = Task::new();
    let (mut passes, mut own) = (Passes::new(), None);
    poll_fn(|cx| {
        while let Poll::Ready(charge) = poll_proceed(cx) {
            charge.made_progress();
        }
        assert!(!has_budget_remaining());
        assert_eq!(polls(&mut passes, &waker, 5, &mut own), 1);
        Poll::Ready(())
    })
    .await;
    yield_now().await;
    assert!(task.wakes() > 0);
    assert_eq!(polls(&mut passes, &waker, 0, &mut own), 1);
}

#[test]
fn all_tasks_that_share_a_part_are_woken() {
    let [(one, one_waker), (other, other_waker)] = [Task::new(), Task::new()];
    let (mut passes, mut own) = (Passes::new(), None);
    for _ in 0..2 {
        let woken = polls(&mut passes, &one_waker, 0, &mut own);
        assert_eq!(woken, 1);
        assert_eq!(polls(&mut passes, &other_waker, 0, &mut own), 0);
        own.clone().unwrap().wake();
        assert_eq!((one.wakes(), other.wakes()), (1, 1));
    }
    // When the task that polls it reaches the limit, it may not be the one that continues.
    assert_eq!(polls(&mut passes, &other_waker, 0, &mut own), 1);
    own.clone().unwrap().wake();
    assert_eq!((one.wakes(), other.wakes()), (0, 1));
    polls(&mut passes, &one_waker, u32::MAX, &mut own);
    assert_eq!((one.wakes(), other.wakes()), (1, 0));
    assert_eq!(polls(&mut passes, &other_waker, 0, &mut own), 1);
}

/// A part that waits for numbers from another thread, and gets each one whatever the order of
/// events.
#[tokio::test]
async fn a_wake_by_another_thread_is_never_lost() {
    const COUNT: u32 = 20_000;
    let (mut passes, mut next) = (Passes::new(), 0);
    let (asks, asked) = mpsc::sync_channel::<(u32, Waker)>(1);
    let given = Arc::new(AtomicU32::new(0));
    let giver = Arc::clone(&given);
    let thread = thread::spawn(move || {
        while let Ok((number, waker)) = asked.recv() {
            giver.store(number, Ordering::Release);
            waker.wake();
        }
    });
    poll_fn(|cx| {
        passes.poll(cx, |cx| {
            // Registers first and then looks, so that the wake comes during the pass or after it.
            while given.load(Ordering::Acquire) == next {
                next += 1;
                if next > COUNT {
                    return Poll::Ready(());
                }
                asks.send((next, cx.waker().clone())).unwrap();
            }
            Poll::Pending
        })
    })
    .await;
    drop(asks);
    thread.join().unwrap();
}

/// A destination that answers two recipients and the message, each when it has a permit, the second
/// recipient first.
fn by_permits(permits: &Arc<Semaphore>) -> (Driver, Pending) {
    let permits = Arc::clone(permits);
    let service = service_fn(move |mut tx: Transaction| {
        let permits = Arc::clone(&permits);
        async move {
            tx.mail.answer(Reply::sender_ok());
            let first = tx.recipients.next().await?.ok_or("no recipient")?;
            let second = tx.recipients.next().await?.ok_or("one recipient")?;
            permits.acquire().await?.forget();
            second.answer(Reply::recipient_ok());
            permits.acquire().await?.forget();
            first.answer(Reply::no_such_user());
            permits.acquire().await?.forget();
            Ok::<_, BoxError>(Reply::policy_refused())
        }
    });
    Driver::start(service, context(), mail("a@x"))
}

type SharedDriver = Arc<Mutex<Driver>>;

/// Waits in a task of its own, with a shared driver.
fn share<T: Send + 'static>(
    driver: &SharedDriver,
    mut poll: impl FnMut(&mut Driver, &mut Context<'_>) -> Poll<T> + Send + 'static,
) -> JoinHandle<T> {
    let driver = Arc::clone(driver);
    tokio::spawn(async move { poll_fn(|cx| poll(&mut driver.lock().unwrap(), cx)).await })
}

async fn in_time<T>(task: JoinHandle<T>) -> T {
    let ended = timeout(Duration::from_secs(60), task).await;
    ended.expect("a wake was lost").unwrap()
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..10 {
        yield_now().await;
    }
}

/// Each waits for its own reply; the one that polled the call last is answered first and leaves.
#[tokio::test(start_paused = true)]
async fn two_tasks_share_a_driver_and_neither_loses_a_wake() {
    let permits = Arc::new(Semaphore::new(0));
    let (mut driver, reply) = by_permits(&permits);
    assert_eq!(driver.wait(reply).await, Reply::sender_ok());
    let mut first = driver.rcpt(rcpt("b@y")).await;
    let mut second = driver.rcpt(rcpt("c@y")).await;
    let driver = Arc::new(Mutex::new(driver));
    let first = share(&driver, move |driver, cx| driver.poll_wait(cx, &mut first));
    settle().await;
    let second = share(&driver, move |driver, cx| driver.poll_wait(cx, &mut second));
    settle().await;
    permits.add_permits(1);
    assert_eq!(in_time(second).await, Reply::recipient_ok());
    permits.add_permits(1);
    assert_eq!(in_time(first).await, Reply::no_such_user());
}

/// The one that polled the call last is gone before anything comes.
#[tokio::test(start_paused = true)]
async fn a_task_that_leaves_takes_no_wake_along() {
    let permits = Arc::new(Semaphore::new(0));
    let (mut driver, _mail) = by_permits(&permits);
    let _first = driver.rcpt(rcpt("b@y")).await;
    let mut second = driver.rcpt(rcpt("c@y")).await;
    let driver = Arc::new(Mutex::new(driver));
    let waiting = share(&driver, move |driver, cx| driver.poll_wait(cx, &mut second));
    settle().await;
    let leaving = share(&driver, Driver::poll_progress);
    settle().await;
    leaving.abort();
    permits.add_permits(1);
    assert_eq!(in_time(waiting).await, Reply::recipient_ok());
}

/// The end of the call, seen by one, is reported to the other.
#[tokio::test(start_paused = true)]
async fn all_who_share_a_driver_hear_of_the_end() {
    let permits = Arc::new(Semaphore::new(0));
    let (mut driver, _mail) = by_permits(&permits);
    let _first = driver.rcpt(rcpt("b@y")).await;
    let _second = driver.rcpt(rcpt("c@y")).await;
    let driver = Arc::new(Mutex::new(driver));
    let tasks = [0, 1].map(|_| share(&driver, Driver::poll_progress));
    settle().await;
    permits.add_permits(3);
    for task in tasks {
        in_time(task).await;
    }
    let driver = driver.lock().unwrap();
    assert_eq!(driver.final_reply(), Some(&Reply::policy_refused()));
}

/// An item that one task hands on is taken by the call that another one drives.
#[tokio::test(start_paused = true)]
async fn whoever_drives_the_call_is_woken_by_what_another_hands_on() {
    let permits = Arc::new(Semaphore::new(2));
    let (driver, _mail) = by_permits(&permits);
    let driver = Arc::new(Mutex::new(driver));
    let driving = share(&driver, Driver::poll_progress);
    settle().await;
    let mut replies = ["b@y", "c@y"].map(|to| driver.lock().unwrap().start_rcpt(rcpt(to)));
    for (reply, expected) in replies
        .iter_mut()
        .zip([Reply::no_such_user(), Reply::recipient_ok()])
    {
        let reply = timeout(Duration::from_secs(60), reply).await;
        assert_eq!(reply.expect("a wake was lost"), expected);
    }
    permits.add_permits(1);
    in_time(driving).await;
}
