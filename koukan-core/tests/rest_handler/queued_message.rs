//! The message of a transaction, as operators read it.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    body::BodyError,
    reply::Reply,
    resource::{
        BodySource, Caller, Create, Location, Operation, QueueOperation, QueueRequest,
        QueueResponse, Refusal, RefusalKind, Role,
    },
    stage::{operator::Operator, rest_handler::RestHandlerSettings},
    storage::MemoryBackend,
    test_util::{Answer, Script},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    agent::{Agent, MESSAGE, octets, to_upload, whole},
    failing::Failing,
};

/// The message, or the reason why it breaks off.
type Message = Result<String, BodyError>;

async fn message_of(agent: &Agent, transaction: &Location) -> Result<Message, Refusal> {
    let id = transaction.as_str().rsplit_once('/').unwrap().1;
    let request = QueueRequest {
        caller: Caller::unrestricted().with_role(Role::Operate),
        operation: QueueOperation::Message(id.into()),
    };
    let operator = Operator::new(agent.storage.clone());
    match operator.oneshot(request).await.unwrap() {
        QueueResponse::Message(body) => {
            let octets = body.collect(usize::MAX).await;
            Ok(octets.map(|octets| String::from_utf8(octets.to_vec()).unwrap()))
        }
        QueueResponse::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn described(spec: Value) -> Create {
    let mut create = to_upload();
    create.draft.body = Some(BodySource::MessageBuilder(spec));
    create
}

fn text(content: Value) -> Value {
    json!({"text_body": [{"content_type": "text/plain", "content": content}]})
}

async fn on(backend: &MemoryBackend) -> Agent {
    let busy = Script::new().message(Answer::Return(Reply::mailbox_busy()));
    Agent::on(
        backend.another_process(),
        busy,
        RestHandlerSettings::default(),
    )
    .await
}

/// What can be read of each kind of message, by the process that accepted it and by the next one.
#[tokio::test(start_paused = true)]
async fn a_message_is_read_when_all_of_it_is_there() {
    let backend = MemoryBackend::new();
    let agent = on(&backend).await;
    let mut kinds = Vec::new();

    kinds.push(("inline", agent.create(whole()).await.location, true));
    kinds.push(("to come", agent.create(to_upload()).await.location, false));
    let part = || described(text(json!({"create_id": "part"})));
    kinds.push(("a part to come", agent.create(part()).await.location, false));
    let given_up = agent.create(part()).await.location;
    agent.ask(Operation::Cancel(given_up.clone())).await;
    kinds.push(("a part that never comes", given_up, false));
    let uploaded = agent.create(part()).await.location;
    let part = uploaded.join("blob/part");
    agent.upload(&part, None, octets("hello")).await.unwrap();
    kinds.push(("a part that came", uploaded, true));
    let two = json!({"text_body": [
        {"content_type": "text/plain", "content": {"reuse_uri": part.as_str()}},
        {"content_type": "text/html", "content": {"create_id": "html"}},
    ]});
    let one_of_two = agent.create(described(two)).await.location;
    kinds.push(("one of two parts", one_of_two, false));
    let no_parts = described(text(json!({"inline": "hello"})));
    kinds.push(("no parts", agent.create(no_parts).await.location, true));
    let attached = json!({"file_attachments": [
        {"content_type": "message/rfc822", "content": {"create_id": "attached"}},
    ]});
    let attached = agent.create(described(attached)).await.location;
    let blob = attached.join("blob/attached");
    agent.upload(&blob, None, octets("a\0b\r\n")).await.unwrap();
    kinds.push(("cannot be rendered to its end", attached, true));

    agent.storage.given_back().await;
    agent.storage.flush().await;
    let next = on(&backend).await;
    for (process, agent) in [("the same", &agent), ("the next", &next)] {
        for (kind, transaction, is_there) in &kinds {
            let read = message_of(agent, transaction).await;
            match read {
                Ok(Ok(message)) => {
                    assert!(is_there, "{kind}, by {process}: {message}");
                    assert!(message.contains("hello"), "{kind}: {message}");
                }
                Ok(Err(BodyError::Rejected(_))) => assert!(kind.starts_with("cannot"), "{kind}"),
                Ok(Err(error)) => panic!("{kind}, by {process}: {error}"),
                Err(refusal) => {
                    assert!(!is_there, "{kind}, by {process}: {refusal}");
                    let kind_of = refusal.kind.clone();
                    assert_eq!(kind_of, RefusalKind::NotFound, "{kind}: {refusal}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_storage_cannot_read_now_is_asked_for_again() {
    let backend = Failing::default();
    let busy = Script::new().message(Answer::Return(Reply::mailbox_busy()));
    let agent = Agent::on(backend.clone(), busy, RestHandlerSettings::default()).await;
    let inline = agent.create(whole()).await.location;
    let described = described(text(json!({"inline": "hello"})));
    let described = agent.create(described).await.location;
    agent.storage.given_back().await;
    let next = Failing {
        inner: backend.inner.another_process(),
        ..backend
    };
    let agent = Agent::on(next.clone(), Script::new(), RestHandlerSettings::default()).await;
    for transaction in [inline, described] {
        next.failed_reads.store(1, Ordering::Relaxed);
        let refusal = message_of(&agent, &transaction).await.unwrap_err();
        let retry_after = Duration::from_secs(5);
        assert_eq!(refusal.kind, RefusalKind::Unavailable { retry_after });
        assert_eq!(next.failed_reads.load(Ordering::Relaxed), 0);
        message_of(&agent, &transaction).await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_which_a_part_is_to_come_is_not_shared_by_the_next_process() {
    let backend = MemoryBackend::new();
    let agent = on(&backend).await;
    let part = described(text(json!({"create_id": "part"})));
    let first = agent.create(part).await.location;
    drop(agent);
    let agent = on(&backend).await;
    let mut create = whole();
    create.draft.body = Some(BodySource::Reuse(first.join("body")));
    let refusal = agent.try_create(create.clone()).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotFound);

    let part = first.join("blob/part");
    agent.upload(&part, None, octets(MESSAGE)).await.unwrap();
    agent.try_create(create).await.unwrap();
}
