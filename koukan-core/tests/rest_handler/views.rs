//! The views that readers get.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{Create, RecipientState, View, WaitFor},
    signals::HostPort,
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, Script},
};

use crate::agent::{Agent, rcpt, read, to_upload, whole};

fn states(view: &View) -> Vec<RecipientState> {
    let details = view.details.as_ref().unwrap();
    let recipients = details.recipients.iter();
    recipients.map(|recipient| recipient.state).collect()
}

/// A transaction as its create shows it, as it is read then, and as another process reads it.
async fn told_and_read(backend: &MemoryBackend, agent: &Agent, create: Create) -> [View; 3] {
    let created = agent.create(create).await;
    let process = backend.another_process();
    let other = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    [
        *created.view,
        agent.view(&created.location).await,
        other.view(&created.location).await,
    ]
}

#[tokio::test(start_paused = true)]
async fn the_hosts_are_shown_as_they_were_given() {
    let host = |text: &str| Some(text.parse::<HostPort>().unwrap());
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let mut create = whole();
    create.draft.remote_host = host("[2001:db8:0::1]:2525");
    create.draft.local_host = host("mx.example.com:25");
    let draft = create.draft.clone();
    for view in told_and_read(&backend, &agent, create).await {
        assert_eq!(view.remote_host, draft.remote_host);
        assert_eq!(view.local_host, draft.local_host);
    }
}

#[tokio::test(start_paused = true)]
async fn where_one_of_two_got_it_the_reason_says_so() {
    let upstream = Script::new().rcpt("carol@example.com", Reply::no_such_user());
    let agent = Agent::over(upstream).await;
    let mut create = whole();
    create.draft.rcpt_to.push(rcpt("carol@example.com"));
    create.draft.notification = Some(false);
    let view = agent.create(create).await.view;
    assert_eq!(
        view.final_attempt_reason.as_deref(),
        Some("partly delivered")
    );
    assert_eq!(
        states(&view),
        [RecipientState::Delivered, RecipientState::Failed]
    );
    let details = view.details.unwrap();
    assert_eq!(details.recipients[1].reply, Some(Reply::no_such_user()));
}

#[tokio::test(start_paused = true)]
async fn each_recipients_final_reply_is_shown_where_it_has_one() {
    let upstream = Script::new()
        .message_for("carol@example.com", Reply::mailbox_busy())
        .message_for("dave@example.com", Reply::bad_content());
    let backend = MemoryBackend::new();
    let agent = Agent::on(
        backend.another_process(),
        upstream,
        RestHandlerSettings::default(),
    )
    .await;
    let mut create = whole();
    for to in ["carol@example.com", "dave@example.com"] {
        create.draft.rcpt_to.push(rcpt(to));
    }
    create.draft.notification = Some(false);
    for view in told_and_read(&backend, &agent, create).await {
        assert_eq!(view.data_response, Some(Reply::mailbox_busy()));
        let each = [
            Reply::message_accepted(),
            Reply::mailbox_busy(),
            Reply::bad_content(),
        ];
        assert_eq!(view.final_replies, each.map(Some));
        assert_eq!(
            states(&view),
            [
                RecipientState::Delivered,
                RecipientState::Deferred,
                RecipientState::Failed
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_shown_whatever_comes_later() {
    let backend = MemoryBackend::new();
    let upstream = Script::new().rcpt("carol@example.com", Reply::mailbox_busy());
    let agent = Agent::on(
        backend.another_process(),
        upstream,
        RestHandlerSettings::default(),
    )
    .await;
    let mut create = whole();
    create.draft.rcpt_to.push(rcpt("carol@example.com"));
    create.draft.notification = Some(false);
    let first = agent.create(create).await;
    assert_eq!(first.view.data_response, Some(Reply::message_accepted()));
    assert_eq!(
        states(&first.view),
        [RecipientState::Delivered, RecipientState::Deferred]
    );
    assert!(first.view.details.as_ref().unwrap().next_attempt.is_some());
    agent.dispatch();
    let last = agent.end(&first.location).await;
    assert_eq!(last.attempt_count, 3);
    assert_eq!(last.mail_response, first.view.mail_response);
    assert_eq!(last.rcpt_response, first.view.rcpt_response);
    assert_eq!(last.data_response, Some(Reply::message_accepted()));
    assert_eq!(
        states(&last),
        [RecipientState::Delivered, RecipientState::Expired]
    );
    let process = backend.another_process();
    let other = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    assert_eq!(other.view(&first.location).await, last);
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_may_be_waited_for() {
    let agent = Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await;
    let mut create = whole();
    create.wait_for = WaitFor::Attempt;
    let begun = tokio::time::Instant::now();
    let created = agent.create(create).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(!created.view.is_final());
    assert_eq!(states(&created.view), [RecipientState::Deferred]);
    let details = created.view.details.as_ref().unwrap();
    assert!(details.next_attempt.is_some(), "it is not written yet");
    let mut again = read(&created.location);
    again.wait = Some(Duration::from_secs(10));
    again.wait_for = WaitFor::Attempt;
    let (view, version) = agent.try_read(again.clone()).await.unwrap();
    assert_eq!((view, version), (*created.view, created.version));
    assert!(begun.elapsed() < Duration::from_secs(1));
    again.wait_for = WaitFor::End;
    agent.try_read(again).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_message_is_pending() {
    let agent = Agent::over(Script::new().message(Answer::Never)).await;
    let created = agent.create(to_upload()).await;
    let view = agent.view(&created.location).await;
    assert_eq!(states(&view), [RecipientState::Pending]);
    let details = view.details.unwrap();
    assert_eq!(details.location, created.location);
    assert_eq!(&*details.sender.name, "app");
    assert_eq!(
        details.mail_from.unwrap().reverse_path.as_str(),
        "alice@example.com"
    );
    assert_eq!(details.next_attempt, None);
}
