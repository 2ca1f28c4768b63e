//! A process that stood still for longer than its session lives, and continues.

use std::sync::Arc;

use koukan_core::{reply::Reply, transaction::Transaction};
use tokio::{sync::Notify, time::advance};
use tower::{BoxError, service_fn};

use crate::replicas::{Conduct, DELIVERED, TERM, Times, insert, replica, seconds, status, store};

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
