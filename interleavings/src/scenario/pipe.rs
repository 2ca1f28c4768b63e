//! The queue between a driver and its call.

use std::{future::poll_fn, task::Poll};

use crate::{
    failure::Aborted,
    pipe::{Receiver, Sender, Unreceived, pipe},
};

use super::spawn;

async fn send(sender: &Sender<u32>, item: u32) -> Result<(), Unreceived> {
    poll_fn(|cx| sender.poll_ready(cx)).await?;
    sender.send(item)
}

async fn next(receiver: &mut Receiver<u32>) -> Option<Result<u32, Aborted>> {
    poll_fn(|cx| receiver.poll_next(cx)).await
}

/// Every item arrives, in order, and then the clean end.
pub fn all_arrives_before_the_end() {
    let (sender, mut receiver) = pipe(2);
    let producer = spawn(async move {
        for item in 0..5 {
            send(&sender, item).await.expect("somebody receives");
        }
        sender.finish();
    });
    let consumer = spawn(async move {
        for item in 0..5 {
            assert_eq!(next(&mut receiver).await, Some(Ok(item)));
        }
        assert_eq!(next(&mut receiver).await, None);
    });
    producer.join();
    consumer.join();
}

/// Whoever waits for an item hears that the producer went away.
pub fn an_abort_is_heard() {
    let (sender, mut receiver) = pipe(2);
    let producer = spawn(async move {
        send(&sender, 0).await.expect("somebody receives");
    });
    let consumer = spawn(async move {
        match next(&mut receiver).await {
            Some(Ok(0)) => assert_eq!(next(&mut receiver).await, Some(Err(Aborted))),
            other => assert_eq!(other, Some(Err(Aborted))),
        }
    });
    producer.join();
    consumer.join();
}

/// Whoever waits for room hears that nobody takes items any more.
pub fn a_consumer_that_leaves_is_noticed() {
    let (sender, mut receiver) = pipe(1);
    let producer = spawn(async move { while send(&sender, 0).await.is_ok() {} });
    let consumer = spawn(async move {
        assert_eq!(next(&mut receiver).await, Some(Ok(0)));
    });
    producer.join();
    consumer.join();
}

/// A consumer that was polled in the producer's task, and has moved to another one, is woken.
pub fn a_consumer_that_moved_is_woken() {
    let (sender, mut receiver) = pipe(1);
    let producer = spawn(async move {
        // So far it is polled here.
        let first = poll_fn(|cx| Poll::Ready(receiver.poll_next(cx))).await;
        assert!(first.is_pending());
        let consumer = spawn(async move {
            let mut count = 0;
            while let Some(item) = next(&mut receiver).await {
                assert_eq!(item, Ok(count));
                count += 1;
            }
            count
        });
        for item in 0..3 {
            send(&sender, item).await.expect("somebody receives");
        }
        sender.finish();
        consumer
    });
    assert_eq!(producer.join().join(), 3);
}
