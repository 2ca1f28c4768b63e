//! A recipient that gets a transient refusal before the message is there is deferred, whatever its
//! chain ends in and whatever its last reply is.

use std::{collections::HashMap, sync::Arc};

use koukan_core::{
    blob::BlobPool,
    clock::SharedClock,
    context::Sender,
    filter::router::{AddressList, Decision, RouterLayer},
    reply::{Rejection, Reply},
    service::{BoxMailService, MailService},
    stage::{
        exploder::ReplyPolicy,
        output_handler::{Chain, Notifications, OutputHandler},
        rest_endpoint::{RestEndpoint, RestEndpointSettings},
        rest_handler::{self, RestHandler, SenderPolicy},
    },
    storage::{Listing, MemoryBackend, QueueState, Search, Storage},
    test_util::{Script, TokioClock, context, mail, rcpt, send},
    transaction::Transaction,
};
use tower::{BoxError, Layer, service_fn};

use crate::agent::{Agent, RETRY, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// A gateway in front of `upstream`, reached as over REST.
async fn by_rest(upstream: Script) -> BoxMailService {
    let clock: SharedClock = Arc::new(TokioClock::default());
    let backend = Arc::new(MemoryBackend::new());
    let storage = Storage::open(backend, BlobPool::default(), clock).await;
    let chain = Chain {
        service: BoxMailService::new(upstream),
        retry: *RETRY,
    };
    let notifications = Notifications {
        reporting_mta: "gateway.example.com".into(),
        sender: Sender::new("notification"),
    };
    let senders = HashMap::from([(Sender::new("output"), SenderPolicy::incremental())]);
    let handler = RestHandler::new(
        storage.unwrap(),
        OutputHandler::new(chain, notifications),
        senders,
        rest_handler::RestHandlerSettings::default(),
    );
    let settings = RestEndpointSettings::default().with_sender(Sender::new("output"));
    BoxMailService::new(RestEndpoint::new(handler, settings))
}

/// A filter that refuses the recipient itself.
fn by_filter() -> BoxMailService {
    let busy = Decision::Reject(Rejection::new(Reply::mailbox_busy()));
    BoxMailService::new(RouterLayer::new(AddressList::new(["y"], busy)).layer(Script::new()))
}

/// An endpoint that ends with a reply that no command was given.
fn in_other_words() -> BoxMailService {
    BoxMailService::new(service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::mailbox_busy());
        }
        Ok::<_, BoxError>(Reply::no_valid_recipients())
    }))
}

async fn deferred(upstream: impl MailService) -> Agent {
    let agent = Agent::over(upstream).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.recipients, [Reply::recipient_ok()]);
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(agent.census().await.waiting, 1);
    let listing = Listing {
        sender: Some((&*context().sender.name).into()),
        state: Some(QueueState::Waiting),
        search: Search::default(),
        before: None,
        limit: 1,
    };
    let listed = agent.storage.backend().list(listing).await.unwrap();
    let id = listed[0].id;
    let snapshot = agent.storage.watch(id).await.unwrap().unwrap().snapshot();
    assert_eq!(snapshot.final_reply, Some(Reply::mailbox_busy()));
    assert_eq!(snapshot.recipient_replies, [Some(Reply::mailbox_busy())]);
    assert_eq!(snapshot.final_reason, None);
    agent
}

#[tokio::test(start_paused = true)]
async fn by_an_upstream_that_speaks_rest() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    deferred(by_rest(busy).await).await;
}

#[tokio::test(start_paused = true)]
async fn by_a_filter() {
    deferred(by_filter()).await;
}

#[tokio::test(start_paused = true)]
async fn by_an_endpoint_that_ends_in_other_words() {
    let agent = deferred(in_other_words()).await;
    let dispatching = agent.dispatch();
    // Five attempts, and then the notification, which is deferred as often.
    until(|| async { agent.census().await.finished == 2 }).await;
    dispatching.stop().await;
}
