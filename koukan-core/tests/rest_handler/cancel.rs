use koukan_core::{
    reply::Reply,
    resource::{Location, Operation, ResourceResponse, View},
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
