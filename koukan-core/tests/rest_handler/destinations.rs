//! Recipients with several destinations, of which one call of the chain takes one.

use std::time::Duration;

use koukan_core::{
    context::Sender,
    filter::router::{DestDomain, RouterLayer, Rules},
    reply::Reply,
    resource::{Create, RecipientState, View},
    service::MailService,
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, End, Script},
};
use tower::Layer;

use crate::agent::{Agent, MESSAGE, octets, rcpt, to_upload, whole};

const TO: [&str; 5] = [
    "a@a.example",
    "b@b.example",
    "c@c.example",
    "d@a.example",
    "e@b.example",
];

fn by_domain(upstream: &Script) -> impl MailService {
    RouterLayer::new(Rules::new().with(DestDomain::new())).layer(upstream.clone())
}

fn to_all(mut create: Create) -> Create {
    create.draft.rcpt_to = TO.into_iter().map(rcpt).collect();
    create.draft.retry = Some(true);
    create.draft.notification = Some(false);
    create
}

/// The recipients of each message that was accepted.
fn delivered(upstream: &Script) -> Vec<Vec<String>> {
    let received = upstream.received().into_iter();
    let received = received.filter(|one| !one.recipient_texts().is_empty());
    let taken =
        received.filter(|one| matches!(&one.end, End::Replied(reply) if reply.is_positive()));
    taken
        .map(|one| {
            one.recipient_texts()
                .into_iter()
                .map(str::to_owned)
                .collect()
        })
        .collect()
}

fn states(view: &View) -> Vec<RecipientState> {
    let recipients = &view.details.as_ref().unwrap().recipients;
    recipients.iter().map(|recipient| recipient.state).collect()
}

#[tokio::test(start_paused = true)]
async fn all_are_delivered_in_one_attempt() {
    let upstream = Script::new();
    let agent = Agent::over(by_domain(&upstream)).await;
    let view = agent.create(to_all(whole())).await.view;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(view.attempt_count, 1);
    assert_eq!(view.rcpt_response, vec![Reply::recipient_ok(); 5]);
    let expected = [vec![TO[0], TO[3]], vec![TO[1], TO[4]], vec![TO[2]]];
    assert_eq!(delivered(&upstream), expected);
    for received in upstream.received() {
        assert_eq!(received.text(), MESSAGE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_uploaded_goes_to_all() {
    let upstream = Script::new();
    let agent = Agent::over(by_domain(&upstream)).await;
    let at = agent.create(to_all(to_upload())).await.location;
    tokio::time::sleep(Duration::from_secs(5)).await;
    agent
        .upload(&at.join("body"), None, octets(MESSAGE))
        .await
        .unwrap();
    let view = agent.end(&at).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!((view.attempt_count, delivered(&upstream).len()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn one_destination_that_fails_does_not_keep_the_others() {
    let upstream = Script::new()
        .rcpt("a@a.example", Reply::mailbox_busy())
        .rcpt("d@a.example", Reply::mailbox_busy())
        .rcpt("c@c.example", Reply::no_such_user());
    let agent = Agent::over(by_domain(&upstream)).await;
    let mut create = to_all(whole());
    create.wait = Some(Duration::from_secs(1));
    let created = agent.create(create).await;
    let view = created.view;
    assert!(!view.is_final());
    let (done, failed, deferred) = (
        RecipientState::Delivered,
        RecipientState::Failed,
        RecipientState::Deferred,
    );
    assert_eq!(states(&view), [deferred, done, failed, deferred, done]);
    let replies = view.details.as_ref().unwrap().recipients.iter();
    let replies: Vec<_> = replies.map(|one| one.reply.clone().unwrap()).collect();
    assert_eq!(replies[0], Reply::mailbox_busy());
    assert_eq!(replies[2], Reply::no_such_user());
    assert_eq!(delivered(&upstream), [[TO[1], TO[4]]]);
    // Only the others are attempted again.
    agent.dispatch();
    let end = agent.end(&created.location).await;
    assert_eq!(
        end.final_attempt_reason.as_deref(),
        Some("partly delivered")
    );
    assert_eq!(states(&end)[1..3], [done, failed]);
    assert_eq!(delivered(&upstream).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_goes_to_all_after_a_restart() {
    let backend = MemoryBackend::new();
    let never = Script::new().mail(Answer::Never);
    let process = backend.another_process();
    let agent = Agent::on(process, by_domain(&never), RestHandlerSettings::default()).await;
    let mut create = to_all(whole());
    create.wait = None;
    let at = agent.create(create).await.location;
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(agent);

    let upstream = Script::new();
    let process = backend.another_process();
    let agent = Agent::on(
        process,
        by_domain(&upstream),
        RestHandlerSettings::default(),
    )
    .await;
    agent.dispatch();
    let view = agent.end(&at).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
}

/// A client that waits for the replies sends another transaction itself.
#[tokio::test(start_paused = true)]
async fn of_what_is_not_kept_the_client_is_told() {
    let upstream = Script::new();
    let agent = Agent::over(by_domain(&upstream)).await;
    let mut create = to_all(whole());
    create.sender = Sender::new("gateway").with_tag("mx");
    create.draft.retry = None;
    let view = agent.create(create).await.view;
    let (ok, elsewhere) = (Reply::recipient_ok(), Reply::other_destination());
    let expected = [&ok, &elsewhere, &elsewhere, &ok, &elsewhere].map(Clone::clone);
    assert_eq!(view.rcpt_response, expected);
    assert_eq!(delivered(&upstream), [[TO[0], TO[3]]]);
}

/// A chain that never has room for a recipient is not called endlessly.
#[tokio::test(start_paused = true)]
async fn whoever_is_refused_again_waits() {
    let upstream = Script::new().rcpt("b@b.example", Reply::other_destination());
    let agent = Agent::over(by_domain(&upstream)).await;
    let mut create = to_all(whole());
    create.draft.rcpt_to.truncate(2);
    create.wait = Some(Duration::from_secs(1));
    let view = agent.create(create).await.view;
    assert_eq!(
        states(&view),
        [RecipientState::Delivered, RecipientState::Deferred]
    );
    assert_eq!(upstream.received().len(), 2);
}
