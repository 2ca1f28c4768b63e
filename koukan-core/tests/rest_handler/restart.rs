use std::time::Duration;

use koukan_core::{
    resource::{BodySource, RefusalKind},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, Script},
};
use serde_json::json;

use crate::agent::{Agent, MESSAGE, mail, octets, to_upload, whole};

/// The agent after a crash: another process on the same backend.
pub(crate) async fn after_crash(backend: &MemoryBackend, upstream: &Script) -> Agent {
    let settings = RestHandlerSettings::default();
    let agent = Agent::on(backend.another_process(), upstream.clone(), settings).await;
    agent.dispatch();
    agent
}

/// Runs a process that is killed when `f` has ended.
pub(crate) fn process<F: Future>(f: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(f)
}

#[test]
fn a_message_that_was_created_is_delivered_after_a_crash() {
    let backend = MemoryBackend::new();
    let location = process(async {
        let never = Script::new().message(Answer::Never);
        let agent = Agent::on(
            backend.another_process(),
            never,
            RestHandlerSettings::default(),
        )
        .await;
        agent.create(whole()).await.location
    });
    process(async {
        let upstream = Script::new();
        let agent = after_crash(&backend, &upstream).await;
        let view = agent.end(&location).await;
        assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
        assert_eq!(upstream.only_received().text(), MESSAGE);
    });
}

#[tokio::test(start_paused = true)]
async fn a_draft_is_completed_after_a_restart() {
    let backend = MemoryBackend::new();
    let settings = RestHandlerSettings::default();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), settings).await;
    let created = agent.create(to_upload()).await;
    drop(agent);

    let upstream = Script::new();
    let agent = after_crash(&backend, &upstream).await;
    assert!(!agent.view(&created.location).await.is_final());
    let body = created.location.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    let received = upstream.only_received();
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_after_a_restart_and_its_message_uploaded() {
    let backend = MemoryBackend::new();
    let mut create = to_upload();
    create.idempotency_key = Some("key".into());
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let first = agent.create(create.clone()).await;
    drop(agent);

    let upstream = Script::new();
    let agent = after_crash(&backend, &upstream).await;
    let mut other = create.clone();
    other.draft.mail_from = Some(mail("mallory@example.com"));
    let refusal = agent.try_create(other).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::KeyReused);
    let again = agent.create(create.clone()).await;
    assert_eq!(again.location, first.location);
    assert!(again.is_replayed);
    let body = again.location.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    let view = agent.end(&first.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert!(agent.create(create).await.is_replayed);
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_described_draft_is_completed_after_a_restart() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let mut create = to_upload();
    create.draft.body = Some(BodySource::MessageBuilder(json!({
        "text_body": [{"content_type": "text/plain", "content": {"create_id": "text"}}],
    })));
    let created = agent.create(create).await;
    drop(agent);

    let upstream = Script::new();
    let agent = after_crash(&backend, &upstream).await;
    let text = created.location.join("blob/text");
    agent.upload(&text, None, octets("hello")).await.unwrap();
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_draft_whose_message_never_comes_is_given_up() {
    let agent = Agent::over(Script::new()).await;
    agent.dispatch();
    let created = agent.create(to_upload()).await;
    tokio::time::sleep(Duration::from_secs(25 * 3600)).await;
    let view = agent.view(&created.location).await;
    assert_eq!(
        view.final_attempt_reason.as_deref(),
        Some("downstream timeout")
    );
}

#[tokio::test(start_paused = true)]
async fn parts_uploaded_at_the_same_time_after_a_restart_make_one_message() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let mut create = to_upload();
    create.draft.body = Some(BodySource::MessageBuilder(json!({
        "text_body": [
            {"content_type": "text/plain", "content": {"create_id": "plain"}},
            {"content_type": "text/html", "content": {"create_id": "html"}},
        ],
    })));
    let created = agent.create(create).await;
    drop(agent);

    let upstream = Script::new();
    let agent = after_crash(&backend, &upstream).await;
    let [plain, html] = ["blob/plain", "blob/html"].map(|to| created.location.join(to));
    let (plain, html) = tokio::join!(
        agent.upload(&plain, None, octets("hello")),
        agent.upload(&html, None, octets("<b>hello</b>")),
    );
    plain.unwrap();
    html.unwrap();
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(view.attempt_count, 1);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_attempted_no_longer() {
    let agent = Agent::over(Script::new()).await;
    agent.dispatch();
    agent.create(to_upload()).await;
    tokio::time::sleep(Duration::from_secs(25 * 3600)).await;
    let ended = agent.handler.attempts().ended();
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
    ended.expect("the attempt has ended");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_messages_that_are_not_uploaded() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    let created = agent.create(to_upload()).await;
    agent.handler.attempts().stop();
    let ended = agent.handler.attempts().ended();
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
    ended.expect("the attempt has ended");
    // It is still a draft, which can be completed.
    let view = agent.view(&created.location).await;
    assert!(!view.is_final());
    assert_eq!(view.data_response, None);
    let body = created.location.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    while !agent.view(&created.location).await.is_final() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    // The first one had no message yet.
    let received = upstream.received();
    assert_eq!(received.len(), 2);
    assert_eq!(received[1].text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_to_the_queue_has_no_replies() {
    let settings = RestHandlerSettings::default().with_max_in_flight(1);
    let upstream = Script::new();
    let agent = Agent::on(MemoryBackend::new(), upstream, settings).await;
    let first = agent.create(to_upload()).await;
    let mut create = whole();
    create.wait = None;
    for create in [create, to_upload()] {
        let second = agent.create(create).await;
        let view = agent.view(&second.location).await;
        assert_eq!(view.mail_response, None);
        assert_eq!(view.data_response, None);
        assert_eq!(view.attempt_count, 0);
    }
    assert!(!agent.view(&first.location).await.is_final());
}
