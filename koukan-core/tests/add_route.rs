//! The filter `add_route`: copies of messages by another route.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{future::pending, sync::Arc, time::Duration};

use koukan_core::{
    blob::{Blob, BlobPool},
    clock::SharedClock,
    context::Sender,
    filter::add_route::AddRouteLayer,
    middleware::DeliverRequest,
    path::{Parameter, Parameters},
    reply::Reply,
    service::BoxMailService,
    stage::{
        dispatcher::Dispatcher,
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
    },
    storage::{Backend, MemoryBackend, Storage},
    test_util::{Answer, Script, TokioClock, at_rest, context, mail, rcpt, send, send_with},
    transaction::Driver,
};
use tokio::time::{Instant, timeout};
use tower::Layer;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

async fn storage(backend: impl Backend) -> Storage {
    let clock: SharedClock = Arc::new(TokioClock::default());
    let storage = Storage::open(Arc::new(backend), BlobPool::default(), clock);
    storage.await.unwrap()
}

/// Delivers queued transactions through that service.
fn dispatch(storage: &Storage, archive: &Script) {
    let chain = Chain {
        service: BoxMailService::new(archive.clone()),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let output = OutputHandler::new(chain, notifications);
    let dispatcher = Dispatcher::new(storage.clone(), output, 8);
    tokio::spawn(dispatcher.run(pending()));
}

/// Waits until something has arrived.
async fn received(archive: &Script) {
    while archive.received().is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    at_rest().await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_delivered_has_the_octets_and_those_recipients_that_were_not_refused() {
    let archive = Script::new();
    let upstream = Script::new().rcpt("eve@y", Reply::no_such_user());
    let service = AddRouteLayer::delivered(archive.clone()).layer(upstream.clone());
    let to = ["bob@y", "eve@y", "carol@y"].map(rcpt);
    let outcome = send(service, mail("alice@x"), to, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(outcome.recipients[1], Reply::no_such_user());
    let copy = archive.only_received();
    assert_eq!(copy.text(), MESSAGE);
    assert_eq!(copy.reverse_path().as_str(), "alice@x");
    assert_eq!(copy.recipient_texts(), ["bob@y", "carol@y"]);
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn what_the_copys_route_answers_is_the_answer() {
    for (script, expected) in [
        (
            Script::new().message(Reply::message_too_big()),
            Reply::message_too_big(),
        ),
        (
            Script::new().message(Reply::overloaded()),
            Reply::overloaded(),
        ),
        (
            Script::new().other_rcpts(Reply::no_such_user()),
            Reply::no_such_user(),
        ),
        (
            Script::new().mail(Reply::policy_refused()),
            Reply::policy_refused(),
        ),
        (
            Script::new().message(Answer::Fail("broken")),
            Reply::local_error(),
        ),
        // A host that closes its connection closes no other.
        (
            Script::new().message(Reply::service_closing()),
            Reply::service_closing().relayed(),
        ),
    ] {
        let upstream = Script::new();
        let service = AddRouteLayer::delivered(script).layer(upstream.clone());
        let outcome = send(service, mail("alice@x"), [rcpt("bob@y")], MESSAGE).await;
        assert_eq!(outcome.message, Some(expected.clone()), "{expected}");
        // It did not get the whole message.
        let deliveries = upstream.received();
        let is_whole = deliveries.iter().any(|it| it.body == MESSAGE);
        assert!(!is_whole, "{expected}: {deliveries:?}");
    }
}

/// The copy passes through another sender's chain, which determines its destination.
#[tokio::test(start_paused = true)]
async fn a_copy_is_on_behalf_of_its_sender_and_not_for_the_host_that_the_client_names() {
    let storage = storage(MemoryBackend::new()).await;
    let (delivered, stored) = (Script::new(), Script::new());
    dispatch(&storage, &stored);
    let archive = Sender::new("archive").with_tag("mail");
    let upstream = Script::new();
    let service = AddRouteLayer::stored(storage.clone(), archive.clone()).layer(upstream.clone());
    let service = AddRouteLayer::delivered_for(archive.clone(), delivered.clone()).layer(service);
    let mut context = (*context()).clone();
    context.next_hop = Some("relay.example:25".parse().unwrap());
    let original = context.clone();
    let blob = Blob::from_bytes(MESSAGE.into());
    let mut request = DeliverRequest::new(Arc::new(context), mail("alice@x"), blob);
    request.recipients = vec![rcpt("bob@y")];
    assert!(send_with(service, request).await.is_delivered());
    received(&stored).await;
    for copy in [delivered.only_received(), stored.only_received()] {
        assert_eq!(copy.context.sender, archive);
        assert_eq!(copy.context.next_hop, None);
        assert_eq!(copy.text(), MESSAGE);
    }
    assert_eq!(*upstream.only_received().context, original);
}

fn with(parameters: &mut Parameters, list: &[(&str, &str)]) {
    for (keyword, value) in list {
        let parameter = Parameter::new(keyword, Some(value)).unwrap();
        parameters.push(parameter).unwrap();
    }
}

fn texts(parameters: &Parameters) -> Vec<String> {
    let texts = parameters.iter().map(|one| {
        let value = one.value().unwrap_or_default();
        format!("{}={value}", one.keyword())
    });
    texts.collect()
}

/// The sender of the original learns nothing of a copy, unless that is wanted.
#[tokio::test(start_paused = true)]
async fn a_copy_asks_for_no_notifications_unless_it_is_to() {
    for notifies in [false, true] {
        let storage = storage(MemoryBackend::new()).await;
        let (delivered, stored) = (Script::new(), Script::new());
        dispatch(&storage, &stored);
        let layers = [
            AddRouteLayer::stored(storage.clone(), Sender::new("archive")),
            AddRouteLayer::delivered(delivered.clone()),
        ];
        let [to_be_stored, to_be_delivered] = layers.map(|layer| match notifies {
            true => layer.with_notifications(),
            false => layer,
        });
        let upstream = Script::new();
        let service = to_be_delivered.layer(to_be_stored.layer(upstream.clone()));
        let mut from = mail("alice@x");
        with(
            &mut from.parameters,
            &[("RET", "FULL"), ("ENVID", "1"), ("BODY", "8BITMIME")],
        );
        let mut to = [rcpt("bob@y"), rcpt("carol@y")];
        let asked = [("NOTIFY", "SUCCESS,FAILURE"), ("ORCPT", "rfc822;b@z")];
        with(&mut to[0].parameters, &asked);
        assert!(send(service, from, to, MESSAGE).await.is_delivered());
        received(&stored).await;
        let original = upstream.only_received();
        let as_original = |copy: &koukan_core::test_util::Received| {
            copy.recipients == original.recipients && copy.mail == original.mail
        };
        let told = ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;b@z"];
        assert_eq!(texts(&original.recipients[0].parameters), told);
        assert_eq!(texts(&original.mail.parameters).len(), 3);
        // Success is reported if requested.
        let of_storage = stored.received();
        assert_eq!(of_storage.len(), 1 + usize::from(notifies));
        for copy in [&delivered.only_received(), &of_storage[0]] {
            assert_eq!(as_original(copy), notifies);
            if !notifies {
                let first = texts(&copy.recipients[0].parameters);
                assert_eq!(first, ["ORCPT=rfc822;b@z", "NOTIFY=NEVER"]);
                let second = texts(&copy.recipients[1].parameters);
                assert_eq!(second, ["NOTIFY=NEVER"]);
                assert_eq!(texts(&copy.mail.parameters), ["BODY=8BITMIME"]);
            }
        }
    }
}

/// A copy that cannot be delivered bounces to nobody, unless that is wanted.
#[tokio::test(start_paused = true)]
async fn a_stored_copy_that_fails_is_told_of_where_that_is_wanted() {
    for notifies in [false, true] {
        let storage = storage(MemoryBackend::new()).await;
        let archive = Script::new().other_rcpts(Reply::no_such_user());
        dispatch(&storage, &archive);
        let layer = AddRouteLayer::stored(storage.clone(), Sender::new("archive"));
        let layer = match notifies {
            true => layer.with_notifications(),
            false => layer,
        };
        let outcome = send(
            layer.layer(Script::new()),
            mail("alice@x"),
            [rcpt("bob@y")],
            MESSAGE,
        );
        assert!(outcome.await.is_delivered());
        let count = 1 + u64::from(notifies);
        while storage.backend().census().await.unwrap().finished < count {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let is_told = archive
            .received()
            .iter()
            .any(|it| it.reverse_path().is_null());
        assert_eq!(is_told, notifies);
        storage.flush().await;
        assert_eq!(storage.backend().census().await.unwrap().waiting, 0);
    }
}

/// A copy that hangs delays only its own message, and ends with the call that waits for it.
#[tokio::test(start_paused = true)]
async fn a_route_that_is_silent_holds_up_one_message_and_is_given_up() {
    let silent = Script::new().message(Answer::Never);
    let upstream = Script::new();
    let stuck = AddRouteLayer::delivered(silent.clone()).layer(upstream.clone());
    let waiting = send(stuck, mail("alice@x"), [rcpt("bob@y")], MESSAGE);
    let live = AddRouteLayer::delivered(Script::new()).layer(upstream.clone());
    let beside = send(live, mail("carol@x"), [rcpt("bob@y")], MESSAGE);
    let (waited, outcome) = tokio::join!(timeout(Duration::from_secs(60), waiting), beside);
    assert!(waited.is_err());
    assert!(outcome.is_delivered());
    let whole = upstream
        .received()
        .into_iter()
        .filter(|it| it.body == MESSAGE);
    assert_eq!(whole.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_stored_is_there_when_the_answer_is_and_goes_later() {
    let backend = MemoryBackend::new();
    let storage = storage(backend.another_process()).await;
    let archive = Script::new();
    let layer = AddRouteLayer::stored(storage.clone(), Sender::new("archive"));
    let upstream = Script::new();
    let began = Instant::now();
    let to = ["bob@y", "carol@y"].map(rcpt);
    let outcome = send(layer.layer(upstream.clone()), mail("alice@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered());
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(archive.received().is_empty());
    // The process is gone, and another one takes over the copy.
    drop((layer, storage));
    let later = self::storage(backend.another_process()).await;
    dispatch(&later, &archive);
    received(&archive).await;
    let copy = archive.only_received();
    assert_eq!(copy.text(), MESSAGE);
    assert_eq!(copy.recipient_texts(), ["bob@y", "carol@y"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_has_no_stored_copy() {
    for upstream in [
        Script::new().message(Reply::mailbox_busy()),
        Script::new().other_rcpts(Reply::no_such_user()),
        Script::new().message(Answer::Fail("broken")),
    ] {
        let storage = storage(MemoryBackend::new()).await;
        let archive = Script::new();
        dispatch(&storage, &archive);
        let layer = AddRouteLayer::stored(storage.clone(), Sender::new("archive"));
        let service = layer.layer(upstream);
        let outcome = send(service, mail("alice@x"), [rcpt("bob@y")], MESSAGE).await;
        assert!(!outcome.is_delivered());
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(archive.received().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_of_copies_that_fails_is_no_failure_of_the_original() {
    let storage = storage(MemoryBackend::new()).await;
    let archive = Script::new().message(Reply::mailbox_busy());
    dispatch(&storage, &archive);
    let layer = AddRouteLayer::stored(storage.clone(), Sender::new("archive"));
    let upstream = Script::new();
    for _ in 0..2 {
        let service = layer.layer(upstream.clone());
        let outcome = send(service, mail("alice@x"), [rcpt("bob@y")], MESSAGE).await;
        assert!(outcome.is_delivered());
    }
    // It is tried again.
    while archive.received().len() < 4 {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(upstream.received().len(), 2);
}

/// An originator that disconnects before the end has sent nothing, not even a copy.
#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_off_has_no_copy() {
    let storage = storage(MemoryBackend::new()).await;
    let archive = Script::new();
    dispatch(&storage, &archive);
    for layer in [
        AddRouteLayer::stored(storage.clone(), Sender::new("archive")),
        AddRouteLayer::delivered(archive.clone()),
    ] {
        let upstream = Script::new();
        let (mut driver, _) = Driver::start(layer.layer(upstream), context(), mail("alice@x"));
        let pending = driver.rcpt(rcpt("bob@y")).await;
        assert!(driver.wait(pending).await.is_positive());
        driver.data();
        driver.send("Subject: hi\r\n".into()).await.unwrap();
        drop(driver);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let is_whole = |it: &koukan_core::test_util::Received| it.body == MESSAGE;
        assert!(!archive.received().iter().any(is_whole));
    }
}
