use koukan_core::{
    blob::{Blob, BlobPool},
    body::Body,
    reply::{Rejection, Reply},
    service::MailService,
    stage::rest_endpoint::RestEndpoint,
    test_util::{context, mail, rcpt},
    transaction::{Driver, Transaction},
};
use tower::{ServiceBuilder, ServiceExt};

use crate::{
    fake::{Fake, Fault, Kind, Script},
    originator::{MESSAGE, endpoint, let_run, own, start},
};

/// A transaction whose recipient is accepted.
async fn started(endpoint: impl MailService) -> Driver {
    let (mut driver, _mail) = Driver::start(endpoint, context(), mail("a@x"));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    driver
}

#[tokio::test(start_paused = true)]
async fn the_message_is_one_upload_that_goes_on_as_it_comes() {
    let fake = Fake::new(Script::accepting());
    let mut driver = started(endpoint(&fake)).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    let upload = &fake.transaction(0).uploads[0];
    assert_eq!(upload, &("message".into(), "Subject: hi\r\n".into(), false));
    driver.send("\r\nhello\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(fake.transaction(0).message(), Some(MESSAGE));
    assert_eq!(fake.transaction(0).uploads.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_blob_goes_by_reference() {
    let fake = Fake::new(Script::accepting());
    let mut driver = started(endpoint(&fake)).await;
    let mut body = Body::from(Blob::from_bytes("\r\nhello\r\n".into()));
    body.prepend("Subject: hi\r\n".into());
    driver.whole_body(body);
    assert_eq!(driver.finish().await, Reply::message_accepted());
    let transaction = fake.transaction(0);
    assert!(transaction.is_by_reference);
    assert_eq!(transaction.message(), Some(MESSAGE));
}

#[tokio::test(start_paused = true)]
async fn a_blob_that_is_aborted_aborts_the_delivery() {
    let fake = Fake::new(Script::accepting());
    let mut driver = started(endpoint(&fake)).await;
    let (mut writer, blob) = BlobPool::default().create();
    writer.append("Subject: hi\r\n".into()).await.unwrap();
    driver.whole_body(blob.into());
    let_run(&mut driver).await;
    assert_eq!(fake.transaction(0).uploads[0].1, "Subject: hi\r\n");
    drop(writer);
    assert_eq!(driver.finish().await, Reply::local_error());
    fake.cancelled(0).await;
    assert_eq!(fake.transaction(0).message(), None);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_is_abandoned_and_cancelled() {
    let fake = Fake::new(Script::accepting());
    let mut seen = 0;
    let spam = move |chunk: bytes::Bytes| {
        seen += 1;
        if seen == 2 {
            return Err(Rejection::new(Reply::bad_content()));
        }
        Ok(chunk)
    };
    let service = ServiceBuilder::new()
        .map_request(move |tx: Transaction| tx.map_body(|body| body.map(spam)))
        .service(endpoint(&fake));
    let mut driver = started(service).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    driver.send("\r\nhello\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::bad_content());
    fake.cancelled(0).await;
    let transaction = fake.transaction(0);
    let upload = ("message".into(), "Subject: hi\r\n".into(), false);
    assert_eq!(transaction.uploads, [upload]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_never_completes_a_message() {
    let fake = Fake::new(Script::accepting());
    let mut driver = started(endpoint(&fake)).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    drop(driver);
    fake.cancelled(0).await;
    let transaction = fake.transaction(0);
    assert_eq!(transaction.message(), None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_during_the_upload_ends_it() {
    let fake = Fake::new(Script::accepting());
    let mut driver = started(endpoint(&fake)).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.data_response = Some(own(Reply::bad_content()));
    });
    driver.progress().await;
    assert_eq!(driver.final_reply(), Some(&own(Reply::bad_content())));
}

#[tokio::test(start_paused = true)]
async fn no_acceptance_is_believed_before_the_end_of_the_message() {
    let fake = Fake::new(Script::accepting());
    let mut driver = started(endpoint(&fake)).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.data_response = Some(own(Reply::message_accepted()));
    });
    let_run(&mut driver).await;
    assert_eq!(driver.final_reply(), None);
    drop(driver);
    fake.cancelled(0).await;
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_that_overtakes_the_answer_to_the_upload_is_waited_for() {
    let fake = Fake::new(Script {
        data: None,
        ..Script::accepting()
    });
    let mut driver = started(endpoint(&fake)).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.data_response = Some(own(Reply::message_accepted()));
        view.final_attempt_reason = Some("upstream response".into());
    });
    let_run(&mut driver).await;
    assert_eq!(driver.final_reply(), None);
    assert_eq!(driver.finish().await, own(Reply::message_accepted()));
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_of_a_part_is_none() {
    let fake = Fake::new(Script {
        data: None,
        ..Script::accepting()
    });
    fake.fault(Kind::Upload, Fault::BreakAfter(2));
    let mut driver = started(endpoint(&fake)).await;
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.data_response = Some(own(Reply::message_accepted()));
        view.final_attempt_reason = Some("upstream response".into());
    });
    driver.send("\r\n".into()).await.unwrap();
    driver.progress().await;
    assert_eq!(driver.final_reply(), Some(&Reply::connection_lost()));
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_repeated_while_nothing_was_sent() {
    let fake = Fake::new(Script::accepting());
    fake.fault(Kind::Upload, Fault::BreakAfter(0));
    let mut driver = started(endpoint(&fake)).await;
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(fake.transaction(0).message(), Some(MESSAGE));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_broke_halfway_is_not_repeated() {
    let fake = Fake::new(Script::accepting());
    fake.fault(Kind::Upload, Fault::BreakAfter(1));
    let mut driver = started(endpoint(&fake)).await;
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::connection_lost());
    assert_eq!(fake.transaction(0).uploads.len(), 1);
    fake.cancelled(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_final_reply_is_found_where_the_upload_broke_over_it() {
    let fake = Fake::new(Script {
        data: Some(own(Reply::bad_content())),
        ..Script::accepting()
    });
    fake.fault(Kind::Upload, Fault::LoseAnswer);
    let mut driver = started(endpoint(&fake)).await;
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, own(Reply::bad_content()));
}

#[tokio::test(start_paused = true)]
async fn a_blob_follows_its_transaction_to_another_process() {
    let fake = Fake::new(Script::accepting());
    let there = koukan_core::resource::Location::new("/blobs/0/message");
    let elsewhere = koukan_core::resource::RefusalKind::Elsewhere(there);
    fake.fault(Kind::Upload, Fault::Refuse(elsewhere));
    let mut driver = started(endpoint(&fake)).await;
    driver.whole_body(Blob::from_bytes(MESSAGE.into()).into());
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(fake.log().last().unwrap(), "upload /blobs/0/message");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_a_mail_service_like_any_other() {
    let fake = Fake::new(Script::accepting());
    let endpoint: RestEndpoint<Fake> = endpoint(&fake);
    let (mut driver, mail) = start(endpoint.clone());
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let boxed = koukan_core::service::BoxMailService::new(endpoint);
    let (mut driver, mail) = Driver::start(boxed.map_err(|e| e), context(), self::mail("a@x"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
}
