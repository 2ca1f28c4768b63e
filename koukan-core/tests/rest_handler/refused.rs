//! Uploads to a transaction whose recipients were all refused before its message arrived.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    reply::Reply,
    resource::{BodySource, Create, Location, Operation, RefusalKind, View},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, End, Received, Script},
};
use serde_json::{Value, json};

use crate::{
    agent::{Agent, MESSAGE, octets, to_upload},
    failing::{Failing, SLOW},
};

/// Bob is refused.
fn upstream() -> Script {
    let refusal = Answer::Return(Reply::no_such_user());
    Script::new().rcpt("bob@example.com", refusal)
}

/// The messages that were delivered.
fn delivered(upstream: &Script) -> Vec<Received> {
    let mut received = upstream.received();
    received.retain(|one| matches!(&one.end, End::Replied(reply) if reply.is_positive()));
    received
}

/// The only delivered message, which was for Carol.
fn to_carol(upstream: &Script) -> String {
    let [received] = &delivered(upstream)[..] else {
        panic!("{upstream:?}")
    };
    assert_eq!(received.recipient_texts(), ["carol@example.com"]);
    received.text().to_owned()
}

async fn agent_on(backend: &MemoryBackend, upstream: &Script) -> Agent {
    let process = backend.another_process();
    Agent::on(process, upstream.clone(), RestHandlerSettings::default()).await
}

/// A message of two parts.
fn described(cat: Value, dog: Value) -> Option<BodySource> {
    Some(BodySource::MessageBuilder(json!({
        "text_body": [{"content_type": "text/plain", "content": {"inline": "hi"}}],
        "file_attachments": [
            {"content_type": "image/png", "filename": "cat.png", "content": cat},
            {"content_type": "image/png", "filename": "dog.png", "content": dog},
        ],
    })))
}

fn in_parts() -> Create {
    let mut create = to_upload();
    create.draft.body = described(json!({"create_id": "cat"}), json!({"create_id": "dog"}));
    create
}

/// The same message to Carol, using the parts uploaded for Bob.
fn shared(first: &Location) -> Create {
    let part = |name: &str| {
        let uri = first.join("blob").join(name);
        json!({"create_id": name, "reuse_uri": uri.as_str()})
    };
    let mut create = to_upload();
    create.draft.rcpt_to = vec![crate::agent::rcpt("carol@example.com")];
    create.draft.body = described(part("cat"), part("dog"));
    create
}

async fn put(agent: &Agent, first: &Location, name: &str) -> Result<bool, RefusalKind> {
    let part = first.join("blob").join(name);
    let uploaded = agent.upload(&part, None, octets("meow")).await;
    uploaded
        .map(|uploaded| uploaded.finalized)
        .map_err(|refusal| refusal.kind)
}

fn is_refused(view: &View) -> bool {
    let reason = view.final_attempt_reason.as_deref();
    reason == Some("failed") && view.rcpt_response == [Reply::no_such_user()]
}

#[tokio::test(start_paused = true)]
async fn parts_are_taken_and_shared_with_the_other_recipients() {
    let upstream = upstream();
    let agent = Agent::over(upstream.clone()).await;
    let first = agent.create(in_parts()).await.location;
    // Before and after it is known that Bob is refused.
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
    assert!(is_refused(&agent.end(&first).await));
    assert_eq!(put(&agent, &first, "dog").await, Ok(true));
    assert!(is_refused(&agent.view(&first).await));
    let second = agent.create(shared(&first)).await.location;
    let view = agent.end(&second).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(to_carol(&upstream).matches("bWVvdw==").count(), 2);
    // Nothing is accepted once it is complete.
    let complete = RefusalKind::WrongRange {
        len: 4,
        total: Some(4),
    };
    assert_eq!(put(&agent, &first, "dog").await, Err(complete));
}

#[tokio::test(start_paused = true)]
async fn a_part_is_shared_while_another_is_still_to_come() {
    let upstream = upstream();
    let agent = Agent::over(upstream.clone()).await;
    let first = agent.create(in_parts()).await.location;
    agent.end(&first).await;
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
    let mut create = shared(&first);
    let cat = json!({"reuse_uri": first.join("blob/cat").as_str()});
    create.draft.body = described(cat, json!({"inline": "woof"}));
    let second = agent.create(create).await.location;
    let view = agent.end(&second).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
}

#[tokio::test(start_paused = true)]
async fn a_whole_message_is_taken_and_shared() {
    let upstream = upstream();
    let agent = Agent::over(upstream.clone()).await;
    let first = agent.create(to_upload()).await.location;
    assert!(is_refused(&agent.end(&first).await));
    let body = first.join("body");
    let uploaded = agent.upload(&body, None, octets(MESSAGE)).await;
    assert!(uploaded.unwrap().finalized);
    let mut create = shared(&first);
    create.draft.body = Some(BodySource::Reuse(body));
    agent.create(create).await;
    assert_eq!(to_carol(&upstream), MESSAGE);
    assert!(is_refused(&agent.view(&first).await));
}

/// A client that uploads without looking is notified as for any other message.
#[tokio::test(start_paused = true)]
async fn its_sender_is_notified_once_the_message_is_there() {
    for is_asked_for in [true, false] {
        let upstream = upstream();
        let agent = Agent::over(upstream.clone()).await;
        agent.dispatch();
        let mut create = in_parts();
        create.draft.notification = Some(is_asked_for);
        let first = agent.create(create).await.location;
        assert!(is_refused(&agent.end(&first).await));
        assert_eq!(put(&agent, &first, "cat").await, Ok(true));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(delivered(&upstream).is_empty());
        assert_eq!(put(&agent, &first, "dog").await, Ok(true));
        assert!(is_refused(&agent.view(&first).await));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let view = agent.view(&first).await;
        assert!(is_refused(&view));
        assert_eq!(view.attempt_count, 1);
        let received = delivered(&upstream);
        let told = received.iter().map(|one| one.recipient_texts());
        let told: Vec<_> = told.flatten().collect();
        assert_eq!(told.len(), usize::from(is_asked_for), "{told:?}");
        assert!(told.iter().all(|to| *to == "alice@example.com"));
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_it_is_so_after_a_restart() {
    let backend = MemoryBackend::new();
    let agent = agent_on(&backend, &upstream()).await;
    let mut create = in_parts();
    create.draft.notification = Some(true);
    let first = agent.create(create).await.location;
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
    let before = agent.end(&first).await;
    assert!(is_refused(&before));
    drop(agent);

    let upstream = upstream();
    let agent = agent_on(&backend, &upstream).await;
    agent.dispatch();
    let view = agent.view(&first).await;
    assert!(is_refused(&view));
    assert_eq!(view.attempt_count, 1);
    // What arrived after the draft was written is uploaded again.
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
    assert_eq!(put(&agent, &first, "dog").await, Ok(true));
    assert!(is_refused(&agent.view(&first).await));
    let second = agent.create(shared(&first)).await.location;
    let view = agent.end(&second).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let view = agent.view(&first).await;
    assert!(is_refused(&view));
    // Bob was not tried again.
    assert_eq!(view.attempt_count, 1);
    let received = delivered(&upstream);
    let to: Vec<_> = received
        .iter()
        .flat_map(|one| one.recipient_texts())
        .collect();
    assert_eq!(to, ["alice@example.com", "carol@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_is_not_waited_for_any_longer_than_an_hour() {
    let upstream = upstream();
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    let mut create = in_parts();
    create.draft.notification = Some(true);
    let first = agent.create(create).await.location;
    assert!(is_refused(&agent.end(&first).await));
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
    tokio::time::sleep(Duration::from_secs(3590)).await;
    assert_eq!(put(&agent, &first, "dog").await, Ok(true));

    let first = agent.create(in_parts()).await.location;
    agent.end(&first).await;
    tokio::time::sleep(Duration::from_secs(3700)).await;
    assert!(is_refused(&agent.view(&first).await));
    assert_eq!(put(&agent, &first, "dog").await, Err(RefusalKind::Conflict));
}

/// A transaction that is over does not change.
#[tokio::test(start_paused = true)]
async fn a_cancel_comes_too_late() {
    let agent = Agent::over(upstream()).await;
    let first = agent.create(in_parts()).await.location;
    assert!(is_refused(&agent.end(&first).await));
    agent.ask(Operation::Cancel(first.clone())).await;
    let view = agent.view(&first).await;
    assert!(is_refused(&view) && !view.cancelled);
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
}

#[tokio::test(start_paused = true)]
async fn those_that_were_refused_give_way_to_other_uploads() {
    let settings = RestHandlerSettings::default().with_max_unfinished_uploads(2);
    let backend = MemoryBackend::new();
    let agent = Agent::on(backend.another_process(), upstream(), settings).await;
    let first = agent.create(in_parts()).await.location;
    let second = agent.create(in_parts()).await.location;
    agent.end(&first).await;
    agent.end(&second).await;
    let third = agent.create(in_parts()).await.location;
    agent.end(&third).await;
    assert_eq!(put(&agent, &first, "cat").await, Err(RefusalKind::Conflict));
    assert!(is_refused(&agent.view(&first).await));
    assert_eq!(put(&agent, &second, "cat").await, Ok(true));
    assert_eq!(put(&agent, &third, "cat").await, Ok(true));
}

/// The notification is made all the same: `final_attempt_reason` was set before.
#[tokio::test(start_paused = true)]
async fn a_cancel_after_the_upload_comes_too_late() {
    let upstream = upstream();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = in_parts();
    create.draft.notification = Some(true);
    let first = agent.create(create).await.location;
    agent.end(&first).await;
    for part in ["cat", "dog"] {
        assert_eq!(put(&agent, &first, part).await, Ok(true));
    }
    agent.ask(Operation::Cancel(first.clone())).await;
    agent.dispatch();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(is_refused(&agent.view(&first).await));
    assert_eq!(delivered(&upstream).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_is_repeated_displaces_nothing() {
    let settings = RestHandlerSettings::default().with_max_unfinished_uploads(1);
    let backend = MemoryBackend::new();
    let agent = Agent::on(backend.another_process(), upstream(), settings).await;
    let keyed = || {
        let mut create = in_parts();
        create.idempotency_key = Some("key".into());
        create
    };
    let first = agent.create(keyed()).await.location;
    agent.end(&first).await;
    let again = agent.create(keyed()).await;
    assert_eq!((&again.location, again.is_replayed), (&first, true));
    tokio::time::sleep(Duration::from_secs(1)).await;
    for part in ["cat", "dog"] {
        assert_eq!(put(&agent, &first, part).await, Ok(true));
    }
}

/// If a draft could not be written for a while, the refusal is written once it can be.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_written_when_there_is_room_again() {
    let backend = Failing::default();
    backend.full_completes.store(3, Ordering::Relaxed);
    let agent = Agent::on(backend, upstream(), RestHandlerSettings::default()).await;
    let first = agent.create(in_parts()).await.location;
    assert!(is_refused(&agent.end(&first).await));
    assert_eq!(put(&agent, &first, "cat").await, Ok(true));
}

/// While the refusal is written the message is committed, and that fails: it stays refused, is
/// committed by the next request, and its sender is notified once.
#[tokio::test(start_paused = true)]
async fn a_commit_beside_the_refusal_may_fail() {
    for gives_way in [false, true] {
        let backend = Failing::default();
        let settings = RestHandlerSettings::default().with_max_unfinished_uploads(1);
        let upstream = upstream();
        let agent = Agent::on(backend.clone(), upstream.clone(), settings).await;
        agent.dispatch();
        // The refusal is written at 30 seconds, and the commit fails at 31.
        backend.slow_completes.store(2, Ordering::Relaxed);
        let mut create = to_upload();
        create.draft.notification = Some(true);
        let first = agent.create(create).await.location;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let uploading = agent.clone();
        let body = first.join("body");
        let to = body.clone();
        let uploading =
            tokio::spawn(async move { uploading.upload(&to, None, octets(MESSAGE)).await });
        tokio::time::sleep(SLOW - Duration::from_millis(500)).await;
        backend.full_completes.store(1, Ordering::Relaxed);
        assert!(uploading.await.unwrap().is_err());
        assert!(is_refused(&agent.view(&first).await));
        if gives_way {
            agent.create(in_parts()).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        } else {
            let again = agent.upload(&body, None, octets(MESSAGE)).await;
            assert!(again.is_ok_and(|uploaded| uploaded.finalized));
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        assert!(is_refused(&agent.view(&first).await));
        assert_eq!(delivered(&upstream).len(), usize::from(!gives_way));
    }
}
