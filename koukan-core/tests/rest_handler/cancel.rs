//! Cancels: what is no longer attempted, and what upstream already has.

use std::time::Duration;

use koukan_core::{
    context::Sender,
    reply::Reply,
    resource::{Create, Location, Operation, ResourceResponse, View},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, Script},
    transaction::Transaction,
};
use tokio::time::sleep;
use tower::BoxError;

use crate::agent::{Agent, MESSAGE, octets, to_upload, whole};

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

/// Accepts the envelope, and reads nothing of the message.
pub(crate) async fn stuck(transaction: Transaction) -> Result<Reply, BoxError> {
    let Transaction {
        mail,
        mut recipients,
        body: _body,
        ..
    } = transaction;
    mail.into_parts().1.answer(Reply::sender_ok());
    while let Some(rcpt) = recipients.next().await? {
        rcpt.into_parts().1.answer(Reply::recipient_ok());
    }
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_is_cancelled() {
    let agent = Agent::over(tower::service_fn(stuck)).await;
    let mut create = whole();
    create.wait = None;
    let created = agent.create(create).await;
    let view = cancel(&agent, &created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("cancelled"));
    assert!(view.cancelled);
    assert_eq!(waiting_and_leased(&agent).await, (0, 0));
}

#[tokio::test(start_paused = true)]
async fn upstream_says_what_becomes_of_a_message_that_has_gone_out() {
    let promised_nothing = || Create {
        sender: Sender::new("gateway").with_tag("mx"),
        ..whole()
    };
    for (reply, reason) in [
        (Reply::message_accepted(), "delivered"),
        (Reply::no_such_user(), "failed"),
        (Reply::mailbox_busy(), "cancelled"),
    ] {
        for create in [whole(), promised_nothing(), to_upload()] {
            let is_draft = create.draft.body.is_none();
            let later = Answer::After(Duration::from_secs(60), reply.clone());
            let agent = Agent::over(Script::new().message(later)).await;
            let created = agent
                .create(Create {
                    wait: None,
                    ..create
                })
                .await;
            if is_draft {
                let body = created.location.join("body");
                agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
            }
            sleep(Duration::from_secs(10)).await;
            let view = cancel(&agent, &created.location).await;
            assert!(!view.cancelled && !view.is_final(), "{reply:?}: {view:?}");
            let end = agent.end(&created.location).await;
            assert_eq!(end.final_attempt_reason.as_deref(), Some(reason));
            assert_eq!(end.cancelled, reason == "cancelled");
            assert_eq!(end.data_response, Some(reply.clone()));
            assert_eq!(waiting_and_leased(&agent).await, (0, 0));
        }
    }
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
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    for create in [to_upload(), whole()] {
        let mut create = create;
        create.wait = Some(std::time::Duration::from_secs(1));
        let created = agent.create(create).await;
        assert!(!created.view.rcpt_response.is_empty(), "{:?}", created.view);
        let cancelled = cancel(&agent, &created.location).await;
        assert_eq!(cancelled.rcpt_response, created.view.rcpt_response);
        assert_eq!(cancelled.attempt_count, created.view.attempt_count);
        // Another process knows it only from the backend.
        let process = backend.another_process();
        let other = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
        assert_eq!(other.view(&created.location).await, cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_broken_off_shows_what_was_answered() {
    let backend = MemoryBackend::new();
    let upstream = tower::service_fn(stuck);
    let agent = Agent::on(
        backend.another_process(),
        upstream,
        RestHandlerSettings::default(),
    )
    .await;
    let created = agent.create(whole()).await;
    assert_eq!(created.view.rcpt_response, [Reply::recipient_ok()]);
    let cancelled = cancel(&agent, &created.location).await;
    assert_eq!(cancelled.rcpt_response, [Reply::recipient_ok()]);
    assert_eq!(cancelled.data_response, None);
    let process = backend.another_process();
    let other = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    assert_eq!(other.view(&created.location).await, cancelled);
}
