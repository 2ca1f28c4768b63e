//! StepTimeout: upstream has a time for each step, the client has not.

use std::{future::pending, time::Duration};

use koukan_core::{
    blob::{Blob, BlobPool},
    body::Body,
    middleware::step_timeout::{StepTimeoutLayer, StepTimeouts},
    reply::Reply,
    service::MailService,
    test_util::{Answer, End, Script, context, mail, rcpt, send},
    transaction::{Driver, Pending, Transaction},
};
use tokio::time::{Instant, sleep};
use tower::{BoxError, Layer, service_fn};

const MINUTE: Duration = Duration::from_secs(60);

fn start(service: impl MailService) -> (Driver, Pending) {
    let layer = StepTimeoutLayer::default();
    Driver::start(layer.layer(service), context(), mail("a@x"))
}

fn minutes_since(begin: Instant) -> u64 {
    begin.elapsed().as_secs() / 60
}

#[tokio::test(start_paused = true)]
async fn who_is_in_time_notices_nothing() {
    let slow = Answer::After(4 * MINUTE, Reply::sender_ok());
    let upstream = Script::new()
        .mail(slow)
        .other_rcpts(Answer::After(4 * MINUTE, Reply::recipient_ok()))
        .message(Answer::After(9 * MINUTE, Reply::message_accepted()));
    let service = StepTimeoutLayer::default().layer(upstream.clone());
    let outcome = send(service, mail("a@x"), ["b@y", "c@y"].map(rcpt), "hi\r\n").await;
    assert!(outcome.is_delivered());
    assert_eq!(upstream.only_received().text(), "hi\r\n");
}

#[tokio::test(start_paused = true)]
async fn the_client_may_take_its_time() {
    let (mut driver, mail) = start(Script::new());
    let hour = || sleep(60 * MINUTE);
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let wait = async |driver: &mut Driver| {
        tokio::select! {
            () = driver.progress() => panic!("ended: {driver:?}"),
            () = hour() => {}
        }
    };
    wait(&mut driver).await;
    let pending = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(pending).await, Reply::recipient_ok());
    wait(&mut driver).await;
    driver.data();
    wait(&mut driver).await;
    driver.send("hi\r\n".into()).await.unwrap();
    wait(&mut driver).await;
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_mail_without_an_answer_ends_the_call() {
    let begin = Instant::now();
    let upstream = Script::new().mail(Answer::Never);
    let (mut driver, mail) = start(upstream.clone());
    assert_eq!(driver.wait(mail).await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 5);
    assert_eq!(upstream.only_received().end, End::Dropped);
    assert_eq!(driver.finish().await, Reply::elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_recipient_without_an_answer_costs_that_recipient() {
    let begin = Instant::now();
    let upstream = Script::new()
        .rcpt("never@y", Answer::Never)
        .rcpt("late@y", Answer::After(6 * MINUTE, Reply::no_such_user()));
    let service = StepTimeoutLayer::default().layer(upstream.clone());
    let to = ["never@y", "b@y", "late@y"].map(rcpt);
    let outcome = send(service, mail("a@x"), to, "hi\r\n").await;
    let replies = [Reply::elapsed(), Reply::recipient_ok(), Reply::elapsed()];
    assert_eq!(outcome.recipients, replies);
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(minutes_since(begin), 5);
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_its_own_time() {
    let (mut driver, _mail) = start(Script::new().other_rcpts(Answer::Never));
    let begin = Instant::now();
    let first = driver.rcpt(rcpt("b@y")).await;
    tokio::select! {
        () = driver.progress() => panic!("ended"),
        () = sleep(3 * MINUTE) => {}
    }
    let second = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(first).await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 5);
    assert_eq!(driver.wait(second).await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 8);
}

#[tokio::test(start_paused = true)]
async fn recipients_that_are_not_even_taken_end_the_call() {
    let begin = Instant::now();
    let (mut driver, mail) = start(service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        let _held = tx.recipients.next().await?;
        pending::<Result<Reply, BoxError>>().await
    }));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let mut asked = Vec::new();
    for n in 0..100 {
        asked.push(driver.rcpt(rcpt(&format!("b{n}@y"))).await);
    }
    for pending in asked {
        assert_eq!(driver.wait(pending).await, Reply::elapsed());
    }
    assert_eq!(minutes_since(begin), 5);
    assert_eq!(driver.finish().await, Reply::elapsed());
}

/// Takes the recipients and then `chunks` chunks of the body, and is stuck.
async fn stuck(mut tx: Transaction, chunks: usize) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        rcpt.answer(Reply::recipient_ok());
    }
    for _ in 0..chunks {
        tx.body.next().await?;
    }
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_asks_for_ends_the_call() {
    let begin = Instant::now();
    let (mut driver, _mail) = start(service_fn(|tx| stuck(tx, 0)));
    let pending = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(pending).await, Reply::recipient_ok());
    while driver.send("more\r\n".into()).await.is_ok() {}
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 2);
}

#[tokio::test(start_paused = true)]
async fn recipients_may_be_answered_after_data() {
    let slow = Answer::After(4 * MINUTE, Reply::recipient_ok());
    let (mut driver, _mail) = start(Script::new().rcpt("b@y", slow));
    let slow = driver.rcpt(rcpt("b@y")).await;
    driver.data();
    assert_eq!(driver.wait(slow).await, Reply::recipient_ok());
    assert_eq!(driver.finish().await, Reply::message_accepted());
    let (mut driver, _mail) = start(service_fn(|mut tx: Transaction| async move {
        let _held = tx.recipients.next().await?;
        tx.mail.answer(Reply::sender_ok());
        sleep(3 * MINUTE).await;
        Ok::<_, BoxError>(Reply::policy_refused())
    }));
    let slow = driver.rcpt(rcpt("b@y")).await;
    driver.data();
    assert_eq!(driver.wait(slow).await, Reply::policy_refused());
}

#[tokio::test(start_paused = true)]
async fn octets_that_block_end_the_call() {
    let begin = Instant::now();
    let (mut driver, _mail) = start(service_fn(|tx| stuck(tx, 2)));
    while driver.send("more\r\n".into()).await.is_ok() {}
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 3);
}

#[tokio::test(start_paused = true)]
async fn octets_that_block_elsewhere_end_the_call() {
    let begin = Instant::now();
    let (mut driver, _mail) = start(service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        let pulling = tokio::spawn(async move {
            tx.body.next().await?;
            pending::<Result<(), koukan_core::body::BodyError>>().await
        });
        pulling.await??;
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    while driver.send("more\r\n".into()).await.is_ok() {}
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 3);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_final_reply_ends_the_call() {
    let begin = Instant::now();
    let upstream = Script::new().message(Answer::Never);
    let service = StepTimeoutLayer::default().layer(upstream.clone());
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "hi\r\n").await;
    assert_eq!(outcome.recipients, [Reply::recipient_ok()]);
    assert_eq!(outcome.message, Some(Reply::elapsed()));
    assert_eq!(minutes_since(begin), 10);
    assert_eq!(upstream.only_received().end, End::Dropped);
}

/// Takes the body by reference and is stuck.
async fn by_reference(mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    drop(tx.recipients);
    tx.body.ready().await?;
    let _blob = tx.body.into_blob().map_err(|_| "not a blob")?;
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_message_passed_on_by_reference_is_due_when_it_is_complete() {
    let begin = Instant::now();
    let (mut driver, _mail) = start(service_fn(by_reference));
    let (mut writer, blob) = BlobPool::default().create();
    driver.whole_body(Body::from(blob));
    tokio::spawn(async move {
        for _ in 0..30 {
            writer.append("more\r\n".into()).await.unwrap();
            sleep(MINUTE).await;
        }
        writer.finish();
    });
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(minutes_since(begin), 40);
}

#[tokio::test(start_paused = true)]
async fn the_times_are_configured() {
    let begin = Instant::now();
    let timeouts = StepTimeouts {
        message: Duration::from_secs(7),
        ..StepTimeouts::all(Duration::from_secs(1))
    };
    let service = StepTimeoutLayer::new(timeouts).layer(Script::new().message(Answer::Never));
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    driver.whole_body(Blob::from_bytes("hi\r\n".into()).into());
    assert_eq!(driver.finish().await, Reply::elapsed());
    assert_eq!(begin.elapsed().as_secs(), 7);
}
