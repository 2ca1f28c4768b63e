//! Giving something to a transaction wakes the waiting task, whichever that is. What passes within the
//! transaction wakes no task.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use koukan_core::{
    context::{Context as SessionContext, Sender},
    reply::Reply,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        storage_writer::StorageWriter,
    },
    storage::Lease,
    test_util::{Script, mail, rcpt},
    transaction::{Driver, Transaction},
};
use tokio::sync::Semaphore;
use tower::{BoxError, ServiceExt, service_fn};

use crate::agent::{Agent, TIMEOUTS};

/// Counts how often it was woken.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    /// Polls once.
    fn poll<F: Future>(self: &Arc<Self>, future: F) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        pin!(future).poll(&mut Context::from_waker(&waker))
    }

    fn take(&self) -> u32 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

fn context() -> Arc<SessionContext> {
    Arc::new(SessionContext::new(Sender::new("ingress")))
}

#[tokio::test(start_paused = true)]
async fn whoever_polled_the_driver_is_woken_by_what_it_is_given_and_by_nothing_else() {
    let agent = Agent::over(Script::new()).await;
    let wakes = Arc::new(Wakes::default());
    let front = agent.exploder(ReplyPolicy::Ingress);
    let (mut driver, reply) = Driver::start(front, context(), mail("a@x"));
    assert_eq!(
        wakes.poll(driver.wait(reply)),
        Poll::Ready(Reply::sender_ok())
    );
    assert_eq!(wakes.take(), 0);
    // The client is silent for a while: the call is polled, and waits.
    assert_eq!(wakes.poll(driver.progress()), Poll::Pending);
    let mut reply = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(wakes.take(), 1);
    assert_eq!(
        wakes.poll(driver.wait(&mut reply)),
        Poll::Ready(Reply::recipient_ok())
    );
    driver.data();
    assert_eq!(wakes.take(), 1);
    assert_eq!(wakes.poll(driver.progress()), Poll::Pending);
    for octets in ["Subject: hi\r\n", "\r\nhello\r\n"] {
        assert_eq!(wakes.poll(driver.send(octets.into())), Poll::Ready(Ok(())));
        assert_eq!(wakes.take(), 1);
        assert_eq!(wakes.poll(driver.progress()), Poll::Pending);
    }
    let Poll::Ready(reply) = wakes.poll(driver.finish()) else {
        panic!("it waits for something");
    };
    assert!(reply.is_positive());
}

#[tokio::test(start_paused = true)]
async fn what_upstream_does_elsewhere_wakes_the_task() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let upstream = service_fn(move |mut tx: Transaction| {
        let gate = Arc::clone(&opened);
        async move {
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = tx.recipients.next().await? {
                gate.acquire().await?.forget();
                rcpt.answer(Reply::recipient_ok());
            }
            while tx.body.next().await?.is_some() {}
            gate.acquire().await?.forget();
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    });
    let agent = Agent::over(upstream).await;
    let wakes = Arc::new(Wakes::default());
    let front = agent.exploder(ReplyPolicy::Ingress);
    let (mut driver, reply) = Driver::start(front, context(), mail("a@x"));
    assert!(wakes.poll(driver.wait(reply)).is_ready());
    let mut reply = driver.rcpt(rcpt("b@y")).await;
    driver.data();
    assert_eq!(wakes.poll(driver.wait(&mut reply)), Poll::Pending);
    wakes.take();
    gate.add_permits(1);
    assert_eq!(wakes.take(), 1);
    assert!(wakes.poll(driver.wait(&mut reply)).is_ready());
    assert!(wakes.poll(driver.send("\r\nhello\r\n".into())).is_ready());
    assert_eq!(wakes.poll(driver.finish()), Poll::Pending);
    wakes.take();
    gate.add_permits(1);
    assert_eq!(wakes.take(), 1);
    assert!(wakes.poll(driver.finish()).is_ready());
}

/// A reader in the task that makes the transaction may have looked before the change.
#[tokio::test(start_paused = true)]
async fn a_reader_in_the_same_task_is_woken() {
    let agent = Agent::over(Script::new()).await;
    let wakes = Arc::new(Wakes::default());
    let (recorder, _lease) = agent.storage.begin(context(), mail("a@x")).unwrap();
    let mut watch = recorder.watch();
    watch.snapshot();
    assert_eq!(wakes.poll(watch.changed()), Poll::Pending);
    recorder.rcpt(rcpt("b@y"));
    assert_eq!(wakes.take(), 1);
    assert_eq!(wakes.poll(watch.changed()), Poll::Ready(()));
}

/// A writer waits for answers that come from another task.
#[tokio::test(start_paused = true)]
async fn an_attempt_in_a_task_of_its_own_wakes_whoever_waits_for_it() {
    let agent = Agent::over(Script::new()).await;
    let output = agent.output.clone();
    let spawned = service_fn(move |lease: Lease| {
        let attempt = tokio::spawn(output.clone().oneshot(lease));
        async move { Ok::<_, BoxError>(attempt.await??) }
    });
    let writer = StorageWriter::new(agent.storage.clone(), spawned).with_timeouts(*TIMEOUTS);
    let (mut driver, reply) = Driver::start(writer, context(), mail("a@x"));
    assert_eq!(driver.wait(reply).await, Reply::sender_ok());
    let reply = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(reply).await, Reply::recipient_ok());
    driver.data();
    // The attempt only waits for the message.
    for _ in 0..20 {
        assert!(
            Arc::new(Wakes::default())
                .poll(driver.progress())
                .is_pending()
        );
        tokio::task::yield_now().await;
    }
    driver.send("\r\nhello\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(agent.seconds(), 0);
}

/// Counts the polls of its content.
struct Polled<F>(F, Arc<AtomicU32>);

impl<F: Future + Unpin> Future for Polled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll(cx)
    }
}

/// An attempt continues when something has come for it: the recipient, its answer, the message, the
/// end.
#[tokio::test(start_paused = true)]
async fn an_attempt_is_polled_no_more_often_than_something_comes() {
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    let upstream = service_fn(move |mut tx: Transaction| {
        let gate = Arc::clone(&opened);
        async move {
            tx.mail.answer(Reply::sender_ok());
            while let Some(rcpt) = tx.recipients.next().await? {
                gate.acquire().await?.forget();
                rcpt.answer(Reply::recipient_ok());
            }
            while tx.body.next().await?.is_some() {}
            gate.acquire().await?.forget();
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    });
    let agent = Agent::over(upstream).await;
    let (output, polls) = (agent.output.clone(), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&polls);
    let output = service_fn(move |lease: Lease| {
        let attempt = output.clone().oneshot(lease);
        Polled(Box::pin(attempt), Arc::clone(&counted))
    });
    let writer = StorageWriter::new(agent.storage.clone(), output).with_timeouts(*TIMEOUTS);
    let exploder = Exploder::new(writer, ReplyPolicy::Ingress, agent.storage.pool().clone());
    let (mut driver, reply) = Driver::start(exploder, context(), mail("a@x"));
    let wakes = Arc::new(Wakes::default());
    assert!(wakes.poll(driver.wait(reply)).is_ready());
    let mut reply = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(wakes.poll(driver.wait(&mut reply)), Poll::Pending);
    assert_eq!(polls.swap(0, Ordering::Relaxed), 1);
    gate.add_permits(1);
    assert!(wakes.poll(driver.wait(&mut reply)).is_ready());
    assert_eq!(polls.swap(0, Ordering::Relaxed), 1);
    driver.data();
    assert!(wakes.poll(driver.send("\r\nhello\r\n".into())).is_ready());
    assert_eq!(wakes.poll(driver.finish()), Poll::Pending);
    assert_eq!(polls.swap(0, Ordering::Relaxed), 1);
    gate.add_permits(1);
    assert!(wakes.poll(driver.finish()).is_ready());
    assert_eq!(polls.swap(0, Ordering::Relaxed), 1);
}
