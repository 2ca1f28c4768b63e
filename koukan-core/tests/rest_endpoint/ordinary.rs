use std::time::Duration;

use bytes::Bytes;
use koukan_core::{
    blob::Blob,
    reply::Reply,
    resource::BodySource,
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{context, mail, rcpt, send},
    transaction::Driver,
};
use tokio::time::sleep;

use crate::{
    fake::{Fake, Script},
    originator::{MESSAGE, start},
};

fn ordinary(script: Script) -> (Fake, RestEndpoint<Fake>) {
    let fake = Fake::new(Script {
        is_incremental: false,
        ..script
    });
    let settings = RestEndpointSettings::default()
        .with_incremental(false)
        .with_inline_max(100);
    (fake.clone(), RestEndpoint::new(fake, settings))
}

/// Everything at once, as the queue has it.
async fn send_at_once(endpoint: RestEndpoint<Fake>, message: impl Into<Bytes>) -> Reply {
    let (mut driver, _mail) = Driver::start(endpoint, context(), mail("a@x"));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.whole_body(Blob::from_bytes(message.into()).into());
    let reply = driver.finish().await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    reply
}

#[tokio::test(start_paused = true)]
async fn what_is_there_at_once_is_one_request() {
    let (fake, endpoint) = ordinary(Script::accepting());
    let reply = send_at_once(endpoint, MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    assert_eq!(fake.log(), ["create [b@y] inline"]);
    let inline = BodySource::Inline(MESSAGE.into());
    assert_eq!(fake.creates()[0].draft.body, Some(inline));
    assert_eq!(fake.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_large_message_is_uploaded() {
    let (fake, endpoint) = ordinary(Script::accepting());
    let message = "x".repeat(101);
    assert_eq!(
        send_at_once(endpoint, message.clone()).await,
        Reply::message_accepted()
    );
    assert_eq!(fake.log(), ["create [b@y]", "upload /elsewhere/0/octets"]);
    assert_eq!(fake.transaction(0).message(), Some(&*message));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_came_in_part_is_uploaded_whole() {
    let (fake, endpoint) = ordinary(Script::accepting());
    let (mut driver, _mail) = start(endpoint);
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.data();
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    driver.send("\r\nhello\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(fake.log().len(), 2);
    assert_eq!(fake.transaction(0).message(), Some(MESSAGE));
}

#[tokio::test(start_paused = true)]
async fn mail_is_answered_where_a_recipient_is_waited_for() {
    let (fake, endpoint) = ordinary(Script::accepting());
    let outcome = send(endpoint, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.verdict(0), &Reply::message_accepted());
    assert_eq!(fake.log()[0], "create [b@y]");

    let (fake, endpoint) = ordinary(Script::accepting());
    let (mut driver, mail) = start(endpoint);
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    assert_eq!(fake.transactions(), 0);
    assert_eq!(driver.finish().await, Reply::no_valid_recipients());
    assert_eq!(fake.transactions(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_comes_too_late_goes_in_another_transaction() {
    let (fake, endpoint) = ordinary(Script::accepting());
    let (mut driver, _mail) = start(endpoint);
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    let carol = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(carol).await, Reply::too_many_recipients());
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(fake.transaction(0).recipients(), ["b@y"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_without_a_word_on_its_recipients_is_accepted_for_all() {
    let (fake, endpoint) = ordinary(Script {
        data: Some(Reply::message_accepted()),
        ..Script::silent()
    });
    let reply = send_at_once(endpoint, MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
    assert_eq!(fake.transactions(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_ordinary_resource_gets_no_heartbeats() {
    let (fake, endpoint) = ordinary(Script::silent());
    let (mut driver, _mail) = start(endpoint);
    let _bob = driver.rcpt(rcpt("b@y")).await;
    driver.send(MESSAGE.into()).await.unwrap();
    tokio::select! {
        _ = driver.finish() => panic!("nobody answered"),
        () = sleep(Duration::from_secs(100)) => {}
    }
    assert!(!fake.log().contains(&"heartbeat".into()));
}

#[tokio::test(start_paused = true)]
async fn a_plain_application_gets_the_message_by_upload_and_is_heard() {
    let (fake, endpoint) = ordinary(Script {
        is_plain: true,
        ..Script::accepting()
    });
    assert_eq!(
        send_at_once(endpoint, MESSAGE).await,
        Reply::message_accepted()
    );
    assert_eq!(fake.transactions(), 1);
    assert_eq!(fake.transaction(0).message(), Some(MESSAGE));
}
