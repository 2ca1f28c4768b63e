//! Destinations that limit the number of recipients.

use std::sync::{Arc, Mutex};

use koukan_core::{
    reply::Reply,
    service::MailService,
    test_util::{mail, rcpt, send},
    transaction::Transaction,
};
use tower::{BoxError, service_fn};

use crate::harness::{Client, MESSAGE, exploder};

/// The recipients of each message.
type Delivered = Arc<Mutex<Vec<Vec<String>>>>;

/// A destination that accepts that many recipients in a transaction, and replies to others with
/// `reply`.
fn destination(max: usize, reply: Reply, delivered: &Delivered) -> impl MailService + use<> {
    let delivered = Arc::clone(delivered);
    service_fn(move |mut tx: Transaction| {
        let (delivered, reply) = (Arc::clone(&delivered), reply.clone());
        async move {
            tx.mail.answer(Reply::sender_ok());
            let mut taken = Vec::new();
            while let Some(rcpt) = tx.recipients.next().await? {
                if taken.len() < max {
                    taken.push(rcpt.forward_path().as_str().to_owned());
                    rcpt.answer(Reply::recipient_ok());
                } else {
                    rcpt.answer(reply.clone());
                }
            }
            while tx.body.next().await?.is_some() {}
            delivered.lock().unwrap().push(taken);
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    })
}

fn counts(delivered: &Delivered) -> Vec<usize> {
    let delivered = delivered.lock().unwrap();
    let mut counts: Vec<_> = delivered.iter().map(Vec::len).collect();
    counts.sort_unstable();
    counts
}

#[tokio::test(start_paused = true)]
async fn the_rest_goes_into_the_next_transaction() {
    let bare = Reply::new(Reply::too_many_recipients().code(), None, "too many");
    for reply in [Reply::too_many_recipients(), bare] {
        let delivered = Delivered::default();
        let to = (0..8).map(|n| rcpt(&format!("r{n}@y")));
        let service = exploder(destination(3, reply, &delivered));
        let outcome = send(service, mail("a@x"), to, MESSAGE).await;
        assert!(outcome.recipients.iter().all(Reply::is_positive));
        assert!(outcome.message.unwrap().is_positive());
        assert_eq!(counts(&delivered), [2, 3, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_each_reply_gets_it() {
    let delivered = Delivered::default();
    let reply = Reply::too_many_recipients();
    let mut client = Client::new(exploder(destination(2, reply, &delivered)));
    for n in 0..5 {
        assert_eq!(client.rcpt(&format!("r{n}@y")).await, Reply::recipient_ok());
    }
    assert!(client.message().await.is_positive());
    assert_eq!(counts(&delivered), [1, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn other_refusals_and_one_for_everybody_are_what_they_say() {
    for (max, reply) in [
        (2, Reply::insufficient_storage()),
        (2, Reply::no_such_user()),
        (0, Reply::too_many_recipients()),
    ] {
        let delivered = Delivered::default();
        let to = (0..3).map(|n| rcpt(&format!("r{n}@y")));
        let service = exploder(destination(max, reply.clone(), &delivered));
        let outcome = send(service, mail("a@x"), to, MESSAGE).await;
        let refused = { outcome.recipients.iter() }.filter(|own| **own == reply);
        assert_eq!(refused.count(), 3 - max, "{reply}");
    }
}
