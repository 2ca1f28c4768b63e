//! Sharing in an agent: through storage, for both policies.

use std::sync::{Arc, Mutex};

use koukan_core::{
    blob::BlobPool,
    context::Sender,
    reply::Reply,
    service::MailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        sharing::Sharing,
        storage_writer::StorageWriter,
    },
    storage::{MemoryBackend, Storage},
    test_util::{Script, TokioClock, mail, rcpt, send},
    transaction::Transaction,
};
use tower::{ServiceExt, service_fn};

use crate::harness::{MESSAGE, delivered};

async fn agent(destination: impl MailService, policy: ReplyPolicy) -> (impl MailService, Storage) {
    let clock = Arc::new(TokioClock::default());
    let storage = Storage::open(Arc::new(MemoryBackend::new()), BlobPool::default(), clock);
    let storage = storage.await.unwrap();
    let chain = Chain {
        service: Sharing::new(destination).boxed(),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let output = OutputHandler::new(chain, notifications);
    let writer = StorageWriter::new(storage.clone(), output).with_sender(Sender::new("out"));
    (
        Exploder::new(writer.boxed(), policy, storage.pool().clone()),
        storage,
    )
}

#[tokio::test(start_paused = true)]
async fn one_message_is_one_transaction_and_each_recipient_has_its_own_record() {
    for policy in [ReplyPolicy::Ingress, ReplyPolicy::Submission] {
        let destination = Script::new();
        let (front, storage) = agent(destination.clone(), policy).await;
        let to = (0..20).map(|n| rcpt(&format!("r{n}@y")));
        let outcome = send(front, mail("a@x"), to, MESSAGE).await;
        assert!(outcome.message.unwrap().is_positive());
        assert_eq!(destination.only_received().recipients.len(), 20);
        storage.flush().await;
        assert_eq!(storage.backend().census().await.unwrap().finished, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_and_who_is_deferred_are_told_for_themselves() {
    let destination = Script::new()
        .rcpt("never@y", Reply::no_such_user())
        .rcpt("later@y", Reply::mailbox_busy());
    let (front, storage) = agent(destination.clone(), ReplyPolicy::Submission).await;
    let to = ["b@y", "never@y", "later@y", "c@y"].map(rcpt);
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    let codes = outcome.recipients.iter().map(|reply| reply.code().as_u16());
    assert_eq!(codes.collect::<Vec<_>>(), [250, 550, 250, 250]);
    assert!(outcome.message.unwrap().is_positive());
    assert_eq!(delivered(&destination), [["b@y", "c@y"]]);
    storage.flush().await;
    // One waits for its next attempt.
    assert_eq!(storage.backend().census().await.unwrap().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_deferred_is_kept_for_each() {
    let destination = Script::new().message(Reply::mailbox_busy());
    let (front, storage) = agent(destination.clone(), ReplyPolicy::Submission).await;
    let to = ["b@y", "c@y", "d@y"].map(rcpt);
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.message.unwrap().is_positive());
    assert_eq!(destination.received().len(), 1);
    storage.flush().await;
    assert_eq!(storage.backend().census().await.unwrap().waiting, 3);
}

/// A destination that plays one script after the other, and repeats the last one.
pub(crate) fn turns(scripts: impl IntoIterator<Item = Script>) -> impl MailService {
    let mut scripts: Vec<_> = scripts.into_iter().collect();
    scripts.reverse();
    let scripts = Arc::new(Mutex::new(scripts));
    service_fn(move |tx: Transaction| {
        let mut scripts = scripts.lock().unwrap();
        let script = match scripts.len() {
            1 => scripts[0].clone(),
            _ => scripts.pop().unwrap(),
        };
        script.oneshot(tx)
    })
}
