use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use koukan_core::{
    body::{Body, BodyError},
    reply::Reply,
    resource::{BodySource, Location, Range, RefusalKind},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::Script,
    transaction::Aborted,
};
use serde_json::json;

use crate::{
    agent::{Agent, MESSAGE, octets, to_upload},
    failing::{Failing, SLOW},
};

fn range(start: u64, end: u64, total: Option<u64>) -> Option<Range> {
    Some(Range {
        start,
        end: Some(end),
        total,
    })
}

pub(crate) fn body_of(transaction: &Location) -> Location {
    transaction.join("body")
}

#[tokio::test(start_paused = true)]
async fn a_message_is_uploaded_whole() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let created = agent.create(to_upload()).await;
    let status = created.view.body.unwrap().blob_status.unwrap();
    assert!(!status.finalized);
    let uploaded = agent.upload(&status.uri, None, octets(MESSAGE)).await;
    assert!(uploaded.unwrap().finalized);
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert!(view.body.unwrap().blob_status.unwrap().finalized);
    let received = upstream.only_received();
    assert_eq!(received.text(), MESSAGE);
    let again = agent.upload(&status.uri, None, octets("x")).await;
    let complete = RefusalKind::WrongRange {
        len: MESSAGE.len() as u64,
        total: Some(MESSAGE.len() as u64),
    };
    assert_eq!(again.unwrap_err().kind, complete);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_uploaded_in_ranges_and_resumed() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let created = agent.create(to_upload()).await;
    let body = body_of(&created.location);
    let first = agent
        .upload(&body, range(0, 5, None), octets("Subje"))
        .await;
    assert_eq!(first.unwrap().len, 5);
    // An upload that breaks off is kept as far as it came.
    let broken = stream::iter([Ok(octets("ct: ")), Err(BodyError::from(Aborted))]);
    let broken = Body::from_stream(broken);
    let refusal = agent.upload(&body, range(5, 20, None), broken).await;
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::Malformed);
    // Beyond the end: the refusal says where the end is.
    let refusal = agent.upload(&body, range(12, 13, None), octets("x")).await;
    let kind = refusal.unwrap_err().kind;
    let len = 9;
    assert_eq!(kind, RefusalKind::WrongRange { len, total: None });
    // Octets that are already there are skipped.
    let rest = octets("t: hi\r\n\r\nhello\r\n");
    let last = agent.upload(&body, range(6, 22, Some(22)), rest).await;
    let last = last.unwrap();
    assert_eq!((last.len, last.total, last.finalized), (22, Some(22), true));
    agent.end(&created.location).await;
    let received = upstream.only_received();
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn the_length_alone_finalizes() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let created = agent.create(to_upload()).await;
    let body = body_of(&created.location);
    let len = MESSAGE.len() as u64;
    let uploaded = agent
        .upload(&body, range(0, len, None), octets(MESSAGE))
        .await;
    assert!(!uploaded.unwrap().finalized);
    let wrong = agent
        .upload(&body, range(9, 9, Some(9)), Bytes::new())
        .await;
    assert!(matches!(
        wrong.unwrap_err().kind,
        RefusalKind::WrongRange { .. }
    ));
    let uploaded = agent
        .upload(&body, range(len, len, Some(len)), Bytes::new())
        .await;
    assert!(uploaded.unwrap().finalized);
    agent.end(&created.location).await;
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn ranges_that_lie_are_refused() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(to_upload()).await;
    let body = body_of(&created.location);
    let more = agent
        .upload(&body, range(0, 2, Some(9)), octets("abc"))
        .await;
    assert_eq!(more.unwrap_err().kind, RefusalKind::Malformed);
    let less = agent
        .upload(&body, range(0, 5, Some(9)), octets("abc"))
        .await;
    assert_eq!(less.unwrap_err().kind, RefusalKind::Malformed);
    let other = agent.upload(&body, range(3, 4, Some(8)), octets("d")).await;
    assert_eq!(other.unwrap_err().kind, RefusalKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_refused() {
    let settings = RestHandlerSettings::default().with_max_message_size(10);
    let agent = Agent::on(MemoryBackend::new(), Script::new(), settings).await;
    let created = agent.create(to_upload()).await;
    let body = body_of(&created.location);
    let refusal = agent.upload(&body, None, octets("more than ten")).await;
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::TooLarge);
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_description_are_uploaded_by_their_names() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = to_upload();
    create.draft.body = Some(BodySource::MessageBuilder(json!({
        "headers": [["subject", "hello"]],
        "text_body": [{"content_type": "text/plain", "content": {"inline": "hi"}}],
        "file_attachments": [{"content_type": "image/png", "filename": "cat.png",
                              "content": {"create_id": "cat"}}],
    })));
    let created = agent.create(create).await;
    let builder = created.view.body.unwrap().message_builder.unwrap();
    let status = builder.blob_status.unwrap();
    assert_eq!(&*status[0].0, "cat");
    let dog = created.location.join("blob/dog");
    let unknown = agent.upload(&dog, None, octets("x"));
    assert_eq!(unknown.await.unwrap_err().kind, RefusalKind::NotFound);
    let body = body_of(&created.location);
    assert!(agent.upload(&body, None, octets("x")).await.is_err());
    let uploaded = agent.upload(&status[0].1.uri, None, octets("meow")).await;
    assert!(uploaded.unwrap().finalized);
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    let received = upstream.only_received();
    let message = received.text().to_owned();
    assert!(message.contains("Subject: hello\r\n"), "{message}");
    assert!(message.contains("Message-ID: <"), "{message}");
    assert!(message.contains("\r\n\r\nbWVvdw==\r\n"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_beyond_the_length_that_was_told() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(to_upload()).await;
    let body = body_of(&created.location);
    let first = agent.upload(&body, range(0, 5, Some(22)), octets("Subje"));
    first.await.unwrap();
    let rest = octets("ct: hi\r\n\r\nhello and more\r\n");
    let len = rest.len() as u64;
    let more = agent.upload(&body, range(5, 5 + len, None), rest).await;
    assert_eq!(more.unwrap_err().kind, RefusalKind::Conflict);
    let rest = octets("ct: hi\r\n\r\nhello\r\n");
    let last = agent.upload(&body, range(5, 22, None), rest).await;
    assert!(last.unwrap().finalized);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_meets_the_refusal_of_its_recipient_is_notified_of() {
    let upstream = Script::new().rcpt("bob@example.com", Reply::no_such_user());
    let backend = Failing::default();
    let agent = Agent::on(
        backend.clone(),
        upstream.clone(),
        RestHandlerSettings::default(),
    )
    .await;
    agent.dispatch();
    let mut create = to_upload();
    create.draft.notification = Some(true);
    // The refusal is written while the upload is committed.
    backend.slow_completes.store(1, Ordering::Relaxed);
    let created = agent.create(create).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let body = body_of(&created.location);
    let uploaded = agent.upload(&body, None, octets(MESSAGE)).await;
    assert!(uploaded.unwrap().finalized);
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("failed"));
    tokio::time::sleep(2 * SLOW).await;
    let view = agent.view(&created.location).await;
    assert_eq!(view.attempt_count, 1);
    let received = upstream.received();
    let told = received
        .iter()
        .filter(|one| one.recipient_texts() == ["alice@example.com"]);
    assert_eq!(told.count(), 1, "{received:?}");
}
