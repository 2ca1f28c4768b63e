use koukan_core::{
    context::Sender,
    resource::{BodySource, Location, RefusalKind},
    test_util::Script,
};
use serde_json::json;

use crate::agent::{Agent, MESSAGE, octets, to_upload, whole};

#[tokio::test(start_paused = true)]
async fn the_body_of_an_earlier_transaction_is_shared() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let first = agent.create(whole()).await;
    for uri in [
        first.location.join("body"),
        Location::new(format!("http://a:1{}/body", first.location)),
    ] {
        let mut create = whole();
        create.draft.body = Some(BodySource::Reuse(uri));
        agent.create(create).await;
    }
    let received = upstream.received();
    assert_eq!(received.len(), 3);
    for received in received {
        assert_eq!(received.text(), MESSAGE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_an_earlier_transaction_is_shared() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let spec = |content| {
        Some(BodySource::MessageBuilder(json!({
            "file_attachments": [{"content_type": "a/b", "content": content}],
        })))
    };
    let mut create = to_upload();
    create.draft.body = spec(json!({"create_id": "part"}));
    let first = agent.create(create).await;
    let part = first.location.join("blob/part");
    agent.upload(&part, None, octets("meow")).await.unwrap();
    agent.end(&first.location).await;

    let mut create = whole();
    create.draft.body = spec(json!({"reuse_uri": part.as_str()}));
    let second = agent.create(create).await;
    assert!(second.view.is_final());
    let [_, received] = &upstream.received()[..] else {
        panic!()
    };
    let message = received.text().to_owned();
    assert!(message.contains("bWVvdw=="), "{message}");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_finished_and_ones_own_is_shared() {
    let agent = Agent::over(Script::new()).await;
    let unfinished = agent.create(to_upload()).await;
    let mut create = whole();
    create.draft.body = Some(BodySource::Reuse(unfinished.location.join("body")));
    let refusal = agent.try_create(create).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotFound);

    let first = agent.create(whole()).await;
    let mut create = whole();
    create.sender = Sender::new("other");
    create.draft.body = Some(BodySource::Reuse(first.location.join("body")));
    let refusal = agent.try_create(create).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_shared_keeps_the_name_that_its_client_knows() {
    let agent = Agent::over(Script::new()).await;
    let spec = |content| {
        Some(BodySource::MessageBuilder(json!({
            "file_attachments": [{"content_type": "a/b", "content": content}],
        })))
    };
    let mut create = to_upload();
    create.draft.body = spec(json!({"create_id": "cat"}));
    let first = agent.create(create).await;
    let part = first.location.join("blob/cat");
    agent.upload(&part, None, octets("meow")).await.unwrap();
    agent.end(&first.location).await;

    for (content, name) in [
        (
            json!({"create_id": "cat", "reuse_uri": part.as_str()}),
            "cat",
        ),
        (
            json!({"create_id": "tom", "reuse_uri": part.as_str()}),
            "tom",
        ),
        (json!({"reuse_uri": part.as_str()}), "cat"),
    ] {
        let mut create = whole();
        create.draft.body = spec(content);
        let created = agent.create(create).await;
        let body = created.view.body.unwrap();
        let blobs = body.message_builder.unwrap().blob_status.unwrap();
        let [(known, status)] = &blobs[..] else {
            panic!("{blobs:?}")
        };
        assert_eq!((&**known, status.finalized), (name, true));
    }
}
