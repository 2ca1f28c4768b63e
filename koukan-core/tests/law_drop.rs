//! Law 3: dropping the driver ends both streams with `Aborted`, and drops the call.

use std::future::pending;

use koukan_core::{
    body::{Body, BodyError},
    reply::Reply,
    service::MailService,
    test_util::{End, Script, at_rest, context, mail, rcpt},
    transaction::{Aborted, Driver, Pending, Recipients, Transaction},
};
use tokio::sync::{mpsc, oneshot};
use tower::{BoxError, service_fn};

fn start(service: impl MailService) -> (Driver, Pending) {
    Driver::start(service, context(), mail("a@x"))
}

/// A service that gives both streams away, and the means to receive them.
fn giving_away() -> (impl MailService, mpsc::Receiver<(Recipients, Body)>) {
    let (given, taken) = mpsc::channel(1);
    let service = service_fn(move |tx: Transaction| {
        let given = given.clone();
        async move {
            tx.mail.answer(Reply::sender_ok());
            let sent = given.send((tx.recipients, tx.body)).await;
            sent.map_err(|_| "nobody takes them")?;
            pending::<Result<Reply, BoxError>>().await
        }
    });
    (service, taken)
}

#[tokio::test(start_paused = true)]
async fn both_streams_end_with_an_abort_wherever_they_went() {
    let (service, mut taken) = giving_away();
    let (mut driver, mail) = start(service);
    driver.wait(mail).await;
    let (mut recipients, mut body) = taken.recv().await.unwrap();
    let elsewhere = tokio::spawn(async move {
        let recipient = recipients.next().await;
        (recipient.map(drop), body.next().await)
    });
    at_rest().await;
    drop(driver);
    let (recipient, chunk) = elsewhere.await.unwrap();
    assert_eq!(recipient, Err(Aborted));
    assert!(chunk.unwrap_err().is_aborted());
}

#[tokio::test(start_paused = true)]
async fn an_abort_overtakes_what_is_queued_and_is_repeated() {
    let (service, mut taken) = giving_away();
    let (mut driver, mail) = start(service);
    driver.wait(mail).await;
    let (mut recipients, mut body) = taken.recv().await.unwrap();
    let _queued = driver.rcpt(rcpt("b@y")).await;
    drop(driver);
    for _ in 0..2 {
        assert_eq!(recipients.next().await.map(drop), Err(Aborted));
        assert!(matches!(body.next().await, Err(BodyError::Aborted(_))));
        assert!(matches!(body.ready().await, Err(BodyError::Aborted(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_passes_through_every_transform() {
    let (service, mut taken) = giving_away();
    let (mut driver, mail) = start(service);
    driver.wait(mail).await;
    let (recipients, body) = taken.recv().await.unwrap();
    let mut recipients = recipients
        .map(|rcpt| rcpt)
        .filter(|_| Ok::<_, Reply>(()))
        .then(|rcpt| async { Some(rcpt) });
    let mut body = body
        .map(Ok::<_, Reply>)
        .then(|body| async { Ok(body) })
        .then_whole(100, |whole| async { Ok(whole.into()) });
    drop(driver);
    assert_eq!(recipients.next().await.map(drop), Err(Aborted));
    for _ in 0..2 {
        assert!(body.next().await.unwrap_err().is_aborted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_is_explicit() {
    let (service, mut taken) = giving_away();
    let (mut driver, mail) = start(service);
    driver.wait(mail).await;
    let (mut recipients, mut body) = taken.recv().await.unwrap();
    driver.data();
    driver.send("all".into()).await.unwrap();
    // DATA ended the recipients; the body has not ended yet.
    drop(driver);
    for _ in 0..2 {
        assert!(recipients.next().await.unwrap().is_none());
        assert!(body.next().await.unwrap_err().is_aborted());
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_driver_drops_the_call() {
    struct Guard(Option<oneshot::Sender<()>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (dropped, observed) = oneshot::channel();
    let guard = std::sync::Arc::new(std::sync::Mutex::new(Some(Guard(Some(dropped)))));
    let (mut driver, mail) = start(service_fn(move |tx: Transaction| {
        let guard = guard.lock().unwrap().take();
        async move {
            let _guard = guard;
            tx.mail.answer(Reply::sender_ok());
            pending::<Result<Reply, BoxError>>().await
        }
    }));
    driver.wait(mail).await;
    drop(driver);
    observed.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_aborted_message_is_not_delivered() {
    let upstream = Script::new();
    let (mut driver, _mail) = start(upstream.clone());
    let _rcpt = driver.rcpt(rcpt("b@y")).await;
    driver.send("half".into()).await.unwrap();
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), driver.progress()).await;
    drop(driver);
    let received = upstream.only_received();
    assert_eq!(received.body, "half");
    assert_eq!(received.end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_ended_lets_go_of_its_streams() {
    let (given, mut taken) = mpsc::channel(1);
    let (mut driver, _mail) = start(service_fn(move |tx: Transaction| {
        let given = given.clone();
        async move {
            let sent = given.send((tx.recipients, tx.body)).await;
            sent.map_err(|_| "nobody takes them")?;
            Ok::<_, BoxError>(Reply::policy_refused())
        }
    }));
    driver.progress().await;
    let (mut recipients, mut body) = taken.recv().await.unwrap();
    assert_eq!(recipients.next().await.map(drop), Err(Aborted));
    assert!(body.next().await.unwrap_err().is_aborted());
}
