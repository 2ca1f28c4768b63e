use std::time::Duration;

use koukan_core::{
    resource::BodySource,
    stage::rest_handler::Settings,
    storage::MemoryBackend,
    test_util::{Answer, Script},
};
use serde_json::json;

use crate::agent::{Agent, MESSAGE, octets, to_upload, whole};

/// The agent after a crash: another process on the same backend.
async fn after_crash(backend: &MemoryBackend, upstream: &Script) -> Agent {
    let settings = Settings::default();
    let agent = Agent::on(backend.another_process(), upstream.clone(), settings).await;
    agent.dispatch();
    agent
}

/// Runs a process that is killed when `f` has ended.
fn process<F: Future>(f: F) -> F::Output {
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
        let agent = Agent::on(backend.another_process(), never, Settings::default()).await;
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
    let settings = Settings::default();
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
async fn a_described_draft_is_completed_after_a_restart() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), Settings::default()).await;
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
