//! Requests that are repeated because their answer was lost: they get the first answer again.

use std::time::Duration;

use koukan_core::{
    context::Sender,
    reply::Reply,
    resource::{BodySource, Create, Location, Range, RefusalKind},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, Script},
};
use serde_json::json;

use crate::{
    agent::{Agent, MESSAGE, octets, rcpt, to_upload, whole},
    restart::after_crash,
};

/// A complete create, of a sender whose transactions are made step by step.
fn step_by_step() -> Create {
    let mut create = whole();
    create.sender = Sender::new("gateway").with_tag("mx");
    create.idempotency_key = Some("key".into());
    create
}

async fn a_while() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_after_the_end() {
    for message in [
        Reply::message_accepted(),
        Reply::no_such_user(),
        Reply::mailbox_busy(),
    ] {
        let upstream = Script::new().message(message);
        let agent = Agent::over(upstream.clone()).await;
        let first = agent.create(step_by_step()).await;
        let end = agent.end(&first.location).await;
        for pause in [0, 1, 3600] {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            let again = agent.create(step_by_step()).await;
            assert!(again.is_replayed);
            assert_eq!(again.location, first.location);
            assert_eq!(again.view.data_response, end.data_response);
        }
        let mut other = step_by_step();
        other.draft.rcpt_to = vec![rcpt("eve@example.com")];
        let refusal = agent.try_create(other.clone()).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::KeyReused);
        assert_eq!(upstream.received().len(), 1);
        // Each sender has keys of its own.
        other.sender = Sender::new("output");
        assert!(!agent.create(other).await.is_replayed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_after_a_cancel() {
    let agent = Agent::over(Script::new()).await;
    let mut create = step_by_step();
    create.draft.body = None;
    create.wait = None;
    let first = agent.create(create.clone()).await.location;
    a_while().await;
    agent
        .ask(koukan_core::resource::Operation::Cancel(first.clone()))
        .await;
    a_while().await;
    let again = agent.create(create).await;
    assert_eq!((again.location, again.is_replayed), (first, true));
}

/// What the request needed the first time may be gone by then.
#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_when_it_could_not_be_made_again() {
    let settings = RestHandlerSettings::default().with_max_unfinished_uploads(2);
    let agent = Agent::on(MemoryBackend::new(), Script::new(), settings).await;
    let file = json!({"content_type": "a/b", "content": {"create_id": "cat"}});
    let mut source = to_upload();
    source.draft.body = Some(BodySource::MessageBuilder(
        json!({"file_attachments": [file]}),
    ));
    let source = agent.create(source).await.location;
    let cat = source.join("blob/cat");
    agent.upload(&cat, None, octets("meow")).await.unwrap();
    let keyed = |key: &str, body| {
        let mut create = to_upload();
        create.idempotency_key = Some(key.into());
        create.draft.body = body;
        create
    };
    let shared = json!({"content_type": "a/b", "content": {"reuse_uri": cat.as_str()}});
    let shared = Some(BodySource::MessageBuilder(
        json!({"file_attachments": [shared]}),
    ));
    let first = agent.create(keyed("shared", shared.clone())).await.location;
    let drafts = [
        agent.create(keyed("one", None)).await.location,
        agent.create(keyed("two", None)).await.location,
    ];
    let full = agent.try_create(keyed("three", None)).await.unwrap_err();
    assert!(matches!(full.kind, RefusalKind::TooMany { .. }));
    for (key, location) in ["one", "two"].into_iter().zip(drafts) {
        let again = agent.create(keyed(key, None)).await;
        assert_eq!((again.location, again.is_replayed), (location, true));
    }
    let again = agent.create(keyed("shared", shared)).await;
    assert_eq!((again.location, again.is_replayed), (first, true));
}

fn is_complete(len: usize) -> RefusalKind {
    let len = len as u64;
    RefusalKind::WrongRange {
        len,
        total: Some(len),
    }
}

/// Uploads again in each way; returns the refusals.
async fn put_again(agent: &Agent, to: &Location, content: &'static str) -> Vec<RefusalKind> {
    let len = content.len() as u64;
    let range = |start, end| {
        Some(Range {
            start,
            end: Some(end),
            total: Some(len),
        })
    };
    let mut told = Vec::new();
    for (range, content) in [
        (None, octets(content)),
        (range(0, len), octets(content)),
        (range(len, len), octets("")),
    ] {
        let refusal = agent.upload(to, range, content).await.unwrap_err();
        assert!(!refusal.detail.contains("another one"), "{refusal:?}");
        told.push(refusal.kind);
    }
    told
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_repeated_whatever_has_become_of_the_message() {
    for reply in [
        Reply::message_accepted(),
        Reply::no_such_user(),
        Reply::mailbox_busy(),
    ] {
        let backend = MemoryBackend::new();
        let upstream = Script::new().message(reply.clone());
        let process = backend.another_process();
        let agent = Agent::on(process, upstream.clone(), RestHandlerSettings::default()).await;
        let mut create = to_upload();
        create.draft.retry = Some(true);
        let at = agent.create(create).await.location;
        let body = at.join("body");
        agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
        let told = vec![is_complete(MESSAGE.len()); 3];
        assert_eq!(put_again(&agent, &body, MESSAGE).await, told, "{reply}");
        a_while().await;
        assert_eq!(put_again(&agent, &body, MESSAGE).await, told, "{reply}");
        drop(agent);
        let agent = after_crash(&backend, &upstream).await;
        a_while().await;
        assert_eq!(put_again(&agent, &body, MESSAGE).await, told, "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_of_a_part_is_repeated() {
    for reply in [Reply::message_accepted(), Reply::mailbox_busy()] {
        let backend = MemoryBackend::new();
        let upstream = Script::new().message(reply);
        let process = backend.another_process();
        let agent = Agent::on(process, upstream.clone(), RestHandlerSettings::default()).await;
        let file = json!({"content_type": "a/b", "content": {"create_id": "cat"}});
        let mut create = to_upload();
        create.draft.retry = Some(true);
        create.draft.body = Some(BodySource::MessageBuilder(
            json!({"file_attachments": [file]}),
        ));
        let at = agent.create(create).await.location;
        let cat = at.join("blob/cat");
        agent.upload(&cat, None, octets("meow")).await.unwrap();
        let told = vec![is_complete(4); 3];
        assert_eq!(put_again(&agent, &cat, "meow").await, told);
        a_while().await;
        assert_eq!(put_again(&agent, &cat, "meow").await, told);
        drop(agent);
        let agent = after_crash(&backend, &upstream).await;
        a_while().await;
        assert_eq!(put_again(&agent, &cat, "meow").await, told);
    }
}

/// The length is the number of octets that its client sent, whatever the line ends.
#[tokio::test(start_paused = true)]
async fn the_length_that_is_told_is_that_of_the_upload() {
    const UNIX: &str = "Subject: hi\n\nhello\n";
    let agent = Agent::over(Script::new()).await;
    let at = agent.create(to_upload()).await.location;
    let body = at.join("body");
    agent.upload(&body, None, octets(UNIX)).await.unwrap();
    agent.end(&at).await;
    a_while().await;
    let told = vec![is_complete(UNIX.len()); 3];
    assert_eq!(put_again(&agent, &body, UNIX).await, told);
}

#[tokio::test(start_paused = true)]
async fn an_upload_step_by_step_is_repeated() {
    let agent = Agent::over(Script::new()).await;
    let mut create = step_by_step();
    create.draft.body = None;
    let at = agent.create(create).await.location;
    let body = at.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    agent.end(&at).await;
    a_while().await;
    let told = vec![is_complete(MESSAGE.len()); 3];
    assert_eq!(put_again(&agent, &body, MESSAGE).await, told);
}

#[tokio::test(start_paused = true)]
async fn what_came_with_the_create_has_its_length() {
    let busy = Script::new().message(Answer::from(Reply::mailbox_busy()));
    let agent = Agent::over(busy).await;
    let mut create = whole();
    create.draft.retry = Some(true);
    let at = agent.create(create).await.location;
    let told = vec![is_complete(MESSAGE.len()); 3];
    assert_eq!(put_again(&agent, &at.join("body"), MESSAGE).await, told);

    let mut create = to_upload();
    let file = json!({"content_type": "a/b", "content": {"create_id": "cat"}});
    create.draft.body = Some(BodySource::MessageBuilder(
        json!({"file_attachments": [file]}),
    ));
    let at = agent.create(create).await.location;
    let whole = agent.upload(&at.join("body"), None, octets(MESSAGE)).await;
    assert_eq!(whole.unwrap_err().kind, RefusalKind::Conflict);
    let other = agent.upload(&at.join("blob/dog"), None, octets("x")).await;
    assert_eq!(other.unwrap_err().kind, RefusalKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_over_without_its_message_takes_none() {
    let agent = Agent::over(Script::new()).await;
    let at = agent.create(to_upload()).await.location;
    agent
        .ask(koukan_core::resource::Operation::Cancel(at.clone()))
        .await;
    let late = agent.upload(&at.join("body"), None, octets(MESSAGE)).await;
    let refusal = late.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Conflict);
    assert!(refusal.detail.contains("create another one"));
}
