//! A process that stood still for longer than its session lives, and continues.

use std::sync::Arc;

use koukan_core::{
    clock::Clock,
    reply::Reply,
    signals::Departure,
    stage::sharing::Sharing,
    storage::{
        MemoryBackend, Queue,
        record::{MessageKey, TransactionId},
    },
    test_util::ManualClock,
    transaction::Transaction,
};
use tokio::{sync::Notify, time::advance};
use tower::{BoxError, service_fn};

use crate::{
    queued::queued,
    replicas::{Conduct, DELIVERED, TERM, Times, insert, replica, seconds, status, store},
};

#[tokio::test(start_paused = true)]
async fn what_was_about_to_go_out_does_not() {
    let (store, times, go) = (store(), Times::new(), Arc::new(Notify::new()));
    let upstream = {
        let (times, go) = (times.clone(), Arc::clone(&go));
        service_fn(move |tx: Transaction| {
            let (times, go) = (times.clone(), Arc::clone(&go));
            async move {
                let Transaction {
                    mail,
                    mut recipients,
                    mut body,
                    ..
                } = tx;
                times.note("begun");
                mail.answer(Reply::sender_ok());
                let rcpt = recipients.next().await?.unwrap();
                rcpt.answer(Reply::recipient_ok());
                // The host's reply to DATA.
                go.notified().await;
                while body.next().await?.is_some() {}
                times.note("gone out");
                Ok::<_, BoxError>(Reply::message_accepted())
            }
        })
    };
    let stopped = replica(&store, upstream).await;
    let id = insert(&store).await;
    let dispatching = stopped.dispatch();
    seconds(1).await;
    assert_eq!(times.all(), ["begun"]);
    // The reply arrives while the process stands still, and is the first thing it sees.
    go.notify_one();
    advance(TERM * 2).await;
    assert_eq!(times.all(), ["begun"], "it may be another's by now");
    let other = replica(&store, times.upstream(Conduct::Takes)).await;
    let _others = other.dispatch();
    seconds(30).await;
    dispatching.abort().await;
    seconds(30).await;
    assert_eq!(status(&store, id).await, DELIVERED);
    let taken = times.all().iter().filter(|what| **what == "taken").count();
    assert_eq!((taken, times.all().contains(&"gone out")), (1, false));
}

/// Two copies of a message.
async fn insert_two(store: &MemoryBackend) -> [TransactionId; 2] {
    let message_key = Some(MessageKey::random());
    let new = ["b@y", "c@y"].map(|to| {
        let mut new = queued(to, ManualClock::default().now());
        new.message_key = message_key;
        new
    });
    let ids = [new[0].id, new[1].id];
    for new in new {
        store.insert(new).await.unwrap();
    }
    ids
}

/// When an endpoint reads the message.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reads {
    /// When the host is ready for it.
    Late,
    /// At once; it asks before it sends the end.
    Ahead,
}

/// As above, for two attempts in one exchange: their tasks may come later than the one of the exchange.
#[tokio::test(start_paused = true)]
async fn what_was_about_to_go_out_for_several_does_not() {
    for reads in [Reads::Late, Reads::Ahead] {
        let (store, times, go) = (store(), Times::new(), Arc::new(Notify::new()));
        let upstream = {
            let (times, go) = (times.clone(), Arc::clone(&go));
            service_fn(move |tx: Transaction| {
                let (times, go) = (times.clone(), Arc::clone(&go));
                async move {
                    let departure = tx.signals.departure().cloned();
                    let departure = departure.filter(|_| reads == Reads::Ahead);
                    let _holding = departure.as_ref().map(Departure::hold);
                    let Transaction {
                        mail,
                        mut recipients,
                        body,
                        ..
                    } = tx;
                    mail.answer(Reply::sender_ok());
                    while let Some(rcpt) = recipients.next().await? {
                        times.note("recipient");
                        rcpt.answer(Reply::recipient_ok());
                    }
                    if reads == Reads::Late {
                        go.notified().await;
                        body.collect(1 << 20).await?;
                    } else {
                        body.collect(1 << 20).await?;
                        times.note("read");
                        go.notified().await;
                    }
                    if departure.is_none_or(|departure| departure.may_go()) {
                        times.note("gone out");
                    }
                    Ok::<_, BoxError>(Reply::message_accepted())
                }
            })
        };
        let stopped = replica(&store, Sharing::new(upstream).boxed()).await;
        let ids = insert_two(&store).await;
        let dispatching = stopped.dispatch();
        seconds(1).await;
        let begun = match reads {
            Reads::Late => vec!["recipient"; 2],
            Reads::Ahead => vec!["recipient", "recipient", "read"],
        };
        assert_eq!(times.all(), begun);
        go.notify_one();
        advance(TERM * 2).await;
        assert_eq!(times.all(), begun, "{reads:?}: it may be another's by now");
        let other = replica(&store, times.upstream(Conduct::Takes)).await;
        let _others = other.dispatch();
        seconds(30).await;
        dispatching.abort().await;
        seconds(30).await;
        for id in ids {
            assert_eq!(status(&store, id).await, DELIVERED);
        }
        let taken = times.all().iter().filter(|what| **what == "taken").count();
        assert_eq!(
            (taken, times.all().contains(&"gone out")),
            (2, false),
            "{reads:?}"
        );
    }
}
