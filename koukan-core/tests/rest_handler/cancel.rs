use koukan_core::{
    reply::Reply,
    resource::{Location, Operation, ResourceResponse, View},
    stage::rest_handler::Settings,
    storage::MemoryBackend,
    test_util::{Answer, Script},
};

use crate::agent::{Agent, to_upload, whole};

async fn cancel(agent: &Agent, transaction: &Location) -> View {
    match agent.ask(Operation::Cancel(transaction.clone())).await {
        ResourceResponse::Current { view, .. } => *view,
        other => panic!("{other:?}"),
    }
}

async fn waiting_and_leased(agent: &Agent) -> (u64, u64) {
    let census = agent.storage.backend().census().await.unwrap();
    (census.waiting, census.leased)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_is_cancelled() {
    let agent = Agent::over(Script::new().message(Answer::Never)).await;
    let mut create = whole();
    create.wait = None;
    let created = agent.create(create).await;
    let view = cancel(&agent, &created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("cancelled"));
    assert!(view.cancelled);
    assert_eq!(waiting_and_leased(&agent).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_another_attempt_is_cancelled() {
    let agent = Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await;
    let created = agent.create(whole()).await;
    assert_eq!(waiting_and_leased(&agent).await, (1, 0));
    let view = cancel(&agent, &created.location).await;
    assert!(view.cancelled);
    assert_eq!(waiting_and_leased(&agent).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_message_is_cancelled() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(to_upload()).await;
    assert!(cancel(&agent, &created.location).await.cancelled);
    assert_eq!(waiting_and_leased(&agent).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_over_stays_as_it_is() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(whole()).await;
    let view = cancel(&agent, &created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert!(!view.cancelled);
}

#[tokio::test(start_paused = true)]
async fn what_the_answer_to_a_cancel_shows_is_there_afterwards() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), Settings::default()).await;
    for create in [to_upload(), whole()] {
        let mut create = create;
        create.wait = Some(std::time::Duration::from_secs(1));
        let created = agent.create(create).await;
        assert!(!created.view.rcpt_response.is_empty(), "{:?}", created.view);
        let cancelled = cancel(&agent, &created.location).await;
        assert_eq!(cancelled.rcpt_response, created.view.rcpt_response);
        assert_eq!(cancelled.attempt_count, created.view.attempt_count);
        // Another process knows it from the backend alone.
        let process = backend.another_process();
        let other = Agent::on(process, Script::new(), Settings::default()).await;
        assert_eq!(other.view(&created.location).await, cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_broken_off_shows_what_was_answered() {
    let backend = MemoryBackend::new();
    let never = Script::new().message(Answer::Never);
    let agent = Agent::on(backend.another_process(), never, Settings::default()).await;
    let created = agent.create(whole()).await;
    assert_eq!(created.view.rcpt_response, [Reply::recipient_ok()]);
    let cancelled = cancel(&agent, &created.location).await;
    assert_eq!(cancelled.rcpt_response, [Reply::recipient_ok()]);
    assert_eq!(cancelled.data_response, None);
    let process = backend.another_process();
    let other = Agent::on(process, Script::new(), Settings::default()).await;
    assert_eq!(other.view(&created.location).await, cancelled);
}
