use std::sync::Arc;

use koukan_core::{
    message::parser::ParsedMessage,
    reply::Reply,
    resource::RefusalKind,
    signals::{Parsed, Signals},
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::rcpt,
    transaction::Driver,
};
use serde_json::json;

use crate::{
    fake::{Fake, Fault, Kind, Script},
    originator::{MESSAGE, endpoint, start_with},
};

fn receiver() -> Fake {
    Fake::new(Script {
        is_receiver: true,
        ..Script::accepting()
    })
}

fn parsed() -> Signals {
    let signals = Signals::default();
    let message = ParsedMessage {
        json: json!({"headers": [["subject", "hi"]], "blobs": ["cat", "dog"]}),
        blobs: vec![("cat".into(), "meow".into()), ("dog".into(), "woof".into())],
    };
    signals.set(Parsed(Arc::new(message))).unwrap();
    signals
}

async fn deliver(mut driver: Driver) -> Reply {
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.send(MESSAGE.into()).await.unwrap();
    driver.finish().await
}

#[tokio::test(start_paused = true)]
async fn a_receiver_gets_the_parsed_message_then_its_blobs_then_the_message() {
    let fake = receiver();
    let (driver, _mail) = start_with(endpoint(&fake), parsed());
    assert_eq!(deliver(driver).await, Reply::message_accepted());
    assert_eq!(
        fake.log()[1..],
        [
            "parsed /transactions/0/message_builder",
            "upload /blobs/0/cat",
            "upload /blobs/0/dog",
            "upload /elsewhere/0/octets",
        ]
    );
    let transaction = fake.transaction(0);
    assert_eq!(transaction.parsed.unwrap()["headers"][0][1], "hi");
    let uploads = [("cat", "meow"), ("dog", "woof"), ("message", MESSAGE)];
    let uploads = uploads.map(|(name, octets)| (name.into(), octets.into(), true));
    assert_eq!(transaction.uploads, uploads);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_no_parsed_message_gets_none() {
    let fake = Fake::new(Script::accepting());
    let (driver, _mail) = start_with(endpoint(&fake), parsed());
    assert_eq!(deliver(driver).await, Reply::message_accepted());
    assert_eq!(fake.transaction(0).parsed, None);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_does_without_where_nothing_was_parsed() {
    let fake = receiver();
    let (driver, _mail) = start_with(endpoint(&fake), Signals::default());
    assert_eq!(deliver(driver).await, Reply::message_accepted());
    assert_eq!(fake.transaction(0).parsed, None);
    assert_eq!(fake.transaction(0).message(), Some(MESSAGE));
}

#[tokio::test(start_paused = true)]
async fn a_parsed_message_that_fails_ends_the_delivery() {
    let fake = receiver();
    fake.fault(Kind::Parsed, Fault::Lose);
    let (driver, _mail) = start_with(endpoint(&fake), parsed());
    assert_eq!(deliver(driver).await, Reply::connection_lost());
    assert_eq!(fake.transaction(0).message(), None);
}

#[tokio::test(start_paused = true)]
async fn where_the_parsed_message_is_refused_the_message_goes_up_as_it_is() {
    for kind in [
        RefusalKind::Malformed,
        RefusalKind::TooLarge,
        RefusalKind::Internal,
    ] {
        let fake = receiver();
        fake.fault(Kind::Parsed, Fault::Refuse(kind));
        let (driver, _mail) = start_with(endpoint(&fake), parsed());
        assert_eq!(deliver(driver).await, Reply::message_accepted());
        let transaction = fake.transaction(0);
        assert_eq!(transaction.parsed, None);
        assert_eq!(transaction.message(), Some(MESSAGE));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_parsed_does_not_go_with_the_create() {
    let fake = receiver();
    let settings = RestEndpointSettings::default().with_incremental(false);
    let (mut driver, _mail) = start_with(RestEndpoint::new(fake.clone(), settings), parsed());
    let _bob = driver.rcpt(rcpt("b@y")).await;
    driver.whole_body(koukan_core::blob::Blob::from_bytes(MESSAGE.into()).into());
    assert_eq!(driver.finish().await, Reply::message_accepted());
    let transaction = fake.transaction(0);
    assert!(transaction.parsed.is_some());
    assert_eq!(transaction.message(), Some(MESSAGE));
}
