//! An endpoint over a RestHandler in the same process.

use std::{collections::HashMap, sync::Arc, time::Duration};

use koukan_core::{
    blob::BlobPool,
    clock::SharedClock,
    context::Sender,
    reply::Reply,
    resource::ResourceService,
    service::{BoxMailService, MailService},
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_endpoint::{RestEndpoint, RestEndpointSettings},
        rest_handler::{self, RestHandler, SenderPolicy},
    },
    storage::{MemoryBackend, Storage},
    test_util::{End, Script, TokioClock, in_every_budget, mail, rcpt, send},
};
use tokio::time::sleep;

use crate::originator::MESSAGE;

async fn handler(upstream: impl MailService) -> impl ResourceService {
    let clock: SharedClock = Arc::new(TokioClock::default());
    let backend = Arc::new(MemoryBackend::new());
    let storage = Storage::open(backend, BlobPool::default(), clock).await;
    let chain = Chain {
        service: BoxMailService::new(upstream),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let senders = HashMap::from([
        (Sender::new("app"), SenderPolicy::default()),
        (Sender::new("gateway"), SenderPolicy::incremental()),
    ]);
    RestHandler::new(
        storage.unwrap(),
        OutputHandler::new(chain, notifications),
        senders,
        rest_handler::RestHandlerSettings::default(),
    )
}

async fn endpoint(upstream: &Script, is_incremental: bool) -> RestEndpoint<impl ResourceService> {
    over(handler(upstream.clone()).await, is_incremental)
}

fn over<S: ResourceService>(handler: S, is_incremental: bool) -> RestEndpoint<S> {
    let sender = if is_incremental { "gateway" } else { "app" };
    let settings = RestEndpointSettings::default()
        .with_incremental(is_incremental)
        .with_sender(Sender::new(sender));
    RestEndpoint::new(handler, settings)
}

#[tokio::test(start_paused = true)]
async fn mail_goes_through_step_by_step() {
    let upstream = Script::new().rcpt("carol@y", Reply::no_such_user());
    let endpoint = endpoint(&upstream, true).await;
    let to = [rcpt("bob@y"), rcpt("carol@y")];
    let outcome = send(endpoint, mail("alice@x"), to, MESSAGE).await;
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::no_such_user()]
    );
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

/// Also with tokio's budget exhausted, on either side.
#[test]
fn mail_goes_through_in_every_budget() {
    for is_incremental in [false, true] {
        in_every_budget(async |budget| {
            let upstream = Script::new().rcpt("carol@y", Reply::no_such_user());
            let handler = handler(budget.around_service(upstream.clone())).await;
            let endpoint = over(handler, is_incremental);
            let to = ["bob@y", "carol@y"].map(rcpt);
            let to = to.into_iter().take(1 + usize::from(is_incremental));
            let sent = send(endpoint, mail("alice@x"), to.collect::<Vec<_>>(), MESSAGE);
            let outcome = tokio::spawn(budget.around(sent)).await.unwrap();
            let body = upstream.only_received().body;
            (outcome.mail, outcome.recipients, outcome.message, body)
        });
    }
}

#[tokio::test(start_paused = true)]
async fn mail_goes_through_as_a_whole() {
    let upstream = Script::new();
    let endpoint = endpoint(&upstream, false).await;
    let outcome = send(endpoint, mail("alice@x"), [rcpt("bob@y")], MESSAGE).await;
    assert_eq!(outcome.verdict(0), &Reply::message_accepted());
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_ends_the_attempt_behind_the_handler() {
    let upstream = Script::new();
    let endpoint = endpoint(&upstream, true).await;
    let context = koukan_core::test_util::context();
    let (mut driver, _mail) =
        koukan_core::transaction::Driver::start(endpoint, context, mail("alice@x"));
    let bob = driver.rcpt(rcpt("bob@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(1), driver.progress()).await;
    drop(driver);
    sleep(Duration::from_secs(1)).await;
    let received = upstream.only_received();
    assert!(
        !matches!(received.end, End::Replied(_)),
        "{:?}",
        received.end
    );
}

#[tokio::test(start_paused = true)]
async fn final_replies_by_recipient_come_through() {
    let upstream = Script::new()
        .rcpt("no@y", Reply::no_such_user())
        .message_for("later@y", Reply::mailbox_busy())
        .message_for("never@y", Reply::bad_content());
    let endpoint = endpoint(&upstream, true).await;
    let to = ["no@y", "taken@y", "later@y", "never@y"].map(rcpt);
    let outcome = send(endpoint, mail("alice@x"), to, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::mailbox_busy()));
    let verdicts = [0, 1, 2, 3].map(|index| outcome.verdict(index).clone());
    let expected = [
        Reply::no_such_user(),
        Reply::message_accepted(),
        Reply::mailbox_busy(),
        Reply::bad_content(),
    ];
    assert_eq!(verdicts, expected);
}
