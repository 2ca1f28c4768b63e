use std::time::Duration;

use koukan_core::{
    reply::Reply,
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings, RestEndpointTimeouts},
    test_util::{at_rest, rcpt},
};
use tokio::time::Instant;

use crate::{
    fake::{Fake, Fault, Kind, Script},
    originator::{MESSAGE, endpoint, let_run, let_run_for, own, start},
};

const CANCEL: &str = "cancel /transactions/0";

fn hasty(fake: &Fake) -> RestEndpoint<Fake> {
    let timeouts = RestEndpointTimeouts::default()
        .with_start(Duration::from_secs(10))
        .with_rcpt(Duration::from_secs(20))
        .with_data(Duration::from_secs(40));
    RestEndpoint::new(
        fake.clone(),
        RestEndpointSettings::default().with_timeouts(timeouts),
    )
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_cancels_the_transaction() {
    let fake = Fake::new(Script::silent());
    let (mut driver, _mail) = start(endpoint(&fake));
    let_run(&mut driver).await;
    drop(driver);
    fake.cancelled(0).await;
    assert_eq!(fake.log().last().unwrap(), CANCEL);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_fails_is_repeated() {
    let fake = Fake::new(Script::silent());
    let (mut driver, _mail) = start(endpoint(&fake));
    let_run(&mut driver).await;
    fake.fault(Kind::Cancel, Fault::Lose);
    drop(driver);
    fake.cancelled(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_it_creates_leaves_nothing_behind() {
    let fake = Fake::new(Script::silent());
    fake.fault(Kind::Create, Fault::LoseAnswer);
    let (mut driver, _mail) = start(endpoint(&fake));
    let_run(&mut driver).await;
    drop(driver);
    fake.cancelled(0).await;
    assert_eq!(fake.transactions(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_is_not_cancelled() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, _mail) = start(endpoint(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    drop(driver);
    at_rest().await;
    assert!(!fake.log().contains(&CANCEL.into()));
}

#[tokio::test(start_paused = true)]
async fn upstream_is_told_that_the_client_is_still_there() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start(endpoint(&fake));
    driver.wait(mail).await;
    let_run_for(&mut driver, Duration::from_secs(100)).await;
    let heartbeats = ["create []", "heartbeat", "heartbeat", "heartbeat"];
    assert_eq!(fake.log(), heartbeats);
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    let_run_for(&mut driver, Duration::from_secs(29)).await;
    assert_eq!(fake.log().len(), heartbeats.len() + 1);
    let_run_for(&mut driver, Duration::from_secs(2)).await;
    assert_eq!(fake.log().last().unwrap(), "heartbeat");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_fails_ends_nothing() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start(endpoint(&fake));
    driver.wait(mail).await;
    let refusal = koukan_core::resource::RefusalKind::Malformed;
    fake.fault(Kind::Append, Fault::Refuse(refusal));
    let_run_for(&mut driver, Duration::from_secs(40)).await;
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
}

/// Time would stand still if the endpoint looped without waiting.
#[tokio::test(start_paused = true)]
async fn upstream_is_watched_beside_a_heartbeat_that_hangs() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, _mail) = start(endpoint(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    fake.fault(Kind::Append, Fault::Hang);
    let_run_for(&mut driver, Duration::from_secs(40)).await;
    assert_eq!(fake.log().last().unwrap(), "heartbeat");
    // The watch that was begun before the heartbeat ends.
    fake.change(0, |_| ());
    let_run_for(&mut driver, Duration::from_secs(1)).await;
    fake.change(0, |view| {
        view.data_response = Some(own(Reply::bad_content()));
    });
    driver.progress().await;
    assert_eq!(driver.final_reply(), Some(&own(Reply::bad_content())));
}

#[tokio::test(start_paused = true)]
async fn a_create_may_not_take_for_ever() {
    let fake = Fake::new(Script::accepting());
    fake.fault(Kind::Create, Fault::Hang);
    let begun = Instant::now();
    let (mut driver, mail) = start(hasty(&fake));
    assert_eq!(driver.wait(mail).await, Reply::elapsed());
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn mail_may_not_stay_open_for_ever() {
    let fake = Fake::new(Script::silent());
    let begun = Instant::now();
    let (mut driver, mail) = start(hasty(&fake));
    assert_eq!(driver.wait(mail).await, Reply::elapsed());
    assert_eq!(begun.elapsed().as_secs(), 10);
    fake.cancelled(0).await;
    assert_eq!(fake.log().last().unwrap(), CANCEL);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_may_not_stay_open_for_ever() {
    let fake = Fake::new(Script {
        rcpt: |path| (path == "b@y").then(Reply::recipient_ok),
        ..Script::accepting()
    });
    let (mut driver, _mail) = start(hasty(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    let_run_for(&mut driver, Duration::from_secs(60)).await;
    let begun = Instant::now();
    let carol = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(carol).await, Reply::elapsed());
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert_eq!(driver.finish().await, Reply::elapsed());
    fake.cancelled(0).await;
    assert_eq!(fake.log().last().unwrap(), CANCEL);
}

#[tokio::test(start_paused = true)]
async fn the_final_reply_may_not_stay_out_for_ever() {
    let fake = Fake::new(Script {
        data: None,
        ..Script::accepting()
    });
    let (mut driver, _mail) = start(hasty(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.send(MESSAGE.into()).await.unwrap();
    // A slow client is not upstream's fault.
    let_run_for(&mut driver, Duration::from_secs(100)).await;
    let begun = Instant::now();
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(begun.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_does_not_move_is_given_up() {
    let fake = Fake::new(Script::accepting());
    fake.fault(Kind::Upload, Fault::Hang);
    let (mut driver, _mail) = start(hasty(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    let begun = Instant::now();
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(begun.elapsed().as_secs(), 40);
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_reply_is_transient() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, _mail) = start(endpoint(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    driver.wait(bob).await;
    driver.data();
    let_run(&mut driver).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.final_attempt_reason = Some("downstream timeout".into());
    });
    assert_eq!(driver.finish().await, Reply::given_up());
    drop(driver);
    at_rest().await;
    assert!(!fake.log().contains(&CANCEL.into()));
}
